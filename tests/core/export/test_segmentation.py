"""A DICOM SEG lies on the film it was made of, and tells nobody's name unasked."""

from io import BytesIO

import highdicom
import numpy as np
import pytest

from core.anatomy.outlines import Mark, Outline
from core.errors import OpacityError
from core.export.segmentation import dicom_seg
from tests.phantoms.chest import chest, png
from tests.phantoms.dicom import film
from tests.phantoms.outlines import card

SERIES = {"StudyInstanceUID": "1.2.4", "SeriesInstanceUID": "1.2.5"}
PATIENT = {"PatientName": "Doe^Jane", "PatientID": "77", "PatientBirthDate": "19700101"}
PLACE = {
    "PixelSpacing": [0.5, 0.5],
    "SliceThickness": 5.0,
    "FrameOfReferenceUID": "1.2.9",
    "ImagePositionPatient": [0, 0, 0],
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
}
MASK = np.zeros((64, 48), dtype=np.bool_)
MASK[10:20, 5:15] = True
OUTLINE = Outline(MASK, MASK.astype(np.float32), (Mark(100, ""),), "head", 0.1, None)


def file(**tags: object) -> bytes:
    return film(np.zeros((64, 48), np.uint16), **{**SERIES, **PATIENT, **tags})


@pytest.mark.parametrize(
    "place", [{}, PLACE, {"PixelSpacing": [0.5, 0.5], "ImagePositionPatient": [0, 0, 0]}]
)
def test_it_is_read_back_with_the_mask_on_its_film(place: dict[str, object]):
    made = highdicom.seg.segread(BytesIO(dicom_seg(file(**place), "film.dcm", OUTLINE, card())))
    assert made.get_source_image_uids() == [("1.2.4", "1.2.5", "1.2.3")]
    assert np.array_equal(made.pixel_array.reshape(MASK.shape).astype(bool), MASK)
    assert made.get_segment_description(1).segment_label == "tumour"
    assert made.get("FrameOfReferenceUID") == (PLACE["FrameOfReferenceUID"] if place == PLACE else None)


def test_the_patients_tags_stay_out_unless_asked_for():
    without = dicom_seg(file(), "film.dcm", OUTLINE, card())
    assert b"Doe" not in without
    assert b"19700101" not in without
    kept = dicom_seg(file(), "film.dcm", OUTLINE, card(), keep_patient=True)
    read = highdicom.seg.segread(BytesIO(kept))
    assert (read.PatientName, read.PatientID) == ("Doe^Jane", "77")


@pytest.mark.parametrize(
    ("data", "outline", "said"),
    [
        (png(chest(64)), OUTLINE, "no DICOM file"),
        (
            file(),
            Outline(MASK & False, MASK.astype(np.float32), (), "head", 0.0, None),
            "Nothing is outlined",
        ),
        (
            file(),
            Outline(MASK[:32], MASK[:32].astype(np.float32), (Mark(100, ""),), "head", 0.1, None),
            "more than the picture",
        ),
        (file(NumberOfFrames=2), OUTLINE, "more than the picture"),
        (file(StudyInstanceUID=""), OUTLINE, "lacks StudyInstanceUID"),
    ],
)
def test_what_cannot_belong_to_a_film_is_refused_in_a_sentence(data: bytes, outline: Outline, said: str):
    with pytest.raises(OpacityError, match=said):
        dicom_seg(data, "film.dcm", outline, card())
