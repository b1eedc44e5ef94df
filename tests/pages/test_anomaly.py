"""The anomaly page with every kind of detector that ships."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core import cards
from core.card_types import Card
from core.names import AUROC_OF_RAW_ERROR, auroc_by_patient
from pages.shared import sentences, wording
from pages.shared.session.thresholds import DecisionThreshold
from tests.pages.app import FILM, started, upload, words

DETECTORS = [card for card in cards.every() if card.kind == "detector"]
CHEST = [card for card in DETECTORS if card.modality == "chest film"]


def opened() -> AppTest:
    return started().run().switch_page("pages/anomaly.py").run()


def chosen(app: AppTest, card: Card) -> AppTest:
    box = next(box for box in app.selectbox if box.label == "Task")
    app = box.select(card.task).run()
    return next(box for box in app.selectbox if box.label == "Model").select(card.id).run()


def one(model: str) -> Card:
    found = [card for card in CHEST if card.model == model]
    if not found:
        pytest.skip(f"no chest card of {model} in weights/")
    return found[0]


@pytest.mark.parametrize("model", ["autoencoder", "patchcore"])
def test_a_detector_gives_verdict_and_p_value(model: str):
    app = upload(chosen(opened(), one(model)), "film.png", FILM)
    assert not app.exception
    assert "Conformal p-value" in words(app)
    reconstructs = model == "autoencoder"
    assert ("makes no reconstruction" in words(app)) != reconstructs


def test_error_given_detail_is_explained_with_the_picture_of_the_fit():
    found = [card for card in CHEST if card.arguments.get("given_detail")]
    app = upload(chosen(opened(), found[0]), "film.png", FILM)
    assert not app.exception
    assert sentences.ERROR_GIVEN_DETAIL in words(app)
    assert f"{found[0].figures[AUROC_OF_RAW_ERROR]:.3f}" in words(app)
    assert len(app.get("plotly_chart")) == 2
    app = upload(chosen(opened(), one("patchcore")), "film.png", FILM)
    assert sentences.ERROR_GIVEN_DETAIL not in words(app)


@pytest.mark.parametrize(("low", "said"), [(0.49, True), (0.51, False)])
def test_a_verdict_of_a_card_at_chance_says_so(low: float, said: bool):
    patchcore = one("patchcore")
    label = patchcore.labels[1]
    card = replace(patchcore, figures={auroc_by_patient(label, "low"): low})
    verdict = wording.verdict(card, 1e9, DecisionThreshold(card.threshold))
    assert verdict.endswith(f"no better than chance for {label}") == said


def test_two_detectors_are_shown_together():
    first, second = one("autoencoder"), one("patchcore")
    app = upload(chosen(opened(), first), "film.png", FILM)
    app = next(box for box in app.selectbox if box.label == "Compare with").select(second.id).run()
    assert not app.exception
    assert words(app).count("Conformal p-value") == 2
    assert second.title in [title.value for title in app.subheader]


def test_only_detectors_of_the_same_modality_are_compared():
    app = chosen(opened(), CHEST[0])
    offered = next(box for box in app.selectbox if box.label == "Compare with").options
    strangers = {card.title for card in DETECTORS if card.modality != CHEST[0].modality}
    assert len(offered) == len(CHEST)
    assert not set(offered) & (strangers - {card.title for card in CHEST})


def test_the_models_page_compares_all_detectors_of_a_task():
    app = started().run().switch_page("pages/models.py").run()
    app.session_state["leaderboard"] = {"selection": {"rows": [len(cards.every()) - 1], "columns": []}}
    assert not app.run().exception
