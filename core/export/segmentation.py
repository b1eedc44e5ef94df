"""An outline as a DICOM SEG object that belongs to the film it was drawn on."""

from io import BytesIO

import highdicom
import numpy as np
import pydicom
from highdicom.seg import Segmentation, SegmentDescription
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.sr.codedict import codes

from core.anatomy.outlines import Outline
from core.card_types import SegmenterCard
from core.errors import OpacityError
from core.reading import header

# What places the outline on its film. Nothing of it says who the patient is, but for the numbers that the
# film's archive knows the study by: without these no viewer could lay one over the other.
PLACE = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"),
    *("Modality", "Rows", "Columns", "NumberOfFrames", "PixelSpacing", "ImagerPixelSpacing"),
    *("ImagePositionPatient", "ImageOrientationPatient", "SliceThickness", "SpacingBetweenSlices"),
)
PATIENT = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber"),
    *("StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName", "SpecificCharacterSet"),
)
_SPACE = (
    *("FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient"),
    *("PixelSpacing", "SliceThickness"),
)
_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


def dicom_seg(
    data: bytes, name: str, outline: Outline, card: SegmenterCard, *, keep_patient: bool = False
) -> bytes:
    """A DICOM SEG file of one binary segment.

    data: the DICOM file that was outlined.
    name: of that file, for messages.
    outline: of all of its picture.
    card: that outlined.
    keep_patient: whether name, birth date and the like of the file go along; else they stay empty.
    Raises OpacityError where the outline is empty or does not belong to a single DICOM picture.
    """
    if not outline.marks:
        raise OpacityError(f"Nothing is outlined on {name}, so there is no segment to write.")
    film = source(data, name, keep_patient)
    if (film.Rows, film.Columns) != outline.mask.shape or int(film.get("NumberOfFrames") or 1) > 1:
        raise OpacityError(f"{name} holds more than the picture outlined: give one uncropped frame a file.")
    segment = SegmentDescription(
        segment_number=1,
        segment_label=card.labels[-1],
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Lesion,
        algorithm_type="AUTOMATIC",
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name=card.id, family=codes.DCM.ArtificialIntelligence, version=card.sha256[:12]
        ),
    )
    made = Segmentation(
        source_images=[film],
        pixel_array=outline.mask[None].astype(np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=[segment],
        series_instance_uid=highdicom.UID(),
        series_number=1,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="Opacity",
        manufacturer_model_name=card.id,
        software_versions=card.version,
        device_serial_number="0",
        content_label="LESION",
        content_description="Research demo, not for clinical use",
    )
    file = BytesIO()
    made.save_as(file)
    return file.getvalue()


def source(data: bytes, name: str, keep_patient: bool) -> Dataset:
    """Those elements of a file's header that an object of its study needs; all others are never parsed.

    data: of the file.
    name: of the file, for messages.
    keep_patient: whether the patient's elements are among them; else they are empty.
    Raises OpacityError for what is no DICOM file or names no study.
    """
    sound = header.whole_file(data)
    if sound is None:
        raise OpacityError(f"{name} is no DICOM file, so no other can belong to its study: save a picture.")
    wanted = [*PLACE, *(PATIENT if keep_patient else ())]
    try:
        film = pydicom.dcmread(BytesIO(sound), stop_before_pixels=True, specific_tags=list(wanted))
    except (InvalidDicomError, EOFError, ValueError, NotImplementedError) as error:
        raise OpacityError(f"{name} has a header that cannot be read again: export it once more.") from error
    missing = [keyword for keyword in _NEEDED if not film.get(keyword)]
    if missing:
        raise OpacityError(f"{name} lacks {', '.join(missing)}, by which its study is known: export it anew.")
    for keyword in PATIENT:
        if keyword not in film:
            setattr(film, keyword, None)
    if not all(film.get(keyword) for keyword in _SPACE):
        for keyword in _SPACE:  # no place in space then, only one on the film
            if keyword in film:
                del film[keyword]
    return film
