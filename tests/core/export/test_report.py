"""A page of paper: its words, its pictures and what it must never hold."""

import io
from dataclasses import replace

import numpy as np
from pypdf import PdfReader

from core.export.report import Picture, Report, pdf, printable
from core.types import Curve

FILM = np.full((64, 48, 3), 90, np.uint8)
REPORT = Report(
    "Suspicious for pneumonia",
    {"Score": "0.970", "Reader's note": "right base <b>dense</b> & new"},
    "Research demo, not for clinical use.",
    [Picture(FILM, "The scan"), Picture(FILM // 2, "Grad-CAM", ("no influence", "0.4 logits or more"))],
)


def opened(report: Report) -> PdfReader:
    return PdfReader(io.BytesIO(pdf(report)))


def text(reader: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def test_the_page_holds_every_word_and_both_pictures():
    reader = opened(REPORT)
    assert len(reader.pages) == 1
    said = text(reader)
    for words in ("Suspicious for pneumonia", "0.970", "not for clinical use", "no influence (left) to 0.4"):
        assert words in said
    assert len(reader.pages[0].images) == 3  # two pictures and the scale of one


def test_what_a_person_typed_is_text_and_never_markup():
    assert "right base <b>dense</b> & new" in text(opened(REPORT))


def test_a_long_note_is_set_smaller_and_stays_on_the_page():
    reader = opened(replace(REPORT, facts={"Reader's note": "every word counts " * 600 + "the end"}))
    assert len(reader.pages) == 1
    assert "the end" in text(reader)


def test_letters_that_the_page_lacks_become_question_marks():
    assert printable("Łódź, été") == "?ód?, été"
    assert "?ód?" in text(opened(replace(REPORT, title="Łódź")))


def test_curves_and_a_table_stand_on_it():
    curve = Curve((0.0, 0.2, 1.0), (0.0, 0.9, 1.0))
    said = text(
        opened(Report("Readers", {}, "", curves={"alone": curve}, table=[["", "AUC"], ["A", "0.91"]]))
    )
    assert "alone" in said
    assert "0.91" in said
