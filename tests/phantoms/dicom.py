"""DICOM films with known stored values."""

from io import BytesIO

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

from core.reading import images


def film(
    stored: ArrayLike,
    *,
    syntax: str = uid.ExplicitVRLittleEndian,
    encoded: bytes | None = None,
    **tags: object,
) -> bytes:
    """The bytes of a film with these stored values; tags set to None are left out."""
    stored = np.asarray(stored)
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = syntax
    header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = uid.ComputedRadiographyImageStorage
    header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    header.Modality = "CR"
    header.Rows, header.Columns = stored.shape[:2]
    header.SamplesPerPixel = 1 if stored.ndim == 2 else 3
    header.PhotometricInterpretation = "MONOCHROME2" if stored.ndim == 2 else "RGB"
    if stored.ndim == 3:
        header.PlanarConfiguration = 0
    header.BitsAllocated = header.BitsStored = 8 * stored.itemsize
    header.PixelRepresentation = int(stored.dtype.kind == "i")
    content = stored.tobytes()
    header.PixelData = encoded if encoded is not None else content + bytes(len(content) % 2)
    header["PixelData"].VR = "OB" if stored.itemsize == 1 or encoded is not None else "OW"
    for tag, value in tags.items():
        if value is None:
            delattr(header, tag)
        else:
            setattr(header, tag, value)
    header.HighBit = header.BitsStored - 1
    file = BytesIO()
    header.save_as(file, enforce_file_format=True)
    return file.getvalue()


def pixels(stored: ArrayLike, **tags: object) -> NDArray[np.float32]:
    """What a film shows; a list is of 16-bit values."""
    stored = stored if isinstance(stored, np.ndarray) else np.array(stored, np.uint16)
    return images.read(film(stored, **tags), "film.dcm").pixels
