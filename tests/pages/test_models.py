"""The models page, with cards that are made up beside the shipped ones."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import cards
from core.evaluation import openings
from pages.shared.caches import models
from pages.shared.views.models import audience
from tests.pages import app as pages
from tests.pages.app import started, upload, words
from tests.phantoms import fake_cards
from tests.phantoms.chest import chest, png
from tests.phantoms.fake_cards import made_up

AGENTS = ("normal", "bacterial", "viral")
FIGURES = {
    "AUC at equal detail inside the region": 0.71,
    "AUC of that detail itself, made equal": 0.52,
    "AUC by border alone": 0.61,
    "AUC sharpened": 0.69,
    "temperature": 1.4,
    "ECE before scaling": 0.09,
    "ECE after scaling": 0.02,
    "false alarms on adult normals": 0.25,
    "adult normals": 1000.0,
    "flagged COVID films": 0.5,
    "COVID films": 300.0,
    "AUC over seeds, mean": 0.88,
    "AUC over seeds, spread": 0.01,
    "seeds": 3.0,
}
KEEN = made_up("keen", AGENTS, skill=2.5, task="agents", figures=FIGURES)
DULL = made_up("dull", AGENTS, skill=1.5, seed=1, task="agents", scales={})
# better than both on validation: even so it is nobody's choice
RULER = made_up("ruler", AGENTS, skill=4.0, seed=2, task="agents", yardstick=True)


@pytest.fixture(autouse=True)
def made(tmp_path: Path) -> Iterator[None]:
    with fake_cards.weights(tmp_path, (KEEN, 2.5, 0), (DULL, 1.5, 1), (RULER, 4.0, 2)):
        yield


def opened(card: str = "keen") -> AppTest:
    """The page with the audience and the task of this card."""
    return pages.opened("pages/models.py", card=card)


def default() -> str:
    return models.offered()[0].id


def group(app: AppTest, label: str):
    return next(group for group in app.get("button_group") if group.label == label)


def table(app: AppTest, column: str):
    return next(frame.value for frame in app.dataframe if column in frame.value.columns)


@pytest.mark.parametrize("whom", audience.AUDIENCES)
def test_every_card_stands_with_its_audience_and_task_yardsticks_last(whom: str):
    fitting = [card for card in cards.every() if audience._fits(card, whom)]
    app = group(opened(), "For whom").set_value(whom).run()
    for task in {card.task for card in fitting}:
        app = group(app, "Task").set_value(task).run()
        assert not app.exception
        known = [card for card in fitting if card.task == task]
        models = [card.title for card in known if not card.yardstick]
        for column in ("95 % interval", "AUC there"):
            listed = list(table(app, column)["model"])
            assert sorted(listed[: len(models)]) == sorted(models)
            assert all("yardstick" in name.lower() for name in listed[len(models) :])
            assert len(listed) == len(known)


def test_every_card_has_an_audience():
    assert all(audience._audience(card) for card in cards.every())


def test_the_recommended_model_is_the_one_that_pages_open_with_and_says_why():
    app = opened(default())
    (first,) = re.findall(r"Recommended: ([^<]*)<", words(app))
    assert first == next(card for card in models.offered() if card.task == "pneumonia").title
    assert re.search(r"left out of (its )?training", words(app))


def test_models_are_sorted_by_their_worst_source():
    rows = table(opened(default()), "AUC there")
    real = rows[~rows["model"].str.contains("ardstick")]
    assert len(real) > 2
    alone = real["worst source"].str.endswith("only one")
    assert alone.is_monotonic_increasing  # they come last
    assert real["AUC there"][~alone].is_monotonic_decreasing
    assert real["AUC there"][alone].is_monotonic_decreasing
    assert real["elsewhere"].notna().any()


def test_a_model_is_taken_for_all_pages_with_one_click():
    app = opened()
    app = next(button for button in app.button if button.key == "use-recommended").click().run()
    assert not app.exception
    assert next(box for box in app.selectbox if box.label == "Model").value == "keen"


def test_the_address_opens_the_page_with_its_card():
    app = opened("dull")
    assert app.header[0].value == "Dull"
    assert app.query_params["card"] == "dull"


def test_two_models_are_compared_on_the_scans_of_both():
    app = opened()
    box = next(box for box in app.selectbox if box.label == "Keen with")
    app = box.set_value("dull").run()
    assert not app.exception
    assert "test scans of both" in words(app)
    assert "McNemar" in words(app)


def test_the_members_of_an_ensemble_are_named():
    assert "(pneumonia-all-ages-dinov2), " in words(opened("pneumonia-all-ages-ensemble"))


def test_a_leaderboard_of_several_classes_tells_them_apart():
    rows = table(opened(), "95 % interval")
    keen = rows[rows["model"] == "Keen"].iloc[0]
    assert keen["AUC"] == KEEN.report["test"].auc
    assert (keen["at equal detail"], keen["detail alone then"], keen["border alone"]) == (0.71, 0.52, 0.61)
    assert re.fullmatch(r"[01]\.\d{3} \(0\.\d{3}-\d\.\d{3}\)", keen["sensitivity"])
    assert 1 / 3 < keen["top-1 accuracy"] < keen["macro AUC"] < 1
    assert keen["MB"] == pytest.approx(1.3, abs=0.1)


def taken(app: AppTest) -> list[str]:
    """The models chosen, purpose by purpose."""
    return re.findall(r'class="opacity-choice">([^<]*)<', words(app))


def test_the_choice_comes_from_validation_and_is_never_a_yardstick():
    app = opened()
    assert taken(app) == ["Keen", "Keen"]
    assert "Next best: Dull" in words(app)
    assert "timed on this machine yet" in words(app)


def test_measured_time_fills_the_table_and_makes_the_third_choice():
    app = opened()
    assert "ms here" not in table(app, "95 % interval")
    app = next(button for button in app.button if button.label == "Measure time here").click().run()
    assert not app.exception
    assert not app.error
    assert (table(app, "95 % interval")["ms here"] > 0).all()
    assert taken(app) == ["Keen"] * 3  # the other is more than 0.01 of AUC behind


def test_a_card_that_cannot_be_loaded_is_said_and_the_others_are_measured(tmp_path: Path):
    (tmp_path / "dull" / "model.safetensors").write_bytes(b"other weights")
    app = opened()
    app = next(button for button in app.button if button.label == "Measure time here").click().run()
    assert "sha256 differs" in app.error[0].value
    measured = table(app, "95 % interval").set_index("model")["ms here"]
    assert measured.isna().to_dict() == {"Keen": False, "Dull": True, "Yardstick: Ruler": False}


def test_a_card_view_has_classes_calibration_sharpness_seeds_and_other_hospitals():
    app = opened()
    counts = table(app, "predicted viral").set_index("true label")
    assert counts.shape == (3, 3)
    assert counts.sum(axis=None) == KEEN.report["test"].n
    figures = table(app, "support").set_index("class")
    assert list(figures.index) == list(AGENTS)
    assert figures["support"].sum() == KEEN.report["test"].n
    assert table(app, "change")["AUC"].tolist()[1:] == [0.71, 0.69]
    elsewhere = table(app, "COVID films flagged")
    assert elsewhere["model"].tolist() == ["Keen"]
    assert elsewhere["false alarms, adult normals"].tolist() == [25]
    assert "from 0.090 to 0.020" in words(app)
    assert "from 3 seeds: mean validation AUC 0.880" in words(app)


def test_a_card_without_those_figures_is_shown_without_them():
    app = opened()
    row = list(table(app, "AUC there")["model"]).index("Dull")
    app.session_state["models-keen dull ruler"] = {"selection": {"rows": [row], "columns": []}}
    app = app.run()
    assert not app.exception
    assert app.header[0].value == "Dull"
    assert "change" not in {column for frame in app.dataframe for column in frame.value.columns}
    assert "Temperature" not in words(app)


def test_a_yardstick_is_never_what_a_page_opens_with():
    app = started().run()
    app = next(box for box in app.selectbox if box.label == "Task").select("agents").run()
    models = next(box for box in app.selectbox if box.label == "Model")
    assert models.value == "keen"
    assert models.options == ["Keen", "Dull", "Yardstick: Ruler"]


def test_a_card_says_how_often_its_test_was_opened_and_one_without_a_log_says_so():
    (said,) = re.findall(r"The test split was opened (\d+) times?", words(opened(default())))
    assert int(said) == openings.count(default()) > 0
    assert "How often the test split was opened is not known" in words(opened())


def test_each_policy_shows_what_it_promised_and_what_each_source_kept():
    rows = table(opened(default()), "policy")
    smoothed = rows[rows["policy"] == "Smoothed Youden"]
    assert smoothed["on"].iloc[0].startswith("promised, threshold")
    assert smoothed["on"].iloc[1] == "test"
    assert len(smoothed) > 3  # the first model was measured on several sources
    assert set(smoothed[""].iloc[:1]) <= {"broken", "kept"}


def test_the_table_of_truth_has_each_source_and_marks_the_worst():
    app = opened(default())
    assert not app.exception
    own, every = (shown.value for shown in app.table[:2])
    bold = own[own["source"].str.startswith("**")]
    assert len(bold) == 1
    assert own["source"].str.contains("home").any()
    assert len(every) > len(own)


def test_the_checklists_are_shown_with_what_is_not_known_and_can_be_taken_away():
    app = opened(default())
    rows = table(app, "checklist")
    assert set(rows["checklist"].str.split().str[0]) == {"CLAIM", "TRIPOD+AI"}
    assert (rows["answer"] == "not known").any()
    assert f"answers {(rows['answer'] != 'not known').sum()} of {len(rows)} items" in words(app)
    assert {"CSV", "Markdown"} <= {button.label for button in app.get("download_button")}


@pytest.mark.parametrize("card", ["pneumonia-cnn", "brain-mri-mobilenet-v2", "brain-ct-patchcore"])
def test_models_that_outline_stand_there_with_their_dice(card: str):
    app = opened(card)
    assert not app.exception
    fitting = [one for one in cards.outlining() if one.modality == cards.read(card).modality]
    offered = [button.key for button in app.button if button.label == "Use this outline"]
    assert offered == [f"use-{one.id}" for one in fitting]
    for one in fitting:
        assert f"its Dice is {one.report['test']['dice']:.2f}" in words(app)


def test_use_this_outline_opens_diagnose_and_draws_it_unasked():
    app = opened("pneumonia-cnn")
    app = next(button for button in app.button if button.label == "Use this outline").click().run()
    assert not app.exception
    app = upload(app, "film.png", png(chest()))
    assert next(box for box in app.toggle if box.label == "Outline it").value
