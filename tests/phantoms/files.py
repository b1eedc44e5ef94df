"""Small files of every kind that is read, and the drawn chest as DICOM."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

from tests.phantoms.chest import chest

NOISE = np.random.default_rng(0).integers(0, 256, (48, 40), dtype=np.uint8)


def picture(form: str, **options: object) -> bytes:
    """A small grey picture in any of Pillow's formats."""
    file = BytesIO()
    Image.fromarray(NOISE).save(file, form, **options)
    return file.getvalue()


def film(syntax: str = uid.ExplicitVRLittleEndian, encoded: bytes | None = None, **tags: object) -> bytes:
    """A small DICOM film; tags replace or add, None empties."""
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = syntax
    header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = uid.ComputedRadiographyImageStorage
    header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    header.Modality, header.SamplesPerPixel = "CR", 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.Rows, header.Columns = NOISE.shape
    header.BitsAllocated = header.BitsStored = 8
    header.HighBit, header.PixelRepresentation = 7, 0
    header.WindowCenter, header.WindowWidth = [128, 60], [256, 90]
    header.RescaleSlope, header.RescaleIntercept = 1, 0
    header.PixelData = encoded or NOISE.tobytes()
    header["PixelData"].VR = "OB"
    for tag, value in tags.items():
        setattr(header, tag, value)
    if syntax == uid.RLELossless:
        header.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
        header.compress(uid.RLELossless, generate_instance_uid=False)
    file = BytesIO()
    header.save_as(file, enforce_file_format=True)
    return file.getvalue()


GOOD = {
    "png": picture("PNG"),
    "jpeg": picture("JPEG"),
    "progressive jpeg": picture("JPEG", progressive=True),
    "bmp": picture("BMP"),
    "tiff": picture("TIFF", compression="tiff_lzw"),
    "webp": picture("WEBP"),
    "dicom": film(),
    "dicom rle": film(uid.RLELossless),
    "dicom deflated": film(uid.DeflatedExplicitVRLittleEndian),
    "dicom jpeg": film(uid.JPEGBaseline8Bit, encapsulate([picture("JPEG")])),
    "dicom jpeg 2000": film(uid.JPEG2000Lossless, encapsulate([picture("JPEG2000", no_jp2=True)])),
}


def chest_film(pixels: NDArray[np.uint8] | None = None, **tags: object) -> bytes:
    """The drawn chest as a DICOM film; pixels: (frames x) 224 x 224 of 8 bits instead."""
    drawn = (chest() * 255).round().astype(np.uint8) if pixels is None else pixels
    usual = {
        "Rows": 224,
        "Columns": 224,
        "PixelData": drawn.tobytes(),
        "WindowCenter": 127.5,
        "WindowWidth": 256,
    }
    return film(**(usual | tags))
