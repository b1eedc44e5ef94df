"""A scan under a model for another kind goes to one that reads it."""

from streamlit.testing.v1 import AppTest

from core import samples
from core.names import BRAIN_MRI, CHEST_FILM
from tests.pages.app import VERDICT, opened, upload, words

HEAD, FILM = (
    next(sample for sample in samples.every() if sample.modality == modality)
    for modality in (BRAIN_MRI, CHEST_FILM)
)


def dropped(page: str, sample: samples.Sample) -> AppTest:
    return upload(opened(page), sample.name, samples.read(sample))


def task(app: AppTest) -> str:
    return next(box for box in app.selectbox if box.label == "Task").value


def test_a_brain_slice_dropped_under_a_chest_model_is_read_by_one_for_brains():
    app = dropped("pages/diagnose.py", HEAD)
    assert not app.exception
    assert task(app) == "brain-mri"
    assert VERDICT in words(app)
    assert "This looks like a brain MRI slice, so it is read with" in words(app)


def test_another_choice_for_the_same_scan_stands():
    app = dropped("pages/diagnose.py", HEAD)
    app = next(box for box in app.selectbox if box.label == "Task").select("pneumonia").run()
    assert task(app.run()) == "pneumonia"
    assert VERDICT not in words(app)
    assert "so it is read with" not in words(app)


def test_a_chest_film_stays_with_the_chest_model_and_nothing_is_said():
    app = dropped("pages/diagnose.py", FILM)
    assert task(app) == "pneumonia"
    assert "so it is read with" not in words(app)


def test_detectors_are_routed_as_well():
    app = dropped("pages/anomaly.py", HEAD)
    assert task(app) == "brain MRI anomaly"
    assert VERDICT in words(app)


def test_a_scan_that_was_forgotten_is_routed_anew():
    app = dropped("pages/diagnose.py", HEAD)
    app = next(box for box in app.selectbox if box.label == "Task").select("pneumonia").run()
    app = next(button for button in app.button if button.label == "Forget this scan").click().run()
    assert not app.session_state["routed"]
    assert task(upload(app, HEAD.name, samples.read(HEAD))) == "brain-mri"
