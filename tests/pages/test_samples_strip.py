"""The strip of samples: one click and the page does its job, without anybody's film."""

import csv
import io
from functools import partial
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import samples
from core.card_types import Card
from pages.shared import sentences
from pages.shared.views.screening import sample_worklist
from tests.pages.app import FILM, SCAN_PAGES, VERDICT, opened, started, upload, words
from tests.phantoms.chest import chest, png
from tests.phantoms.fake_cards import made_up
from tests.phantoms.samples import add_hard, ship

pytestmark = pytest.mark.usefixtures("root")
MARK = "AI-generated example"
SLOW = 150  # seconds: the first reading loads torch, and Screen reads them all


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Drawn samples, in the place of those that ship; and no public film, unless a test brings one."""
    ship(tmp_path)
    monkeypatch.setattr(samples, "every", partial(samples.every, tmp_path))
    monkeypatch.setattr(samples, "public_film", lambda: None)
    st.cache_data.clear()
    yield tmp_path
    st.cache_data.clear()


def offered(app: AppTest) -> list[str]:
    """The file names in the strip."""
    keys = [button.key or "" for button in app.button]
    return [key.removeprefix("first-") for key in keys if key.startswith("first-")]


def click(app: AppTest, key: str) -> AppTest:
    return (
        next(button for button in app.button if button.key == key or button.label == key)
        .click()
        .run(timeout=SLOW)
    )


def task(app: AppTest, name: str) -> AppTest:
    return next(box for box in app.selectbox if box.label == "Task").select(name).run()


@pytest.mark.parametrize("page", SCAN_PAGES)
def test_one_click_reads_a_sample_as_if_it_had_been_dropped(page: str):
    app = opened(page)
    assert app.info[0].value.startswith("Upload a frontal chest film")
    app = click(app, "first-chest-bacterial-1.png")
    assert not app.exception
    assert VERDICT in words(app)
    assert MARK in words(app)
    assert "Made as: bacterial pneumonia" in words(app)
    (scan,) = app.session_state["scans"].values()
    assert scan.name == "Synthetic chest-bacterial-1.png"
    assert not offered(app)


def test_the_conditions_take_turns_and_a_dicom_film_comes_last():
    assert offered(opened("pages/diagnose.py")) == [
        *("chest-normal-1.png", "chest-bacterial-1.png", "chest-viral-1.png"),
        *("chest-normal-2.png", "chest-bacterial-2.png", "chest-viral-2.png"),
        "chest-normal-dicom.dcm",
    ]


def test_every_picture_says_that_it_is_synthetic_and_what_it_was_made_as():
    labels = [button.label for button in opened("pages/diagnose.py").button]
    strip = [label for label in labels if "made as" in label]
    assert len(strip) == 7
    assert all("**Synthetic" in label for label in strip)
    assert sum("made as: viral pneumonia" in label for label in strip) == 2


def test_the_strip_follows_the_task_which_a_click_does_not_change():
    app = task(opened("pages/diagnose.py"), "brain-mri")
    assert {name.split("-")[0] for name in offered(app)} == {"brain"}
    app = click(app, "first-brain-tumour-1.png")
    assert not app.exception
    assert next(box for box in app.selectbox if box.label == "Task").value == "brain-mri"
    assert VERDICT in words(app)


def test_a_sample_never_stands_before_a_scan_that_was_dropped():
    app = upload(opened("pages/diagnose.py"), "mine.png", FILM)
    assert not offered(app)
    assert MARK not in words(app)
    app.query_params["sample"] = "chest-normal-1.png"
    app = app.run()
    assert [scan.name for scan in app.session_state["scans"].values()] == ["mine.png"]


def test_forgetting_the_sample_brings_the_strip_back():
    app = click(opened("pages/diagnose.py"), "first-chest-normal-1.png")
    app = click(app, "Forget this scan")
    assert not app.session_state["scans"]
    assert "chest-normal-1.png" in offered(app)


def test_a_sample_that_was_saved_and_sent_back_is_known_again(root: Path):
    data = (root / "samples" / "chest-viral-1.png").read_bytes()
    app = upload(opened("pages/diagnose.py"), "holiday.png", data)
    assert MARK in words(app)
    assert MARK not in words(upload(app, "mine.png", png(chest(seed=99))))


def test_the_first_opening_is_a_result_and_samples_of_every_kind_stand_above_it(root: Path):
    add_hard(root, "normal, blurred")
    app = started(welcomed=False).run(timeout=SLOW)
    assert not app.exception
    assert "Made as: bacterial pneumonia" in words(app)
    assert VERDICT in words(app)
    assert sentences.WHAT_THIS_IS in words(app)
    kinds = [
        button.label.split("**")[-1] for button in app.button if (button.key or "").startswith("landing-")
    ]
    assert {" made as: tumour", " made as: viral pneumonia", " made as: normal, blurred"} <= set(kinds)
    assert len(kinds) == len(set(kinds)) + 2  # a normal film as DICOM, and a normal head


def test_the_example_makes_way_for_the_first_scan_that_a_person_chose():
    app = started(welcomed=False).run(timeout=SLOW)
    app = upload(app, "mine.png", FILM)
    assert [scan.name for scan in app.session_state["scans"].values()] == ["mine.png"]
    assert sentences.WHAT_THIS_IS not in words(app)
    app = click(app, "Forget this scan")
    assert not app.session_state["scans"]


def test_a_link_opens_with_a_sample_and_names_it_until_it_is_forgotten():
    app = started()
    app.query_params["sample"] = "chest-viral-2.png"
    app = app.run()
    assert not app.exception
    assert "Made as: viral pneumonia" in words(app)
    assert app.query_params["sample"] == "chest-viral-2.png"
    app = click(app, "Forget this scan")
    assert not app.session_state["scans"]
    assert "sample" not in app.query_params


def test_a_link_to_no_sample_says_which_there_are():
    app = started()
    app.query_params["sample"] = "../x.png"
    app = app.run()
    assert "Choose from: chest-normal-1.png" in app.error[0].value
    assert offered(app)


def test_without_samples_there_is_no_strip_and_no_fault(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(samples, "every", lambda: ())
    for page in (*SCAN_PAGES, "pages/screen.py"):
        app = opened(page)
        assert not app.exception
        assert not app.error
        assert not offered(app)
        assert not [button for button in app.button if "synthetic" in button.label]


def test_a_spoilt_sample_and_a_spoilt_manifest_are_said_and_take_nothing_down(root: Path):
    (root / "samples" / "chest-normal-1.png").write_bytes(b"other")
    app = opened("pages/diagnose.py")
    assert "chest-normal-1.png is missing or was altered" in app.error[0].value.replace("\\", "")
    assert "chest-normal-2.png" in offered(app)
    (root / "samples" / "manifest.json").write_text("{}")
    st.cache_data.clear()
    app = upload(opened("pages/diagnose.py"), "mine.png", FILM)
    assert not app.exception
    assert VERDICT in words(app)


def test_the_public_film_is_offered_as_what_it_is(root: Path, monkeypatch: pytest.MonkeyPatch):
    film = root / "samples" / "chest-normal-dicom.dcm"
    listed = next(sample for sample in samples.every() if sample.path == film)
    public = samples.Sample(film, "chest film", "", None, listed.sha256, synthetic=False)
    monkeypatch.setattr(samples, "every", lambda: ())
    monkeypatch.setattr(samples, "public_film", lambda: public)
    app = opened("pages/diagnose.py")
    assert any("**Real, DICOM** a public film" in button.label for button in app.button)
    app = click(app, "first-chest-normal-dicom.dcm")
    assert "Public film" in words(app)
    assert "ynthetic" not in words(app)


def listed(taken) -> list[dict[str, str]]:
    """What the list's CSV holds."""
    return list(csv.DictReader(io.StringIO(taken["CSV"])))


