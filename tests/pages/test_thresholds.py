"""A threshold chosen once holds everywhere."""

from streamlit.testing.v1 import AppTest

from core import cards
from core.evaluation.operating_points import NamedPoint, export
from pages.shared.session.clinic import Clinic
from pages.shared.session.thresholds import DecisionThreshold
from tests.pages.app import APP, FILM, started, upload, words
from tests.quick import CLASSIFIER as CARD

DEFAULT = cards.every()[0]


def opened(threshold: str, card: str = CARD.id) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["card"] = card
    app.query_params["threshold"] = threshold
    return upload(app.run(), "film.png", FILM)


def test_a_link_carries_the_threshold():
    assert "threshold 0.99" in words(opened("0.99"))
    assert "Below threshold for pneumonia" in words(opened("0.99999"))
    assert "Suspicious for pneumonia" in words(opened("0.00001"))


def test_a_link_with_nonsense_or_for_another_card_is_passed_over():
    for app in (opened("high"), opened("nan")):
        assert f"threshold {CARD.threshold:.2f}" in words(app)
        assert not app.exception
    app = opened("0.99", card="another")
    assert f"threshold {DEFAULT.threshold:.2f}" in words(app)
    assert not app.exception


def test_between_two_thresholds_the_scan_is_referred():
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params.update({"card": CARD.id, "threshold": "0.00001", "upper": "0.99999"})
    assert "Refer: too close to call" in words(upload(app.run(), "film.png", FILM))


def test_a_link_to_a_retired_card_says_so_and_opens_with_another():
    app = opened("0.99", card="pneumonia-vgg16")
    assert not app.exception
    assert "'pneumonia-vgg16' was retired" in app.sidebar.warning[0].value
    assert f"threshold {DEFAULT.threshold:.2f}" in words(app)
    assert app.query_params["card"] == DEFAULT.id
    assert "was retired" in app.run().sidebar.warning[0].value


def test_a_link_to_a_card_that_ships_says_nothing_of_retirement():
    assert not opened("0.99").sidebar.warning


def named(app: AppTest) -> dict[str, float]:
    return {point.name: point.threshold for point in app.session_state["points"][CARD.id]}


def save(app: AppTest, name: str) -> AppTest:
    app = next(box for box in app.text_input if box.label == "Name this threshold").set_value(name).run()
    return next(button for button in app.button if button.label == "Save").click().run()


def chips(app: AppTest):
    return next(group for group in app.button_group if group.label == "Saved thresholds")


def test_a_saved_threshold_is_a_chip_with_its_refer_band_and_one_click_applies_it():
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params.update({"card": CARD.id, "threshold": "0.25", "upper": "0.75"})
    app = save(app.run().switch_page("pages/thresholds.py").run(), "mine")
    assert not app.exception
    assert chips(app).value == "mine"
    app = chips(app).set_value("the model's own").run()
    assert app.session_state["thresholds"][CARD.version] == DecisionThreshold(CARD.threshold)
    app = chips(app).set_value("mine").run()
    assert app.session_state["thresholds"][CARD.version] == DecisionThreshold(0.25, 0.75)
    assert not app.exception


def test_before_and_after_waits_for_a_difference():
    app = started().run().switch_page("pages/thresholds.py").run()
    assert "Before and after" not in [title.value for title in app.subheader]
    app.session_state["thresholds"] = {CARD.version: DecisionThreshold(0.25)}
    assert "Before and after" in [title.value for title in app.run().subheader]


def test_the_percentile_of_a_scan_is_said_by_the_panel_alone():
    app = upload(started().run(), "film.png", FILM).switch_page("pages/thresholds.py").run()
    assert not app.exception
    assert "times as often" in words(app)
    assert "igher than" not in words(app)


def test_importing_operating_points_adds_to_what_was_saved_and_never_undoes_it():
    app = started().run().switch_page("pages/thresholds.py").run()
    app = save(app, "mine")
    own = named(app)["mine"]
    points = [
        NamedPoint(name, CARD.id, CARD.sha256, "manual", "validation", threshold)
        for name, threshold in (("mine", own + 0.1), ("theirs", 0.25))
    ]
    uploader = next(box for box in app.file_uploader if box.label == "Import operating points")
    app = uploader.upload("points.json", export(points).encode(), "application/json").run()
    imported = {"mine": own, "mine (2)": own + 0.1, "theirs": 0.25}
    assert named(app) == imported
    assert "Imported: mine (2), theirs." in app.success[0].value
    app = save(app, "later")
    assert named(app) == {**imported, "later": own}
    assert not app.exception


def interrupted(card_id: str) -> None:
    """A run that is broken off before the panel is reached: only what was handed on at its start is kept."""
    import streamlit as st

    from core import cards
    from pages.shared.components import threshold_panel as panel
    from pages.shared.session import clinic

    sent = {
        "threshold": 0.25,
        "upper": 0.5,
        "policy": "manual",
        "prevalence": 0.2,
        "missed_cost": 7,
        "sequence": 1,
    }
    st.session_state["panel"] = {"chosen": sent}
    st.session_state["panel-memory"] = {"version": 0, "sequence": 0, "seen": (0.9, 0.9)}
    panel._hear("panel", lambda state: clinic.follow(cards.read(card_id), state))


def test_what_a_hand_chose_is_kept_though_the_run_is_broken_off():
    app = AppTest.from_function(interrupted, kwargs={"card_id": CARD.id}).run()
    assert not app.exception
    assert app.session_state["thresholds"] == {CARD.version: DecisionThreshold(0.25, 0.5)}
    assert app.session_state["clinic"] == Clinic(0.2, 7.0)
