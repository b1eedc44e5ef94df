from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.anatomy import lungs, shapes
from core.preprocess import align, denormalise, frame_of, soft_edge, stretch_inside, to_scan_space
from core.types import InputSpec, Scan
from tests.phantoms import chest

NATIVE = InputSpec(224, 1, (0.0,), (1.0,), "lungs", view="native", outside="black")


def scan_of(pixels: np.ndarray) -> Scan:
    return Scan(pixels=pixels.astype(np.float32), digest="", name="film")


def always(value: object) -> Callable[..., object]:
    """A function that answers so whatever it is asked."""

    def answer(*_: object, **__: object) -> object:
        return value

    return answer


@pytest.fixture
def lungs_found(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Two upright blocks as lungs, whatever the segmenter would say."""
    mask = np.zeros((lungs.SIZE, lungs.SIZE), dtype=bool)
    mask[32:96, 24:56] = mask[32:96, 72:104] = True
    logits = torch.from_numpy(mask).float()[None] * 0.98 + 0.01
    monkeypatch.setattr(lungs, "network", always(None))
    monkeypatch.setattr(lungs, "probabilities", always(logits))
    monkeypatch.setattr(lungs, "probabilities_and_features", always((logits, None)))
    return mask


def test_a_card_without_a_view_keeps_the_old_one():
    assert InputSpec(224, 1, (0.0,), (1.0,), "lungs").view == "film-224"
    assert InputSpec(224, 1, (0.0,), (1.0,), "lungs").outside == "shown"


@pytest.mark.usefixtures("lungs_found")
def test_fine_lines_survive_where_the_film_is_large():
    stripes = np.tile((np.arange(1792) // 5 % 2).astype(np.float32), (1792, 1))  # 10 px a pair
    large = replace(NATIVE, size=448, outside="shown")
    native, frame = align(scan_of(stripes), large)
    small, _ = align(scan_of(stripes), replace(large, view="film-224"), lungs_of(stripes))
    pairs = round((frame.box[3] - frame.box[1]) / 10)
    assert cycles(native) == pytest.approx(pairs, abs=1)
    assert cycles(small) != pytest.approx(pairs, abs=5)


def cycles(x: torch.Tensor) -> int:
    """The strongest frequency along the middle row, in cycles over its length."""
    row = x[0, 0, x.shape[2] // 2]
    return int(torch.fft.rfft(row - row.mean()).abs().argmax())


def lungs_of(pixels: np.ndarray):
    height, width = pixels.shape
    found = lungs.measure(lungs.probabilities(None)[0])
    top, left, bottom, right = (edge / lungs.SIZE for edge in found.box)
    return replace(found, box=(top * height, left * width, bottom * height, right * width))


@pytest.mark.usefixtures("lungs_found")
def test_all_that_lies_outside_the_hull_is_black_and_cannot_matter():
    pixels = np.random.default_rng(0).random((640, 512))
    written_on = pixels.copy()
    written_on[:100] = 1.0  # a marker above the lungs
    x, _ = align(scan_of(pixels), NATIVE)
    y, _ = align(scan_of(written_on), NATIVE)
    assert torch.equal(x, y)
    assert x[0, 0, 0, 0] == 0


@pytest.mark.usefixtures("lungs_found")
def test_the_outside_is_shown_where_a_card_asks_for_it():
    x, _ = align(scan_of(np.random.default_rng(0).random((640, 512))), replace(NATIVE, outside="shown"))
    assert x[0, 0, 0, :].std() > 0


@pytest.mark.usefixtures("lungs_found")
def test_the_frame_lies_on_whole_pixels_and_maps_go_back_to_it():
    scan = scan_of(np.random.default_rng(0).random((643, 511)))
    _, frame = align(scan, NATIVE)
    assert all(edge == int(edge) for edge in frame.box)
    assert frame == frame_of(scan, NATIVE)
    canvas = to_scan_space(torch.ones(14, 14), frame, outside=float("nan"))
    top, left, bottom, right = (int(edge) for edge in frame.box)
    assert canvas.shape == (643, 511)
    assert np.isfinite(canvas).sum() == (bottom - top) * (right - left)


@pytest.mark.usefixtures("lungs_found")
def test_exposure_drops_out_of_what_lies_inside():
    pixels = np.random.default_rng(1).random((300, 300))
    x, _ = align(scan_of(pixels), NATIVE)
    y, _ = align(scan_of(pixels * 0.4 + 0.3), NATIVE)
    assert torch.allclose(x, y, atol=1e-4)


def test_no_lungs_show_the_whole_film(monkeypatch):
    monkeypatch.setattr(lungs, "network", always(None))
    monkeypatch.setattr(lungs, "probabilities", always(torch.zeros(1, lungs.SIZE, lungs.SIZE)))
    monkeypatch.setattr(
        lungs, "probabilities_and_features", always((torch.zeros(1, lungs.SIZE, lungs.SIZE), None))
    )
    x, frame = align(scan_of(np.random.default_rng(2).random((100, 90))), NATIVE)
    assert frame.box == (0.0, 0.0, 100.0, 90.0)
    assert torch.isfinite(x).all()


def test_a_hull_fills_what_lies_between_two_lungs():
    mask = np.zeros((40, 40), dtype=bool)
    mask[10:30, 5:12] = mask[10:30, 28:35] = True
    hull = shapes.hull_of(mask, 0)
    assert hull[20, 20]
    assert not hull[5, 20]
    assert shapes.hull_of(mask, 3).sum() > hull.sum()
    assert shapes.hull_of(np.zeros((8, 8), dtype=bool), 3).all()


def test_stretching_inside_ignores_the_outside():
    x = torch.rand(1, 1, 60, 60, generator=torch.Generator().manual_seed(0))
    hull = torch.zeros_like(x)
    hull[..., 10:50, 10:50] = 1
    marked = torch.where(hull > 0.5, x, torch.full_like(x, 9.0))
    inside = hull > 0.5
    assert torch.equal(stretch_inside(x, hull)[inside], stretch_inside(marked, hull)[inside])


def test_the_edge_of_a_hull_is_soft_and_its_middle_is_one():
    hull = torch.zeros(1, 1, 64, 64)
    hull[..., 16:48, 16:48] = 1
    edge = soft_edge(hull)
    assert edge[0, 0, 32, 32] == 1
    assert edge[0, 0, 0, 0] == 0
    assert ((edge > 0) & (edge < 1)).any()


def test_what_the_network_sees_of_a_phantom_is_its_lungs():
    scan = scan_of(chest.chest())
    x, frame = align(scan, NATIVE)
    assert x.shape == (1, 1, 224, 224)
    assert denormalise(x, NATIVE).min() >= -0.2
    assert frame.shape == scan.pixels.shape
