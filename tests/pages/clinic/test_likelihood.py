"""A score said as evidence, at the prevalence of one dial."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from core import cards
from core.card_types import Card
from core.names import CHEST_FILM
from pages.shared import wording
from tests.pages.app import APP, FILM, upload, words

CARD = cards.read("pneumonia-cnn")
assert isinstance(CARD, Card)


def diagnosed(**address: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params.update({"card": CARD.id, "threshold": "0.5", **address})
    return upload(app.run(), "film.png", FILM)


def dial(app: AppTest):
    return next(box for box in app.number_input if box.label.startswith("Prevalence"))


def share(app: AppTest) -> str:
    """What stands behind the prevalence."""
    (found,) = re.findall(r"% prevalence ([^.<]*)", words(app))
    return found


def test_diagnose_says_evidence_and_no_bare_probability():
    app = diagnosed()
    assert not app.exception
    said = words(app)
    assert re.search(r"times as often seen in pneumonia as in normal films; at 10% prevalence \d", said)
    assert not re.search(r">\s*(normal|pneumonia) 0?\.\d", said)
    assert "Not calibrated outside the sources below: Kermany" in said


def test_a_rarer_disease_makes_the_same_score_mean_less():
    app = diagnosed()
    usual = share(app)
    rare = dial(app).set_value(0.5).run()
    assert "at 0.5% prevalence" in words(rare)
    assert share(rare) != usual


def test_the_address_carries_the_prevalence_to_every_page():
    app = diagnosed(prevalence="0.3")
    assert dial(app).value == pytest.approx(30)
    app = dial(app).set_value(40.0).run()
    assert float(app.query_params["prevalence"]) == pytest.approx(0.4)
    app = app.switch_page("pages/thresholds.py").run()
    assert not app.exception
    assert "at 40% prevalence" in words(app)
    assert float(app.query_params["prevalence"]) == pytest.approx(0.4)


@pytest.mark.parametrize("given", ["much", "nan", "2", "0"])
def test_an_address_with_no_prevalence_in_it_is_passed_over(given: str):
    app = diagnosed(prevalence=given)
    assert not app.exception
    assert dial(app).value == pytest.approx(10)


def test_a_share_is_a_count_to_picture():
    shares = {
        0.318: "1 in 3",
        0.864: "9 in 10",
        0.05: "1 in 20",
        0.5: "1 in 2",
        0.95: "95 in 100",
        0.9999: "more than 99 in 100",
    }
    assert {share: wording.one_in(share) for share in shares} == shares


def test_a_low_score_is_said_from_the_other_side():
    assert CARD.modality == CHEST_FILM
    assert (
        wording.likelihood(CARD, 0.25, at_an_end=False)
        == "4.0 times as often seen in normal films as in pneumonia"
    )
    assert wording.likelihood(CARD, 193.0, at_an_end=True).startswith("at least 193 times")


def test_a_card_checked_elsewhere_names_where():
    checked, unchecked = cards.read("pneumonia-all-ages-small"), CARD
    assert isinstance(checked, Card)
    assert "measured on COVID-19 Radiography; Kermany" in wording.where_calibrated(checked)
    assert "Not calibrated outside the sources below" in wording.where_calibrated(unchecked)
