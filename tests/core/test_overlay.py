import numpy as np
import pytest

from core.errors import UnknownName
from core.overlay import blend, colours, fitted, grey, signed

FILM = np.full((4, 4), 0.5, dtype=np.float32)
COLD = np.zeros((4, 4), dtype=np.float32)


def test_no_heat_leaves_the_film():
    assert np.array_equal(blend(FILM, COLD, scale=1.0), grey(FILM))


def test_heat_of_the_scale_or_more_is_the_same_full_colour():
    once, twice = (blend(FILM, COLD + k, scale=1.0, opacity=1.0) for k in (1, 2))
    assert np.array_equal(once, twice)
    assert np.array_equal(once[0, 0], colours("inferno")[255].round().astype(np.uint8))


def test_grey_is_clipped_and_nan_is_black():
    row = np.array([[-1.0, 0.5, 2.0, np.nan]], dtype=np.float32)
    assert grey(row)[0, :, 0].tolist() == [0, 128, 255, 0]


def test_colour_maps_grow_lighter_all_the_way():
    for name in ("inferno", "cividis"):
        luma = colours(name) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        assert (np.diff(luma) > -0.6).all()


def test_no_difference_is_nearly_white_and_signs_differ():
    picture = signed(np.array([[-1.0, 0.0, 1.0]], dtype=np.float32), scale=1.0)
    assert picture[0, 1].min() > 235
    assert picture[0, 0, 0] > picture[0, 0, 2]  # orange
    assert picture[0, 2, 2] > picture[0, 2, 1]  # purple


def test_an_unknown_colour_map_is_answered_with_the_known_ones():
    with pytest.raises(UnknownName, match=r"jet.*inferno, cividis"):
        colours("jet")


@pytest.mark.parametrize("scale", [0.0, float("nan"), -1.0])
def test_heat_without_a_scale_makes_no_black_picture(scale: float):
    with pytest.raises(ValueError, match="cannot be scaled"):
        blend(np.ones((2, 2), np.float32), np.ones((2, 2), np.float32), scale=scale)


def test_another_picture_fits_the_frame_whole_and_keeps_its_shape():
    framed = fitted(np.full((10, 20), 0.5, np.float32), (30, 40))
    assert framed.shape == (30, 40)
    inside = np.isfinite(framed)
    assert inside[5:25].all()
    assert not inside[:5].any()
    assert not inside[25:].any()
    np.testing.assert_allclose(framed[inside], 0.5)
