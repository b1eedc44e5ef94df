"""A picture of a verdict as a DICOM Secondary Capture in the study of the film it belongs to."""

from io import BytesIO

import highdicom
import numpy as np
from highdicom.sc import SCImage
from numpy.typing import NDArray

from core.card_types import Card
from core.export import segmentation

DESCRIPTION = "Opacity: research demo, not for clinical use"


def secondary_capture(
    data: bytes,
    name: str,
    rgb: NDArray[np.uint8],
    words: str,
    card: Card,
    *,
    keep_patient: bool = False,
) -> bytes:
    """A DICOM file of one colour picture.

    data: the DICOM file that was read.
    name: of that file, for messages.
    rgb: (H, W, 3), such as the film with its heat.
    words: the verdict, which becomes the picture's comment.
    card: that judged.
    keep_patient: whether name, birth date and the like of the file go along; else they stay empty.
    Raises OpacityError where the file is no DICOM file or names no study.
    """
    source = segmentation.source(data, name, keep_patient)
    made = SCImage(
        pixel_array=rgb,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),
        study_instance_uid=source.StudyInstanceUID,
        series_instance_uid=highdicom.UID(),
        series_number=1,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="Opacity",
    )
    made.PatientOrientation = []  # highdicom asks for one; the film's is not known
    for keyword in segmentation.PATIENT:
        if keyword in source:
            setattr(made, keyword, source.get(keyword))
    made.SeriesDescription = DESCRIPTION
    made.ImageComments = words
    made.ManufacturerModelName, made.SoftwareVersions = card.id, card.version
    made.BurnedInAnnotation = "NO"
    file = BytesIO()
    made.save_as(file)
    return file.getvalue()