def test_one_click_makes_the_samples_a_labelled_worklist(taken):
    app = click(opened("pages/screen.py"), "Read all 7 synthetic samples")
    assert not app.exception
    assert [tab.label for tab in app.tabs] == ["Worklist", "How did it do", "Misread"]
    table = listed(taken)
    assert len(table) == 7
    assert all(row["scan"].startswith("Synthetic ") for row in table)
    assert {row["label"] for row in table} == {"normal", "pneumonia"}
    assert "not how good the model is" in words(app)
    assert "On these 7 scans the AUC is" in words(app)
    app = click(app, "Remove the samples")
    assert app.info[0].value.startswith("Drop films")


def test_films_that_are_dropped_are_not_mixed_with_samples(taken):
    app = click(opened("pages/screen.py"), "Read all 7 synthetic samples")
    app.file_uploader[0].upload("mine.png", FILM, "image/png")
    app = app.run()
    assert [row["scan"] for row in listed(taken)] == ["mine.png"]
    assert "not how good the model is" not in words(app)


def test_the_brain_samples_are_measured_though_the_card_tells_tumours_apart(taken):
    app = task(opened("pages/screen.py"), "brain-mri")
    app = click(app, "Read all 4 synthetic samples")
    assert not app.exception
    assert {row["label"] for row in listed(taken)} == {"normal", "abnormal"}


