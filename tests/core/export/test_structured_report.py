"""A Structured Report says what was found, by which weights and on which image; and nobody's name unasked."""

from io import BytesIO

import highdicom
import numpy as np
import pydicom
import pytest
from highdicom.sr import srread
from pydicom.sr.codedict import codes

from core.anatomy.outlines import Mark, Outline
from core.errors import OpacityError
from core.export.structured_report import SCORE, SHARE, THRESHOLD, VERDICT, Found, structured_report
from tests.phantoms import outlines
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
FOUND = Found("suspicious", "Suspicious for pneumonia", 0.8123456789, 0.4)
MASK = np.zeros((64, 48), dtype=np.bool_)


def file() -> bytes:
    return film(np.zeros((64, 48), np.uint16), **TAGS)


def outline(square_millimetres: float | None) -> Outline:
    return Outline(MASK, MASK.astype(np.float32), (Mark(100, ""),), "lungs", 0.125, square_millimetres)


def groups(data: bytes) -> list[highdicom.sr.MeasurementsAndQualitativeEvaluations]:
    return srread(BytesIO(data)).content.get_image_measurement_groups()


def measured(group: highdicom.sr.MeasurementsAndQualitativeEvaluations) -> dict[str, float]:
    return {one.name.meaning: one.value for one in group.get_measurements()}


def test_verdict_score_and_threshold_are_read_back_with_the_weights_and_the_image():
    data = structured_report(file(), "film.dcm", FOUND, CARD)
    (group,) = groups(data)
    assert measured(group) == {SCORE.meaning: 0.812346, THRESHOLD.meaning: 0.4}
    (verdict,) = group.get_qualitative_evaluations(name=VERDICT)
    assert verdict.value.meaning == "suspicious"
    assert [image.referenced_sop_instance_uid for image in group.source_images] == ["1.2.3"]
    found = {item.name: item.value for item in group[0].ContentSequence if item.ValueType == "TEXT"}
    assert found[codes.DCM.AlgorithmName] == CARD.id
    assert found[codes.DCM.AlgorithmVersion] == CARD.sha256
    made = srread(BytesIO(data))
    assert (made.StudyInstanceUID, made.Modality) == ("1.2.4", "SR")
    assert made.SeriesInstanceUID != "1.2.5"
    (study,) = made.CurrentRequestedProcedureEvidenceSequence
    assert study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3"
    said = [item.value for item in made.content[0].ContentSequence if item.name == codes.DCM.Comment]
    assert said[0].startswith("Suspicious for pneumonia. ")


@pytest.mark.parametrize("area", [None, 250.0])
def test_an_outlines_area_stands_in_it_by_the_card_that_drew_it(area: float | None):
    outliner = outlines.card()
    data = structured_report(file(), "film.dcm", FOUND, CARD, outlined=(outline(area), outliner))
    _, group = groups(data)
    expected = {} if area is None else {codes.SCT.Area.meaning: area}
    assert measured(group) == {**expected, SHARE.meaning: 12.5}
    names = [item.value for item in group[0].ContentSequence if item.ValueType == "TEXT"]
    assert outliner.id in names


def test_the_patients_tags_stay_out_unless_asked_for():
    without = structured_report(file(), "film.dcm", FOUND, CARD)
    assert b"Doe" not in without
    assert b"19700101" not in without
    kept = structured_report(file(), "film.dcm", FOUND, CARD, keep_patient=True)
    assert pydicom.dcmread(BytesIO(kept)).PatientName == "Doe^Jane"


def test_a_film_that_is_no_dicom_file_is_said():
    with pytest.raises(OpacityError, match="no DICOM file"):
        structured_report(png(chest(64)), "film.png", FOUND, CARD)
