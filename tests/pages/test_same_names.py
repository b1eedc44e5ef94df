"""Two films, or two cards, of one name: each is chosen for itself and told apart by the eye."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import samples
from pages.shared.numbering import numbered
from tests.pages.app import FILM, opened, upload, words
from tests.phantoms import fake_cards
from tests.phantoms.chest import chest, png
from tests.phantoms.fake_cards import made_up

CLEAR, HAZY = png(chest(seed=1)), png(chest(opacity=0.5, seed=2))
ONE_NAME = "1.jpeg"
LABELS = ("normal", "pneumonia")
TWINS = tuple(
    made_up(name, LABELS, skill=2.0, seed=seed, task="twins", title="Twin", threshold=threshold)
    for seed, (name, threshold) in enumerate((("calm", 1.1), ("keen", 0.0)))
)


def dropped(app: AppTest, *films: bytes) -> AppTest:
    for film in films:
        app.file_uploader[0].upload(ONE_NAME, film, "image/jpeg")
    return app.run()


def box(app: AppTest, label: str):
    return next(box for box in app.selectbox if box.label == label)


def button(app: AppTest, label: str):
    return next(button for button in app.button if button.label == label)


def verdict(app: AppTest) -> str:
    return next(text for text in words(app).split("<p ") if "Score " in text)


def test_labels_that_are_alike_are_numbered_and_no_number_is_taken_twice():
    assert numbered(["1.jpeg", "1.jpeg", "2.jpeg"]) == ["1.jpeg", "1.jpeg (2)", "2.jpeg"]
    assert numbered(["a", "a", "a (2)", "a"]) == ["a", "a (3)", "a (2)", "a (4)"]
    assert numbered([]) == []


def test_of_two_films_of_one_name_each_has_its_own_verdict():
    alone = [verdict(upload(opened("pages/diagnose.py"), ONE_NAME, film)) for film in (CLEAR, HAZY)]
    assert alone[0] != alone[1]
    app = dropped(opened("pages/diagnose.py"), CLEAR, HAZY)
    assert box(app, "Shown").options == [ONE_NAME, "1.jpeg (2)"]
    first, second = app.session_state["scans"]
    for digest, own in ((second, alone[1]), (first, alone[0])):
        # by its label, as a browser sends it
        app = box(app, "Shown").select_index(box(app, "Shown").options.index(label_of(app, digest))).run()
        assert app.session_state["scan"] == digest
        assert verdict(app) == own


def label_of(app: AppTest, digest: str) -> str:
    return box(app, "Shown").options[list(app.session_state["scans"]).index(digest)]


@pytest.mark.parametrize("place", [0, 1])
def test_the_worklist_names_both_and_opens_the_one_that_was_selected(place: int):
    app = dropped(opened("pages/screen.py"), CLEAR, HAZY)
    rows = [row for row in app.button if str(row.key).startswith("row-")]
    label = rows[place].label.partition(") ")[2]
    app = button(rows[place].click().run(), "Open in Diagnose").click().run()
    (scan,) = app.session_state["scans"].values()
    assert f". {scan.name}**" in label
    assert f"Score {float(label.split()[-1]):.2f}" in verdict(app)


def test_the_open_film_stays_open_when_others_come():
    app = dropped(opened("pages/screen.py"), CLEAR, HAZY)
    last = [row for row in app.button if str(row.key).startswith("row-")][-1]
    app = dropped(last.click().run(), png(chest(opacity=0.2, seed=3)))
    assert app.button(key=last.key).proto.type == "secondary"


def test_a_film_with_the_name_of_a_sample_is_no_sample():
    sample = next(one for one in samples.every() if one.path.suffix != ".dcm")
    app = upload(opened("pages/diagnose.py"), sample.name, FILM)
    assert "AI-generated example" not in words(app)
    app = upload(opened("pages/diagnose.py"), "mine.png", sample.path.read_bytes())
    assert "AI-generated example" in words(app)


@pytest.fixture
def twins(tmp_path: Path) -> Iterator[AppTest]:
    with fake_cards.weights(tmp_path, *((card, 2.0, seed) for seed, card in enumerate(TWINS))):
        yield upload(opened("pages/diagnose.py"), "film.png", FILM)


def test_two_cards_of_one_title_are_asked_each_for_itself(twins: AppTest):
    app = box(twins, "Task").select("twins").run()
    assert box(app, "Model").options == ["Twin", "Twin (2)"]
    told = {}
    for card in ("keen", "calm"):
        app = box(app, "Model").select(card).run()
        told[card] = "Suspicious" in words(app)
    assert told == {"keen": True, "calm": False}


def test_a_second_opinion_of_one_title_is_told_apart(twins: AppTest):
    app = box(twins, "Task").select("twins").run()
    app = box(app, "Model").select("keen").run()
    assert "Twin" not in box(app, "From").options
    app = box(app, "From").select("calm").run()
    assert "The models disagree: Twin finds the scan suspicious, Twin (2) does not." in app.warning[0].value


def test_the_leaderboard_tells_cards_of_one_title_apart(twins: AppTest):
    app = twins.switch_page("pages/models.py").run()
    for label, value in (("For whom", "children, chest film"), ("Task", "twins")):
        app = next(group for group in app.get("button_group") if group.label == label).set_value(value).run()
    assert not app.exception
    table = next(frame.value for frame in app.dataframe if "95 % interval" in frame.value.columns)
    assert list(table["model"]) == ["Twin", "Twin (2)"]