def test_the_samples_page_shows_every_sample():
    app = opened("pages/samples.py")
    assert not app.exception
    shown = " ".join(element.proto.body for element in app.get("html"))
    assert shown.count("<figure>") == len(samples.every())
    assert {one.label for one in app.expander} == {"Brain MRI slices", "Chest films"}


def test_the_samples_card_is_laid_open(monkeypatch: pytest.MonkeyPatch):
    def view() -> None:
        from pages.shared.views import sample_card

        sample_card.show()

    monkeypatch.setattr(samples, "card", lambda: None)
    without = AppTest.from_function(view).run()
    assert not without.header
    assert without.info[0].value == sentences.NO_SAMPLES.format(samples.COMMAND)
    card = samples.SamplesCard(
        *("drawn", "make samples", "abc", 3, "By hand."),
        agreement={"chest film": samples.Agreement("x", {"n": 3, "agrees": 0.9, "admitted": 1}, {"n": 2})},
        frechet={"chest film": {"n": 3, "made": 1.5}},
        nearest={"chest film": {"pixels": {"real patients": 0.2, "shipped": {"a.png": 0.4, "b.png": 0.3}}}},
        limitations=("Drawn.",),
    )
    monkeypatch.setattr(samples, "card", lambda: card)
    app = AppTest.from_function(view).run()
    assert not app.exception
    table = dict(app.table[0].value.itertuples(index=False))
    assert table["classified as intended"] == "90.0%"
    assert table["Fréchet, made"] == "1.5"
    assert table["pixels: shipped samples, the nearest of all"] == "0.300"
    assert table["pixels: real patients"] == "0.200"


LABELS = [
    (("normal", "pneumonia"), "bacterial pneumonia", "pneumonia"),
    (("normal", "bacterial", "viral"), "viral pneumonia", "viral"),
    (("normal", "covid"), "viral pneumonia", ""),
    (("normal", "covid", "viral pneumonia"), "viral pneumonia", "viral pneumonia"),
    (("normal", "glioma", "meningioma", "pituitary"), "tumour", "abnormal"),
    (("normal", "stroke"), "tumour", ""),
]


@pytest.mark.parametrize(("labels", "condition", "word"), LABELS)
def test_a_condition_is_put_in_the_cards_words_or_in_none(labels: tuple[str, ...], condition: str, word: str):
    card: Card = made_up("card", labels, skill=2)
    sample = samples.Sample(Path("x.png"), card.modality, condition, 0, "", synthetic=True)
    assert sample_worklist.label_of(sample, card) == word


def test_hard_samples_stand_apart_and_say_how_they_were_made(root: Path):
    add_hard(root, "normal, blurred")
    app = opened("pages/diagnose.py")
    assert "before any model was asked" in words(app)
    assert "chest-hard-1.png" not in offered(app)
    label = next(button.label for button in app.button if button.key == "hard-chest-hard-1.png")
    assert "made as: normal, blurred" in label
    app = click(app, "hard-chest-hard-1.png")
    assert not app.exception
    assert "Made as: normal, blurred" in words(app)


def test_the_worklist_of_samples_leaves_hard_ones_out(root: Path):
    add_hard(root, "normal, blurred")
    card = made_up("card", ("normal", "pneumonia"), skill=2)
    listed = sample_worklist.all_samples(card)
    assert listed
    assert not any(sample.hard for sample in listed)
