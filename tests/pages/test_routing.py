"""A scan under a model for another kind goes to one that reads it."""

import numpy as np
from streamlit.testing.v1 import AppTest

from core import cards, samples
from core.names import BRAIN_MRI, CHEST_FILM
from tests.pages.app import VERDICT, opened, upload, words
from tests.phantoms.chest import chest, png
from tests.phantoms.files import chest_film

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


def choose(app: AppTest, box: str, value: str) -> AppTest:
    return next(one for one in app.selectbox if one.label == box).select(value).run()


def model(app: AppTest) -> str:
    return next(box for box in app.selectbox if box.label == "Model").value


def test_an_adult_by_the_header_goes_from_a_childrens_model_to_one_that_knows_adults():
    app = choose(opened("pages/diagnose.py"), "Model", "pneumonia-cnn")
    app = upload(app, "film.dcm", aged("045Y"))
    assert not app.exception
    assert "did not learn from patients of this age" in words(app)
    assert (cards.read(model(app)).ages or (0, 99))[1] >= 45
    app = choose(app, "Model", "pneumonia-cnn")
    assert "45 years old. This model learned from patients of 1 to 5 years" in app.warning[0].value
    assert VERDICT not in words(app)


def test_a_child_by_the_header_stays_with_a_childrens_model():
    app = choose(opened("pages/diagnose.py"), "Model", "pneumonia-cnn")
    app = upload(app, "film.dcm", aged("004Y"))
    assert model(app) == "pneumonia-cnn"
    assert VERDICT in words(app)


def test_an_adult_by_a_persons_word_goes_to_a_model_that_knows_adults_and_the_word_holds():
    app = choose(opened("pages/diagnose.py"), "Model", "pneumonia-cnn")
    app = upload(app, "film.png", png(chest()))
    app = next(one for one in app.button_group if one.label == "Whose film is this?").select("adult").run()
    assert "did not learn from patients of this age" in words(app)
    assert VERDICT in words(app)
    app = upload(choose(app, "Model", "pneumonia-cnn"), "next.png", png(chest(seed=4)))
    assert model(app) != "pneumonia-cnn"


def aged(years: str) -> bytes:
    return chest_film((chest() * 255).round().astype(np.uint8), PatientAge=years)
