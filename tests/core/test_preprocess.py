import numpy as np
import pytest
import torch

from core.preprocess import align, denormalise, frame_of, normalise, stretch, to_scan_space
from core.resample import as_film, crop, resize
from core.types import Frame, InputSpec, Scan

WHOLE = InputSpec(size=160, channels=1, mean=(0.5,), std=(0.25,), region="whole")
LUNGS = InputSpec(size=160, channels=3, mean=(0.4, 0.5, 0.6), std=(0.2, 0.2, 0.2), region="lungs")


def gradient(height: int, width: int) -> np.ndarray:
    return np.tile(np.linspace(0, 1, width, dtype=np.float32), (height, 1))


def test_cropping_the_whole_film_changes_nothing():
    film = as_film(gradient(224, 224))
    assert torch.allclose(crop(film, torch.tensor([[0.0, 0.0, 1.0, 1.0]]), 224), film, atol=1e-6)


def test_cropping_a_half_shows_that_half():
    film = as_film(gradient(224, 224))
    right = crop(film, torch.tensor([[0.0, 0.5, 1.0, 1.0]]), 160)
    assert right[0, 0, 10:-10, 0].mean() == pytest.approx(0.5, abs=0.01)
    assert right[0, 0, 10:-10, -3].mean() == pytest.approx(1 - 2.5 * 0.5 / 160, abs=0.01)


def test_a_quarter_turn_turns_the_picture():
    film = as_film(gradient(224, 224))
    turned = crop(film, torch.tensor([[0.0, 0.0, 1.0, 1.0]]), 224, angle=torch.tensor([torch.pi / 2]))
    assert torch.allclose(turned[0, 0].T.flip(1), film[0, 0], atol=0.01) or torch.allclose(
        turned[0, 0].T, film[0, 0], atol=0.01
    )


def test_outside_the_film_is_black():
    film = torch.ones(1, 1, 224, 224)
    wide = crop(film, torch.tensor([[-0.5, -0.5, 1.5, 1.5]]), 160)
    assert wide[0, 0, 0, 0] == 0
    assert wide[0, 0, 80, 80] == 1


def test_fine_stripes_do_not_alias_when_shrunk():
    stripes = torch.zeros(1, 1, 224, 224)
    stripes[..., ::2] = 1
    assert crop(stripes, torch.tensor([[0.0, 0.0, 1.0, 1.0]]), 32).std() < 0.1  # 0.5 when aliased
    assert resize(stripes, 32, 32).std() < 0.05


def test_stretching_forgets_exposure_and_contrast():
    x = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(stretch(x), stretch(x * 0.3 + 0.2), atol=1e-5)


def test_a_blank_image_stretches_to_something_finite():
    assert torch.isfinite(stretch(torch.full((1, 1, 64, 64), 0.5))).all()


def test_normalising_by_channel_and_back():
    x = torch.rand(2, 1, 8, 8)
    y = normalise(x, LUNGS)
    assert y.shape == (2, 3, 8, 8)
    assert y[0, 2, 0, 0] == pytest.approx((x[0, 0, 0, 0].item() - 0.6) / 0.2, abs=1e-5)
    assert torch.allclose(denormalise(y, LUNGS), x, atol=1e-6)


def test_a_map_goes_back_to_where_it_was_seen(drawn: Scan):
    x, frame = align(drawn, LUNGS)
    assert x.shape == (1, 3, 160, 160)
    top, left, bottom, right = frame.box
    grid = torch.zeros(10, 10)
    grid[0, 0] = 1.0
    back = to_scan_space(grid, frame)
    assert back.shape == drawn.pixels.shape
    row, column = np.unravel_index(back.argmax(), back.shape)
    assert abs(row - top) < (bottom - top) / 10
    assert abs(column - left) < (right - left) / 10
    assert back[: int(top)].sum() == 0


def test_the_place_outside_the_frame_can_be_named():
    frame = Frame(box=(2.0, 3.0, 6.0, 7.0), shape=(8, 10))
    back = to_scan_space(torch.ones(2, 2), frame, outside=float("nan"))
    assert np.isnan(back).sum() == 80 - 16
    assert (back[2:6, 3:7] == 1).all()


def test_a_large_scan_is_read_like_the_same_film_made_small(drawn: Scan):
    large = np.kron(drawn.pixels, np.ones((4, 4), dtype=np.float32))
    x, _ = align(drawn, WHOLE)
    y, frame = align(Scan(large, "d", "large"), WHOLE)
    assert frame_of(Scan(large, "d", "large"), WHOLE).box == (0, 0, 896, 896)
    assert frame.shape == (896, 896)
    assert (x - y).abs().mean() < 0.05
