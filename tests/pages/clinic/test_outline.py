"""Found, named, outlined: on one page."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import cards, samples
from core.evaluation import localisation
from core.names import CHEST_FILM
from pages.shared.views.clinic import outline
from tests.pages.app import FILM, opened, upload, words

TUMOUR = next(each for each in samples.every() if each.path.name == "brain-tumour-1.png")


@pytest.fixture
def tumour() -> AppTest:
    return upload(opened("pages/diagnose.py"), TUMOUR.name, samples.read(TUMOUR))


def switch(app: AppTest):
    return next(each for each in app.toggle if each.label == "Outline it")


def test_a_tumour_is_found_named_and_outlined_on_one_page(tumour: AppTest):
    assert not tumour.exception
    assert switch(tumour).value
    said = words(tumour)
    assert "Type: " in said
    assert "of the head" in said
    assert "Unlike normal" not in said
    asked = next(each for each in tumour.button if each.key == "unlike-normal").click().run()
    assert "Unlike normal: " in words(asked)


def test_the_mask_can_be_taken_away_and_a_picture_has_no_dicom_seg(taken):
    upload(opened("pages/diagnose.py"), TUMOUR.name, samples.read(TUMOUR))
    mask = np.asarray(Image.open(BytesIO(taken["Mask (PNG)"]())))
    assert set(np.unique(mask)) == {0, 255}
    assert "DICOM SEG" not in taken


def test_without_the_outline_nothing_is_drawn(tumour: AppTest):
    app = switch(tumour).set_value(False).run()
    assert not app.exception
    assert "of the head" not in words(app)


def test_a_chest_film_is_outlined_by_the_card_for_chest_films():
    app = upload(opened("pages/diagnose.py"), "film.png", FILM)
    app = switch(app).set_value(True).run()
    assert not app.exception
    assert "outlined" in words(app)
    assert "Type: " not in words(app)
    (outliner,) = (each for each in cards.outlining() if each.modality == CHEST_FILM)
    useful = localisation.word(outliner.localisation, outline.PROBABILITY) == "useful"
    assert ("its surest place lay in a lesion" in words(app)) is useful
