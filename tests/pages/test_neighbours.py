"""The map of known cases, and what is said beside it."""

import hashlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import cards
from core.card_types import Card
from core.reading import images
from pages.shared.caches import neighbours
from pages.shared.views import neighbour_cases, neighbour_map
from tests.pages.app import FILM, started, upload, words
from tests.phantoms.chest import chest, png
from tests.phantoms.embeddings import LABELS, index_of

INDEXED = [card for card in cards.every() if card.kind == "classifier" and card.known is not None]
CHEST = [card for card in INDEXED if card.modality == "chest film"]


@pytest.fixture
def app() -> AppTest:
    """The page, on a chest card with an index of its cases."""
    if not CHEST:
        pytest.skip("no chest classifier in weights/ has an index of its cases")
    opened = started().run().switch_page("pages/neighbours.py").run()
    box = next(box for box in opened.selectbox if box.label == "Task")
    return box.select(CHEST[0].task).run()


@pytest.fixture
def card() -> Card:
    """Any card with two labels; no weights are needed."""
    chosen = next((card for card in cards.every() if card.kind == "classifier"), None)
    if chosen is None:
        pytest.skip("no classifier in weights/")
    return replace(chosen, id="some", labels=LABELS)


def test_the_map_is_there_before_a_scan(app: AppTest):
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1
    assert "Upload a frontal chest film" in app.info[0].value


def test_a_scan_has_two_verdicts_and_its_nearest_cases(app: AppTest):
    app = upload(app, "film.png", FILM)
    assert not app.exception
    assert "By its neighbours" in words(app)
    assert "By the network" in words(app)
    nearest = app.dataframe[0].value
    assert list(nearest.columns) == ["true label", "similarity", "vote", "case"]
    assert len(nearest) in {card.known.k for card in CHEST if card.known}
    agree = "Both agree" in words(app)
    assert agree != any("They disagree" in warning.value for warning in app.warning)


def test_each_map_and_colour_can_be_chosen(app: AppTest):
    app = upload(app, "film.png", FILM)
    for name, choices in (("Map", ("UMAP", "t-SNE")), ("Colour", ("prediction", "error", "class"))):
        for choice in choices:
            control = next(group for group in app.button_group if group.label == name)
            app = control.set_value(choice).run()
            assert not app.exception


def test_a_picture_that_is_no_film_gets_no_verdict(app: AppTest):
    app = upload(app, "grey.png", png(chest() * 0 + 0.5))
    assert not app.exception
    assert "blank" in app.warning[0].value
    assert "By its neighbours" not in words(app)
    assert len(app.get("plotly_chart")) == 1


def test_forgetting_a_scan_leaves_the_map(app: AppTest):
    app = upload(app, "film.png", FILM)
    app = next(button for button in app.button if button.label == "Forget this scan").click().run()
    assert not app.exception
    assert "By its neighbours" not in words(app)


def test_a_folder_without_the_cases_is_said(app: AppTest, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPACITY_DATA", str(tmp_path))
    assert "holds none of these cases" in words(upload(app, "film.png", FILM))


def test_no_visitor_is_asked_for_a_folder_of_the_server(app: AppTest):
    assert not [box.label for box in app.text_input if "older" in box.label]


def test_a_nearest_case_is_a_picture_that_opens_beside_the_scan(
    app: AppTest, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []
    case = images.read(png(chest(seed=9)), "case.png")
    monkeypatch.setenv("OPACITY_DATA", str(tmp_path))
    monkeypatch.setattr(neighbours, "case", lambda folder, path, _: asked.append(folder + path) or case)
    neighbours.picture.clear()
    app = upload(app, "film.png", FILM)
    shown = [button for button in app.button if str(button.key).startswith("case-True-")]
    assert len(shown) == neighbour_cases.PICTURED
    names = [button.label.partition(") ")[2] for button in shown]
    assert all("data:image/webp" in button.label for button in shown)
    assert not any("/" in name for name in names)
    app = shown[2].click().run()
    assert not app.exception
    assert "This scan" in words(app)
    assert asked[-1] == asked[2]
    neighbours.picture.clear()


def test_a_card_without_an_index_shows_the_cases_of_another(card: Card, monkeypatch: pytest.MonkeyPatch):
    first, second, stranger = (replace(card, id=name, known=None) for name in ("first", "second", "third"))
    made = SimpleNamespace(k=5)
    second, stranger = replace(second, known=made), replace(stranger, known=made, task="another")
    monkeypatch.setattr(neighbours.models, "every_card", lambda: (stranger, first, second))
    reader = replace(first, id="reader", arguments={"of": "third@0123"})
    assert neighbours.card_with_index(second) is second
    assert neighbours.card_with_index(first) is second
    assert neighbours.card_with_index(reader) is stranger
    assert neighbours.card_with_index(replace(first, task="lonely")) is None


def test_marked_points_are_rows_of_the_index():
    points = [{"customdata": [4]}, {"customdata": 2}, {"customdata": [4]}, {"x": 1.0}]
    assert neighbour_map.marked(points) == [2, 4]


def test_an_error_is_named_by_its_kind(card: Card):
    three = replace(card, labels=("normal", "bacterial", "viral"))
    kinds = [
        neighbour_map.outcome(three, *pair)
        for pair in (("viral", "viral"), ("normal", "viral"), ("viral", "normal"), ("viral", "bacterial"))
    ]
    assert kinds == ["right", "false alarm", "missed", "wrong class"]


def test_a_map_is_thinned_and_marks_what_does_not_vote(card: Card, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(neighbour_map, "MAX_POINTS", 40)
    monkeypatch.setattr(neighbour_map, "shade", lambda pair: pair[0])
    monkeypatch.setattr(neighbour_map, "uses_touch", lambda: False)
    index = index_of()
    groups = neighbour_map.grouped(card, index, index.label.tolist(), "class")
    figure = neighbour_map.draw(index, "UMAP", groups)
    assert [trace.name for trace in figure.data] == ["normal (40)", "pneumonia (40)"]
    assert sum(len(trace.x) for trace in figure.data) == 40
    hollow = np.array(figure.data[0].marker.symbol) == "circle-open"
    assert (index.split[np.array(figure.data[0].customdata)] == "validation").tolist() == hollow.tolist()


def test_pictures_are_small_and_only_of_known_files(tmp_path):
    (tmp_path / "film.png").write_bytes(FILM)
    digest = int(hashlib.sha256((tmp_path / "film.png").read_bytes()).hexdigest()[:16], 16)
    picture = neighbours.picture(str(tmp_path), "film.png", digest)
    assert picture is not None
    assert picture.startswith("data:image/webp")
    assert neighbours.picture(str(tmp_path), "absent.png", digest) is None
    (tmp_path / "note.png").write_text("no picture")
    assert neighbours.picture(str(tmp_path), "note.png", digest) is None
    assert neighbours.picture(str(tmp_path), "film.png", digest + 1) is None
    st.cache_data.clear()
