"""Another model on the same scan, classes with a name of their own, and cards without a heat map."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.card_types import Card
from core.types import Prediction
from pages.shared import wording
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views.second_opinion import Opinion, compare
from tests.pages.app import APP, FILM, VERDICT, upload, words
from tests.phantoms import fake_cards
from tests.phantoms.chest import png
from tests.phantoms.fake_cards import made_up

AGENTS = ("normal", "bacterial", "viral")
TUMOURS = ("normal", "glioma", "meningioma", "pituitary")
ALWAYS, NEVER = 0.0, 1.1  # thresholds that call every scan, or none

KEEN = made_up("keen", AGENTS, skill=2.5, task="agents", threshold=ALWAYS)
CALM = made_up("calm", ("normal", "pneumonia"), skill=2.0, task="agents", threshold=NEVER)
BLIND = made_up("blind", AGENTS, skill=1.5, task="agents", threshold=ALWAYS, scales={})
HEAD = made_up("head", TUMOURS, skill=2.0, task="heads", modality="brain MRI slice")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[AppTest]:
    made = ((KEEN, 2.5, 0), (CALM, 2.0, 1), (BLIND, 1.5, 2), (HEAD, 2.0, 3))
    with fake_cards.weights(tmp_path, *made):
        yield upload(AppTest.from_file(APP, default_timeout=120).run(), "film.png", FILM)


def box(app: AppTest, label: str):
    return next(box for box in app.selectbox if box.label == label)


def chosen(app: AppTest, task: str, card: Card) -> AppTest:
    app = box(app, "Task").select(task).run()
    return box(app, "Model").select(card.id).run()


def both_maps(app: AppTest) -> list:
    return [toggle for toggle in app.toggle if toggle.label.startswith("Heat maps of both")]


def test_a_second_model_is_heard_and_disagreement_is_said(app: AppTest):
    app = chosen(app, "agents", KEEN)
    app = box(app, "From").select("calm").run()
    assert not app.exception
    assert "Below threshold for pneumonia" in words(app)
    assert "The models disagree: Keen finds the scan suspicious, Calm does not." in app.warning[0].value


def test_the_second_models_map_stands_beside_the_first_when_wanted(app: AppTest):
    app = box(chosen(app, "agents", KEEN), "From").select("calm").run()
    (toggle,) = both_maps(app)
    assert not toggle.set_value(True).run().exception


def test_only_models_of_the_same_kind_of_picture_are_asked(app: AppTest):
    options = box(chosen(app, "agents", KEEN), "From").options
    assert options[0] == "no other model"
    assert "Calm" in options
    assert "Small CNN, pneumonia" in options
    assert not {"Keen", "Head", "Head, heads"} & set(options)


def test_a_card_without_heat_maps_gives_a_verdict_and_says_so(app: AppTest):
    app = chosen(app, "agents", BLIND)
    assert not app.exception
    assert VERDICT in words(app)
    assert "Blind has no heat map yet" in words(app)
    app = box(app, "From").select("keen").run()
    assert not app.exception
    assert not both_maps(app)


def test_a_second_model_without_heat_maps_leaves_the_firsts_alone(app: AppTest):
    app = box(chosen(app, "agents", KEEN), "From").select("blind").run()
    assert not app.exception
    assert not both_maps(app)
    assert "Blind has no map by" in words(app)


def test_a_picture_without_lungs_is_read_and_explained(app: AppTest):
    y, x = np.mgrid[-1:1:224j, -1:1:224j]
    head = np.clip(1 - np.hypot(x, y) / 0.8, 0, 1).astype(np.float32)
    app = chosen(upload(app, "head.png", png(head)), "heads", HEAD)
    assert not app.exception
    assert VERDICT in words(app)
    assert "normal test scans" in words(app)
    assert "inside the lungs" not in " ".join(frame.value.to_string() for frame in app.dataframe)


def test_without_a_scan_the_page_asks_for_what_the_card_reads(app: AppTest):
    app = next(button for button in app.button if button.label == "Forget this scan").click().run()
    assert "Upload a brain MRI slice" in chosen(app, "heads", HEAD).info[0].value


def known(card: Card, *probabilities: float) -> dict[str, float]:
    return dict(zip(card.labels, probabilities, strict=True))


def test_a_verdict_names_the_most_probable_finding():
    threshold = DecisionThreshold(0.5)
    assert (
        wording.verdict(KEEN, 0.9, threshold, known(KEEN, 0.1, 0.6, 0.3))
        == "Suspicious for bacterial pneumonia"
    )
    assert (
        wording.verdict(KEEN, 0.2, threshold, known(KEEN, 0.8, 0.1, 0.1))
        == "Below threshold for bacterial pneumonia or viral pneumonia"
    )
    assert (
        wording.verdict(HEAD, 0.2, threshold)
        == "Below threshold for glioma, meningioma or a pituitary tumour"
    )
    assert wording.verdict(CALM, 0.9, threshold) == "Suspicious for pneumonia"
    between = DecisionThreshold(0.5, 0.95)
    assert wording.verdict(KEEN, 0.9, between, known(KEEN, 0.1, 0.6, 0.3)) == "Refer: too close to call"


def opinion(card: Card, *probabilities: float) -> Opinion:
    named = known(card, *probabilities)
    return Opinion(card, Prediction(named, 1 - probabilities[0], 0.5), DecisionThreshold(0.5))


@pytest.mark.parametrize(
    ("first", "second", "agrees", "said"),
    [
        (opinion(KEEN, 0.9, 0.1, 0.0), opinion(CALM, 0.8, 0.2), True, "both are below"),
        (opinion(KEEN, 0.1, 0.8, 0.1), opinion(CALM, 0.2, 0.8), True, "both find the scan suspicious"),
        (opinion(KEEN, 0.9, 0.1, 0.0), opinion(CALM, 0.2, 0.8), False, "Calm finds .* Keen does not"),
        (
            opinion(KEEN, 0.1, 0.8, 0.1),
            opinion(BLIND, 0.1, 0.2, 0.7),
            False,
            "not of what: bacterial pneumonia, or viral pneumonia",
        ),
        (opinion(KEEN, 0.1, 0.8, 0.1), opinion(BLIND, 0.2, 0.7, 0.1), True, "both find"),
    ],
)
def test_agreement_in_words(first: Opinion, second: Opinion, agrees: bool, said: str):
    found, sentence = compare(first, second)
    assert found == agrees
    assert re.search(said, sentence)
