"""Every page, run as Streamlit runs it but without a browser."""

import pytest
from streamlit.testing.v1 import AppTest

from core.names import ADULT_FALSE_ALARMS
from pages.shared.caches import models
from tests.pages.app import ALL_PAGES, FILM, SCAN_PAGES, VERDICT, opened, upload, words
from tests.phantoms.chest import chest, png
from tests.quick import CLASSIFIER


@pytest.mark.parametrize("page", ALL_PAGES)
def test_a_page_opens_without_a_scan_and_says_it_is_no_medical_device(page: str):
    app = opened(page)
    assert not app.exception
    assert "not for clinical use" in words(app)


@pytest.mark.parametrize("page", SCAN_PAGES)
def test_an_empty_page_says_what_to_do(page: str):
    assert "Upload a frontal chest film" in opened(page).info[0].value


def test_a_verdict_says_on_whom_the_model_learned_and_how_often_it_flags_normal_adults():
    app = opened("pages/diagnose.py")
    app = next(box for box in app.selectbox if box.label == "Model").set_value("pneumonia-cnn").run()
    app = upload(app, "film.png", FILM)
    figures = models.card("pneumonia-cnn").figures
    flagged = f"adults of another hospital {100 * figures[ADULT_FALSE_ALARMS]:.0f} of 100 normal films"
    assert "Trained on children of 1 to 5 years." in words(app)
    assert flagged in words(app)
    app = (
        next(group for group in app.button_group if group.label == "Whose film is this?")
        .select("child")
        .run()
    )
    assert "Trained on children of 1 to 5 years." in words(app)
    assert flagged not in words(app)


def test_a_model_of_all_ages_asks_nobodys_age():
    app = upload(opened("pages/diagnose.py"), "film.png", FILM)
    assert not [group for group in app.button_group if group.label == "Whose film is this?"]


def test_a_model_chosen_on_one_page_holds_on_all():
    app = opened("pages/diagnose.py")
    app = next(box for box in app.selectbox if box.label == "Model").set_value("pneumonia-resnet50").run()
    for page in ("pages/thresholds.py", "pages/screen.py"):
        app = app.switch_page(page).run()
        assert model(app) == "pneumonia-resnet50"
    app = next(box for box in app.selectbox if box.label == "Model").set_value("pneumonia-cnn").run()
    app = app.switch_page("pages/diagnose.py").run()
    assert model(app) == "pneumonia-cnn"


def test_a_page_that_needs_another_kind_says_which_and_leaves_the_choice_alone():
    app = opened("pages/anomaly.py")
    assert "Used here: Convolutional autoencoder." in words(app)
    assert model(app.switch_page("pages/thresholds.py").run()) == CLASSIFIER.id


def test_a_task_chosen_anew_opens_with_the_model_last_used_for_it():
    app = opened("pages/diagnose.py")
    app = next(box for box in app.selectbox if box.label == "Model").set_value("pneumonia-cnn").run()
    for task in ("etiology", "pneumonia"):
        app = next(box for box in app.selectbox if box.label == "Task").set_value(task).run()
    assert model(app) == "pneumonia-cnn"


def model(app: AppTest) -> str:
    return next(box for box in app.selectbox if box.label == "Model").value


@pytest.mark.parametrize("page", SCAN_PAGES)
def test_a_film_is_read_and_judged(page: str):
    app = upload(opened(page), "film.png", FILM)
    assert not app.exception
    assert not app.error
    assert VERDICT in words(app)
    assert "normal test films" in words(app)


@pytest.mark.parametrize("page", SCAN_PAGES)
@pytest.mark.parametrize("content", [b"", b"not a picture", FILM[:500]], ids=["empty", "text", "cut"])
def test_a_corrupt_file_gives_one_sentence_and_loses_nothing(page: str, content: bytes):
    app = upload(opened(page), "film.png", FILM)
    app = upload(app, "broken.png", content)
    assert not app.exception
    assert len(app.error) == 1
    assert "broken.png" in app.error[0].value
    assert VERDICT in words(app)


@pytest.mark.parametrize("page", SCAN_PAGES)
def test_a_picture_that_is_no_film_is_not_judged(page: str):
    app = upload(opened(page), "grey.png", png(chest() * 0 + 0.5))
    assert not app.exception
    assert "blank" in app.warning[0].value
    assert VERDICT not in words(app)


def test_the_scan_stays_chosen_across_pages():
    app = upload(opened("pages/diagnose.py"), "film.png", FILM)
    app = app.switch_page("pages/anomaly.py").run()
    assert VERDICT in words(app)


def test_forgetting_a_scan_leaves_nothing_of_it():
    app = upload(opened("pages/diagnose.py"), "film.png", FILM)
    app = next(button for button in app.button if button.label == "Forget this scan").click().run()
    assert app.info[0].value.startswith("Upload a frontal chest film")
    assert not app.session_state["scans"]


def test_two_sessions_see_each_their_own_scan():
    first, second = opened("pages/diagnose.py"), opened("pages/diagnose.py")
    first = upload(first, "one.png", FILM)
    second = upload(second, "two.png", png(chest(seed=5)))
    assert [scan.name for scan in first.session_state["scans"].values()] == ["one.png"]
    assert [scan.name for scan in second.session_state["scans"].values()] == ["two.png"]
    assert words(first.run()) != words(second.run())


def test_a_file_name_is_shown_as_text():
    app = upload(opened("pages/diagnose.py"), "[x](y)<img>.png", b"")
    assert r"\[x\]" in app.error[0].value
