"""The evidence panel of Diagnose, run as Streamlit runs it but without a browser."""

import re
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core import cards
from core.explainers import EXPLAINERS, trust
from pages.shared import sentences
from pages.shared.caches import heatmaps
from pages.shared.views.explainer_names import NAMES
from tests.pages.app import FILM, started, upload
from tests.quick import CLASSIFIER as CARD


@pytest.fixture
def page() -> AppTest:
    return with_maps(upload(started().run(), "film.png", FILM))


def with_maps(app: AppTest) -> AppTest:
    """As the page stands once a person asked for a map that is not shown unasked."""
    asked = [toggle for toggle in app.toggle if toggle.label == sentences.SHOW_MAP]
    return asked[0].set_value(True).run() if asked else app


def methods(app: AppTest):
    return next(box for box in app.selectbox if box.label == "Method")


def readout(app: AppTest):
    return next(frame.value for frame in app.dataframe if "inside the lungs" in frame.value.to_string())


def test_diagnose_opens_with_the_method_that_the_cards_table_puts_first(page: AppTest):
    assert not page.exception
    assert methods(page).value == trust.best_method(CARD.trust, CARD.localisation)
    assert set(methods(page).options) == {NAMES[name] for name in EXPLAINERS}


def test_every_method_can_be_drawn_for_every_class_with_its_readout(page: AppTest):
    for method in EXPLAINERS:
        app = methods(page).select(method).run()
        assert not app.exception
        assert NAMES[method] in readout(app).columns
        warned = any("unreliable for this model" in text.value for text in app.markdown)
        assert warned is not trust.is_trustworthy(CARD.trust[method])
    label = next(box for box in page.selectbox if box.label == "Evidence for")
    assert label.value == CARD.labels[-1]
    assert not label.select(CARD.labels[0]).run().exception


def test_a_map_is_told_in_one_plain_sentence_and_its_figures_are_folded(page: AppTest):
    (said,) = (text.value for text in page.markdown if "an even spread would put" in text.value)
    inside, even = (float(share) for share in re.findall(r"(\d+)%", said))
    assert readout(page).iloc[0, 1] == f"{inside:.0f}% ({even:.0f}%)"
    assert 20 < even < 100
    assert re.search(
        r"\d of \d other methods agree\. Blurred all over, this film still scores \d\.\d\d\.$", said
    )
    (fold,) = (one for one in page.expander if one.label == sentences.MAP_FIGURES)
    assert readout(page).equals(fold.dataframe[0].value)


def test_methods_stand_side_by_side(page: AppTest):
    beside = next(box for box in page.multiselect if box.label == "Side by side with")
    app = beside.select(beside.options[0]).select(beside.options[1]).run()
    assert not app.exception
    assert len(readout(app)) == 3


def test_whether_it_matters_is_measured_when_asked_and_then_kept(page: AppTest):
    assert "deletion" not in readout(page).to_string()
    app = (
        next(button for button in page.button if button.label == "Test this map (blur the hot areas)")
        .click()
        .run()
    )
    assert "deletion" in readout(app).to_string()
    assert "deletion" in readout(app.run()).to_string()


def test_caution_is_said_once(page: AppTest):
    said = [caption.value for caption in page.caption if "not where disease is" in caption.value]
    assert len(said) == 1


def test_the_models_page_shows_how_far_each_map_can_be_trusted(page: AppTest):
    app = page.switch_page("pages/models.py").run()
    assert not app.exception
    table = next(frame.value for frame in app.dataframe if "deletion" in frame.value.columns)
    notes = dict(zip(table["method"], table["note"], strict=True))
    first = next(card for card in cards.every() if card.title == app.header[0].value)
    shown = first.trust
    assert notes[NAMES[trust.best_method(shown, first.localisation)]].startswith("default")
    assert "random map" in notes
    for method, row in shown.items():
        assert ("not reliable" in notes[NAMES[method]]) is not trust.is_trustworthy(row)


def asked_for_maps():
    from pages.shared.caches import models
    from pages.shared.views import evidence

    card = models.card("pneumonia-all-ages-small")
    evidence.pick_heatmaps(card, dict.fromkeys(card.labels, 0.5))


@pytest.mark.parametrize("word", ["useful", "weak", "ignore", None])
def test_only_a_map_that_finds_no_disease_waits_until_it_is_asked_for(
    word: str | None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(heatmaps, "worth", lambda *_: word)
    app = AppTest.from_function(asked_for_maps).run()
    assert not app.exception
    assert bool(app.selectbox) is (word != "ignore")
    assert any("Ignore" in text.value for text in app.markdown) is (word == "ignore")
    assert with_maps(app).selectbox[0].label == "Method"


def shown_localisation(card: object):
    from pages.shared.views import card_details

    card_details.show_localisation(card)


def test_the_models_page_shows_every_map_beside_those_that_know_nothing():
    card = cards.every()[0]
    app = AppTest.from_function(shown_localisation, kwargs={"card": card}).run()
    assert not app.exception
    for frame, (name, table) in zip(app.dataframe, card.localisation.items(), strict=True):
        assert list(frame.value["map"]) == [NAMES[method] for method in table]
        assert list(frame.value["worth"][:3]) == ["knows nothing"] * 3
        assert any(name in title.value for title in app.subheader)


def shown_trust(card: object, best: str):
    from pages.shared.views import card_details

    card_details.show_trust(card, best)


def test_a_card_on_which_no_map_is_fit_says_so():
    hot = {name: replace(row, normal_heat=2.0) for name, row in CARD.trust.items()}
    first = trust.best_method(hot)
    app = AppTest.from_function(shown_trust, kwargs={"card": replace(CARD, trust=hot), "best": first}).run()
    assert not app.exception
    notes = dict(zip(app.dataframe[0].value["method"], app.dataframe[0].value["note"], strict=True))
    assert notes.pop(NAMES[first]) == "default, not reliable"
    del notes["random map"]
    assert set(notes.values()) == {"not reliable"}
    assert any("trust none" in text.value for text in app.markdown)


def test_a_forgotten_scan_leaves_no_map_behind(page: AppTest):
    app = next(button for button in page.button if button.label == "Forget this scan").click().run()
    assert not app.exception
    assert not [box for box in app.selectbox if box.label == "Method"]
