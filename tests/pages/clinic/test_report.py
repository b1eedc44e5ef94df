"""The page to take away: what it says of the scan on screen, and what it leaves out."""

import io
from collections.abc import Callable

import numpy as np
import pydicom
import pytest
from pypdf import PdfReader
from streamlit.testing.v1 import AppTest

from core import samples
from pages.shared import sentences
from tests.pages.app import APP, FILM, SCAN_PAGES, opened, upload, words
from tests.phantoms.chest import chest
from tests.phantoms.files import chest_film
from tests.quick import CLASSIFIER, DETECTOR


def text(make: Callable[[], bytes]) -> str:
    (page,) = PdfReader(io.BytesIO(make())).pages
    return " ".join(page.extract_text().split())


@pytest.mark.parametrize(("page", "card"), [(SCAN_PAGES[0], CLASSIFIER), (SCAN_PAGES[1], DETECTOR)])
def test_the_page_says_what_the_verdict_rests_on(page, card, taken):
    app = upload(opened(page), "film.png", FILM)
    assert not app.exception
    said = text(taken["PDF"])
    parts = (card.id, card.sha256[:12], "chosen on validation by", "Passed", "not for clinical use", "times")
    for part in parts:
        assert part in said
    assert "film.png" in said
    assert sentences.LINK_WITHOUT_FILM in words(app)


def test_the_name_of_the_file_is_left_out_and_the_note_comes_in(taken):
    app = upload(opened(SCAN_PAGES[0]), "DOE-JANE.png", FILM)
    app = next(box for box in app.toggle if box.label == "Name the file on it").set_value(False).run()
    app = next(box for box in app.text_area if box.label == "Reader's note").set_value("see the base").run()
    said = text(taken["PDF"])
    assert "DOE" not in said
    assert "see the base" in said
    app = app.switch_page("pages/thresholds.py").run().switch_page(SCAN_PAGES[0]).run()
    assert next(box for box in app.text_area if box.label == "Reader's note").value == "see the base"
    app = next(button for button in app.button if button.label == "Forget this scan").click().run()
    assert not app.session_state["notes"]


def test_the_address_names_card_and_sample_until_the_sample_is_forgotten():
    sample = next(sample for sample in samples.every() if "bacterial" in sample.name)
    app = AppTest.from_file(APP, default_timeout=120)
    app.query_params.update({"card": CLASSIFIER.id, "sample": sample.path.name})
    app = app.run()
    assert app.query_params["sample"] == sample.path.name
    assert app.query_params["card"] == CLASSIFIER.id
    app = app.switch_page("pages/screen.py").run()
    assert app.query_params["sample"] == sample.path.name
    app = app.switch_page(SCAN_PAGES[0]).run()
    app = next(button for button in app.button if button.label == "Forget this scan").click().run()
    assert "sample" not in app.query_params
    assert not app.session_state["scans"]


def test_a_dicom_film_goes_back_to_its_study_without_a_name(taken):
    pixels = (chest(opacity=0.4) * 255).astype(np.uint8)
    data = chest_film(pixels, PatientName="DOE^JANE", StudyInstanceUID="1.2.4", SeriesInstanceUID="1.2.5")
    app = upload(opened(SCAN_PAGES[0]), "film.dcm", data)
    assert not app.exception
    made = pydicom.dcmread(io.BytesIO(taken["DICOM Secondary Capture"]()))
    assert made.StudyInstanceUID == "1.2.4"
    assert not made.PatientName
    assert made.ImageComments.startswith(("Suspicious", "Below"))
    assert "DOE" not in text(taken["PDF"])
    report = pydicom.dcmread(io.BytesIO(taken["DICOM Structured Report"]()))
    assert (report.StudyInstanceUID, report.Modality) == ("1.2.4", "SR")
    assert not report.PatientName
    del taken["DICOM Secondary Capture"]
    upload(opened(SCAN_PAGES[0]), "film.png", FILM)
    assert "DICOM Secondary Capture" not in taken


def test_the_page_says_the_prevalence_chosen_after_it_was_offered(taken):
    app = upload(opened(SCAN_PAGES[0]), "film.png", FILM)
    offered = taken["PDF"]
    assert "at 10% prevalence" in text(offered)
    next(box for box in app.number_input if box.label.startswith("Prevalence")).set_value(40.0).run()
    assert "at 40% prevalence" in text(offered)
