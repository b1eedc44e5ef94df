"""A threshold chosen once holds everywhere."""

from streamlit.testing.v1 import AppTest

from core import cards
from tests.pages.app import APP, FILM, upload, words
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
    assert "card" not in app.query_params
    assert "was retired" in app.run().sidebar.warning[0].value


def test_a_link_to_a_card_that_ships_says_nothing_of_retirement():
    assert not opened("0.99").sidebar.warning
