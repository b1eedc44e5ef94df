"""Thresholds of one's own: set on dropped normals, used on every page, and policies that broke their word."""

from dataclasses import replace

from streamlit.testing.v1 import AppTest

from core import cards, names
from core.card_types import Card
from pages.shared.caches import scores
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views.clinic import calibration, promises
from tests.pages.app import APP, FILM, upload, words
from tests.phantoms.chest import chest, png

CARD = cards.read("pneumonia-cnn")
assert isinstance(CARD, Card)
NORMALS = [png(chest(seed=k)) for k in range(21)]


def thresholds_page() -> AppTest:
    app = AppTest.from_file(APP, default_timeout=300)
    app.query_params["card"] = CARD.id
    app.query_params["threshold"] = repr(CARD.threshold + 1e-6)  # the address names no card by its own
    return app.run().switch_page("pages/thresholds.py").run()


def zone(app: AppTest, label: str):
    return next(box for box in app.file_uploader if box.label.startswith(label))


def dropped(app: AppTest, label: str, films: list[bytes]) -> AppTest:
    for number, film in enumerate(films):
        zone(app, label).upload(f"patient{number}.png", film, "image/png")
    return app.run()


def test_dropped_normals_set_a_threshold_that_every_page_uses_and_nothing_but_scores_stays():
    app = dropped(thresholds_page(), "Normal scans", [*NORMALS, NORMALS[0], b"no picture"])
    assert not app.exception
    assert "21 judged, 1 could not be" in words(app)
    assert "21 normal scans of 21 patients" in words(app)
    assert "Before, threshold" in words(app)
    assert "After, threshold" in words(app)
    assert not zone(app, "Normal scans").value
    kept = repr(dict(app.session_state["local"]))
    assert "patient3" not in kept
    app = next(button for button in app.button if button.label == "Use this threshold").click().run()
    assert not app.exception
    (point,) = app.session_state["points"][CARD.id]
    assert point.sha256 == CARD.sha256
    assert app.session_state["thresholds"][CARD.version] == DecisionThreshold(point.threshold)
    app = upload(app.switch_page("pages/diagnose.py").run(), "film.png", FILM)
    assert "set on 21 normal scans of your own" in words(app)


def test_fewer_than_twenty_normals_set_nothing():
    app = dropped(thresholds_page(), "Normal scans", NORMALS[:3])
    assert not app.exception
    assert "20 patients or more, and there are 3" in app.warning[0].value
    assert "Use this threshold" not in [button.label for button in app.button]


def test_a_broken_promise_is_said_on_the_button_and_a_kept_one_is_not():
    told = promises.broken(CARD, [promise.policy for promise in scores.promises(CARD.id)])
    broken = [promise for promise in scores.promises(CARD.id) if promise.broken]
    assert len(told) == len(broken) > 0
    assert all(words.startswith("broke its promise: ") for words in told.values())


def test_what_normals_of_another_hospital_bought_there_is_said_where_it_was_measured():
    place = names.LOCAL_PLACE
    figures = {
        names.auroc_at(place): 0.61,
        names.specificity_at(place): 0.02,
        names.sensitivity_at(place): 0.33,
    }
    for count in names.LOCAL_COUNTS:
        figures |= {
            names.specificity_at(place, count): 0.85,
            names.specificity_at(place, count, worst=True): 0.7,
        }
    told = calibration.what_normals_buy(replace(CARD, figures=figures))
    assert "AUROC of 0.61" in told
    assert "50 give 0.85 (0.70 in the worst twentieth" in told
    assert calibration.what_normals_buy(replace(CARD, figures={})) == ""
