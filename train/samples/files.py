"""Write made scans as files: PNG, DICOM, and the manifest that lists them."""

import hashlib
import json
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid
from torch import Tensor

GENERATOR = "sample-flow"
MARK = "SYNTHETIC: made by a generative model, shows no person"


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One line of the manifest. seed: of the noise that the scan was made from. hard: how it was made so."""

    file: str
    modality: str
    condition: str
    seed: int
    sha256: str
    synthetic: bool = True
    hard: str = ""


def write_scan(
    scan: Tensor, file: str, modality: str, condition: str, seed: int, folder: Path
) -> ManifestRow:
    """Write one made scan, and return its line of the manifest.

    scan: (1, H, W), in [0, 1].
    file: name; its ending says whether it becomes a PNG or a DICOM film.
    modality, condition: as the manifest lists them.
    seed: of the noise that it was made from.
    folder: where to write.
    """
    pixels = to_uint8(scan)
    data = dicom_bytes(pixels, seed) if file.endswith(".dcm") else png_bytes(pixels)
    (folder / file).write_bytes(data)
    return ManifestRow(file, modality, condition, seed, hashlib.sha256(data).hexdigest())


def to_uint8(scan: Tensor) -> NDArray[np.uint8]:
    """(1, H, W) in [0, 1] -> (H, W), 8 bits."""
    pixels: NDArray[np.uint8] = (scan[0].float().clamp(0, 1) * 255).round().byte().numpy()
    return pixels


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def dicom_bytes(pixels: NDArray[np.uint8], seed: int) -> bytes:
    """A digital radiograph whose every tag says that there is no patient."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = _uid("instance", seed)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    film.SOPClassUID = DigitalXRayImageStorageForPresentation
    film.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    film.StudyInstanceUID, film.SeriesInstanceUID = _uid("study", seed), _uid("series", seed)
    film.PatientName, film.PatientID = "SYNTHETIC^SAMPLE", f"SYNTHETIC-{seed}"
    film.PatientBirthDate = film.StudyDate = film.StudyTime = film.AccessionNumber = ""
    film.PatientSex, film.ReferringPhysicianName, film.StudyID = "", "", ""
    film.PatientIdentityRemoved = "YES"
    film.Manufacturer, film.ManufacturerModelName = "SYNTHETIC", GENERATOR
    film.Modality, film.BodyPartExamined, film.ViewPosition = "DX", "CHEST", "AP"
    film.PresentationIntentType, film.ImageType = "FOR PRESENTATION", ["DERIVED", "PRIMARY"]
    film.BurnedInAnnotation, film.ImageComments, film.DerivationDescription = "NO", MARK, MARK
    film.SeriesNumber = film.InstanceNumber = 1
    film.Rows, film.Columns = pixels.shape
    film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
    film.BitsAllocated, film.BitsStored, film.HighBit, film.PixelRepresentation = 8, 8, 7, 0
    film.WindowCenter, film.WindowWidth = 128, 256
    film.PixelData = pixels.tobytes() + bytes(pixels.size % 2)
    buffer = BytesIO()
    film.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _uid(what: str, seed: int) -> UID:
    """An identifier out of thin air, the same for the same seed."""
    return generate_uid(entropy_srcs=[GENERATOR, what, str(seed)])


def write_manifest(rows: list[ManifestRow], folder: Path) -> None:
    samples = [{name: value for name, value in asdict(row).items() if value != ""} for row in rows]
    manifest = {"model": GENERATOR, "samples": samples}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
