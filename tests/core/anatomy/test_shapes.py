"""Islands, openings, fillings and boxes of masks, against SciPy's own."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from core.anatomy import shapes


def blotches(seed: int, blur: float) -> NDArray[np.bool_]:
    rng = np.random.default_rng(seed)
    values = ndimage.gaussian_filter(rng.random(rng.integers(5, 129, size=2)), blur)
    return values > np.quantile(values, rng.choice([0.3, 0.5, 0.7]))


@pytest.fixture(params=[(seed, blur) for seed in range(20) for blur in (0, 0.7, 1.5, 4)], ids=str)
def mask(request: pytest.FixtureRequest) -> NDArray[np.bool_]:
    return blotches(*request.param)


def test_islands_are_those_of_scipy(mask: NDArray[np.bool_]):
    labels, areas = shapes.islands(mask)
    expected, count = ndimage.label(mask)
    assert np.array_equal(labels, expected)
    assert areas.tolist() == np.bincount(expected.ravel(), minlength=count + 1)[1:].tolist()


def test_pixels_that_touch_at_a_corner_are_two_islands():
    labels, areas = shapes.islands(np.eye(2, dtype=bool))
    assert areas.tolist() == [1, 1]
    assert labels.tolist() == [[1, 0], [0, 2]]


@pytest.mark.parametrize("times", [1, 2])
def test_an_opening_is_that_of_scipy(mask: NDArray[np.bool_], times: int):
    assert np.array_equal(shapes.opened(mask, times), ndimage.binary_opening(mask, iterations=times))


def test_holes_are_filled_as_by_scipy(mask: NDArray[np.bool_]):
    labels, areas = shapes.islands(mask)
    largest = labels == 1 + areas.argmax()
    assert np.array_equal(shapes.filled(largest), ndimage.binary_fill_holes(largest))


def test_a_box_holds_all_islands_and_the_margin_stays_inside():
    mask = np.zeros((10, 20), dtype=bool)
    mask[2:4, 6:8] = mask[6, 18] = True
    assert shapes.box_of(mask, 0.1) == pytest.approx((0.1, 0.2, 0.8, 1.0))


def test_an_empty_mask_gives_the_whole_picture():
    assert shapes.box_of(np.zeros((8, 8), dtype=bool), 0.1) == (0.0, 0.0, 1.0, 1.0)
