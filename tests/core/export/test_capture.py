"""A Secondary Capture lies in the study of its film, and tells nobody's name unasked."""

from io import BytesIO

import numpy as np
import pydicom
import pytest

from core.errors import OpacityError
from core.export.capture import DESCRIPTION, secondary_capture
from tests.phantoms.chest import chest, png
from tests.phantoms.dicom import film
from tests.quick import CLASSIFIER as CARD

TAGS = {
    "StudyInstanceUID": "1.2.4",
    "SeriesInstanceUID": "1.2.5",
    "PatientName": "Doe^Jane",
    "PatientID": "77",
    "PatientBirthDate": "19700101",
}
RGB = np.random.default_rng(0).integers(0, 255, (40, 30, 3), dtype=np.uint8)
WORDS = "Suspicious for pneumonia"


def file() -> bytes:
    return film(np.zeros((64, 48), np.uint16), **TAGS)


def test_it_is_read_back_in_its_study_with_the_picture_and_the_verdict():
    made = pydicom.dcmread(BytesIO(secondary_capture(file(), "film.dcm", RGB, WORDS, CARD)))
    assert np.array_equal(made.pixel_array, RGB)
    assert made.StudyInstanceUID == "1.2.4"
    assert made.SeriesInstanceUID != "1.2.5"
    assert (made.ImageComments, made.SeriesDescription) == (WORDS, DESCRIPTION)
    assert made.SoftwareVersions == CARD.version


def test_the_patients_tags_stay_out_unless_asked_for():
    without = secondary_capture(file(), "film.dcm", RGB, WORDS, CARD)
    assert b"Doe" not in without
    assert b"19700101" not in without
    kept = secondary_capture(file(), "film.dcm", RGB, WORDS, CARD, keep_patient=True)
    assert pydicom.dcmread(BytesIO(kept)).PatientName == "Doe^Jane"


def test_a_film_that_is_no_dicom_file_is_said():
    with pytest.raises(OpacityError, match="no DICOM file"):
        secondary_capture(png(chest(64)), "film.png", RGB, WORDS, CARD)
