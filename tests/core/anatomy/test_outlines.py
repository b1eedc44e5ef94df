"""What is marked, how large it is and on which side."""

from dataclasses import replace

import numpy as np
import pytest

from core import cards
from core.anatomy import outlines
from core.errors import UnknownName
from core.types import Scan, Spacing
from tests.phantoms.chest import chest
from tests.phantoms.outlines import Bright, card, squares


@pytest.fixture
def bright(monkeypatch: pytest.MonkeyPatch):
    """Cards that outline white squares stand in for shipped ones."""

    def use(region: str = "whole", smallest: float = 0.0) -> str:
        chosen = card(region, smallest)  # type: ignore[arg-type]
        monkeypatch.setattr(outlines, "load", lambda _: (chosen, Bright()))
        return chosen.id

    return use


def scan_of(pixels: np.ndarray, **facts: object) -> Scan:
    return Scan(pixels=pixels, digest="0", name="scan.png", **facts)  # type: ignore[arg-type]


def test_each_white_square_is_a_mark_in_its_place(bright):
    pixels = squares((40, 30), (120, 150)).numpy()
    found = outlines.find(scan_of(pixels), bright())
    assert len(found.marks) == 2
    assert np.array_equal(found.mask, pixels > 0.9)
    assert found.share == pytest.approx(2 * 20**2 / 224**2)
    assert (found.within, found.square_millimetres) == ("picture", None)


def test_a_mark_too_small_is_left_out(bright):
    film = squares((40, 30))
    film[150:155, 100:105] = 1.0
    assert len(outlines.find(scan_of(film.numpy()), bright()).marks) == 2
    (mark,) = outlines.find(scan_of(film.numpy()), bright(smallest=0.002)).marks
    assert mark.pixels == 20**2


def test_the_largest_mark_comes_first(bright):
    film = squares((150, 150), side=10)
    film[20:60, 20:60] = 1.0
    marks = outlines.find(scan_of(film.numpy()), bright()).marks
    assert [mark.pixels for mark in marks] == [40**2, 10**2]


@pytest.mark.parametrize(
    ("tags", "area"),
    [
        ({"PixelSpacing": "[0.5, 0.25]"}, 400 * 0.125),
        ({"ImagerPixelSpacing": "[0.5, 0.5]"}, None),  # the detector's, not the patient's
        ({"PixelSpacing": "[0, 0]"}, None),
        ({"PixelSpacing": "0.5"}, None),
    ],
)
def test_square_millimetres_come_from_pixel_spacing_alone(bright, tags: dict[str, str], area: float | None):
    found = outlines.find(scan_of(squares((40, 30)).numpy(), acquisition=tags), bright())
    assert found.square_millimetres == (None if area is None else pytest.approx(area))


def test_a_cropped_scan_has_no_area_in_millimetres(bright):
    tags = {"PixelSpacing": "[0.5, 0.5]"}
    scan = scan_of(squares((40, 30)).numpy(), acquisition=tags, cropped=True)
    assert outlines.find(scan, bright()).square_millimetres is None


@pytest.mark.parametrize(("left", "side"), [(0.30, "right"), (0.66, "left")])
def test_on_a_chest_film_the_side_is_the_patients(bright, left: float, side: str):
    film = chest()
    column = round(left * 224)
    film[95:111, column : column + 16] = 1.0
    found = outlines.find(scan_of(film), bright("lungs"))
    assert found.within == "lungs"
    assert side in {mark.side for mark in found.marks}
    assert side in outlines.in_words(found)


def test_nothing_marked_is_said_so(bright):
    found = outlines.find(scan_of(squares().numpy()), bright(smallest=0.5))
    assert not found.marks
    assert outlines.in_words(found) == "Nothing is outlined."


def test_a_card_that_outlines_no_lesion_is_refused_with_those_that_do():
    for card_id in ("lung-fields", "pneumonia-cnn"):
        with pytest.raises(UnknownName, match=r"outlines no lesion\. Choose from: .*-outline"):
            outlines.load(card_id)


@pytest.mark.parametrize("shipped", cards.outlining(), ids=lambda each: each.id)
def test_shipped_outlines_lie_on_the_scan_at_any_size(shipped):
    for height, width in ((224, 224), (300, 180)):
        pixels = np.asarray(chest(max(height, width))[:height, :width])
        found = outlines.find(scan_of(pixels), shipped.id)
        assert found.mask.shape == (height, width)
        assert found.within in ("lungs", "head")
        assert found.share <= 1


@pytest.mark.parametrize(
    ("told", "imager", "spacing"),
    [
        ("0.5, 0.25", "", Spacing(0.5, 0.25, at_detector=False)),
        ("0.5, 0.25", "0.6, 0.3", Spacing(0.5, 0.25, at_detector=False)),
        ("0.5, 0.25", "0.5, 0.25", Spacing(0.5, 0.25, at_detector=True)),  # nobody corrected it
        ("", "0.6, 0.3", Spacing(0.6, 0.3, at_detector=True)),
        ("0, 0", "", None),
    ],
)
def test_whose_spacing_the_header_tells(told: str, imager: str, spacing: Spacing | None):
    tags = {"PixelSpacing": told, "ImagerPixelSpacing": imager}
    scan = Scan(np.zeros((4, 4), np.float32), digest="d", name="film", acquisition=tags)
    assert scan.spacing == spacing
    assert replace(scan, cropped=True).spacing is None
