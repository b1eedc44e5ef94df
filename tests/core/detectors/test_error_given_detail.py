"""Error given detail: blind to how much detail a scan has, awake to what it should not have."""

import pytest
import torch
from torch import Generator, Tensor

from core.detectors import DETECTORS, Detector, TrainedDetector
from core.detectors.convlstm import ConvLSTMAutoencoder, coarse_to_fine
from core.detectors.error_given_detail import CELL, ErrorGivenDetail, ReconstructionDetector

SIDE = 32
NETWORKS = (name for name, kind in DETECTORS.items() if issubclass(kind, TrainedDetector))
REBUILDING = [name for name in NETWORKS if issubclass(DETECTORS[name], ReconstructionDetector)]


def maps(count: int, seed: int, excess: float = 1.0) -> tuple[Tensor, Tensor]:
    """Scans of any amount of detail whose error is its square root, times `excess`: (N, 1, SIDE, SIDE)."""
    generator = Generator().manual_seed(seed)
    detail = torch.exp(torch.randn(count, 1, 1, 1, generator=generator)).expand(-1, 1, SIDE, SIDE)
    noise = torch.exp(0.1 * torch.randn(count, 1, SIDE, SIDE, generator=generator))
    return excess * detail.sqrt() * noise, detail


def fitted() -> ErrorGivenDetail:
    given = ErrorGivenDetail(SIDE)
    given.fit([maps(200, seed=1), maps(200, seed=2)])
    given.calibrate([maps(200, seed=3)])
    return given


def test_the_slope_of_log_error_on_log_detail_is_found():
    assert fitted().slope == pytest.approx(torch.full((1, 4, 4), 0.5), abs=0.01)


def test_noise_in_the_detail_of_cells_does_not_flatten_the_slope():
    given = ErrorGivenDetail(8 * SIDE)
    generator = Generator().manual_seed(7)
    whole = torch.randn(300, 1, 1, 1, generator=generator)
    noise = torch.randn(300, 1, SIDE, SIDE, generator=generator).repeat_interleave(CELL, 2)
    detail = torch.exp(whole + noise.repeat_interleave(CELL, 3))
    error = torch.exp(0.5 * whole).expand_as(detail)  # by itself a cell would be given half of that slope
    given.fit([(error, detail)])
    assert given.slope == pytest.approx(torch.full_like(given.slope, 0.5), abs=0.05)


def test_normal_scans_score_zero_whatever_their_detail():
    given = fitted()
    error, detail = maps(300, seed=4)
    score = given.score(given(error, detail))
    assert float(score.mean()) == pytest.approx(0, abs=0.15)
    assert abs(float(torch.corrcoef(torch.stack([score, detail[:, 0, 0, 0].log()]))[0, 1])) < 0.2


def test_more_error_than_the_detail_explains_scores_high():
    given = fitted()
    usual, more = (given.score(given(*maps(50, seed=5, excess=excess))) for excess in (1.0, 1.2))
    assert float(more.min()) > float(usual.max())


def test_cells_outside_the_region_do_not_count():
    given, weight = fitted(), torch.zeros(SIDE, SIDE)
    weight[: SIDE // 2] = 1
    given.set_region(weight)
    error, detail = maps(1, seed=6)
    elsewhere = error.clone()
    elsewhere[..., SIDE // 2 :, :] *= 9
    assert torch.equal(given(error, detail), given(elsewhere, detail))
    assert given(error, detail)[0, SIDE // 2 // CELL :].abs().sum() == 0


@pytest.mark.parametrize("name", REBUILDING)
def test_weights_from_before_load_and_score_as_before(name: str):
    torch.manual_seed(0)
    old = DETECTORS[name](size=64).eval()
    again = DETECTORS[name](size=64).eval()
    again.load_state_dict(old.state_dict())
    x = torch.rand(2, 1, 64, 64)
    assert torch.equal(old.score(x).score, again.score(x).score)
    assert not any(key.startswith("given") for key in old.state_dict())


@pytest.mark.parametrize("name", REBUILDING)
def test_the_raw_error_stays_a_second_score(name: str):
    torch.manual_seed(0)
    network: Detector = DETECTORS[name](size=64, given_detail=True).eval().requires_grad_(False)
    assert isinstance(network, ReconstructionDetector)
    assert network.given is not None
    x = torch.rand(40, 1, 64, 64)
    network.given.fit([network.error_and_detail(x)])
    network.given.calibrate([network.error_and_detail(x)])
    output = network.score(x)
    assert float(output.score.mean()) == pytest.approx(0, abs=1e-3)
    assert output.map.shape == (40, 64 // CELL, 64 // CELL)
    assert not torch.allclose(output.score, network.raw(x).score)


def test_a_pyramid_grows_from_coarse_to_the_film_itself():
    x = torch.rand(2, 1, 64, 64)
    levels = coarse_to_fine(x, 4)
    assert levels.shape == (2, 5, 1, 64, 64)
    assert torch.equal(levels[:, -1], x)
    variation = levels.diff(dim=-1).abs().mean((0, 2, 3, 4))
    assert torch.equal(variation, variation.sort().values)


def test_a_convlstm_of_four_steps_never_sees_what_it_foretells():
    torch.manual_seed(0)
    network = ConvLSTMAutoencoder(size=64, width=8, steps=4).eval().requires_grad_(False)
    x = torch.rand(1, 1, 64, 64)
    checkered = x + 0.1 * (torch.arange(64) % 2 - 0.5)  # gone at half the resolution
    assert network.foretell(checkered)[2] == pytest.approx(network.foretell(x)[2], abs=1e-5)
    assert network.error_and_detail(x)[0].shape == (1, 4, 64, 64)


def test_a_cell_that_is_the_same_in_all_normals_leaves_the_score_a_number():
    given = ErrorGivenDetail(16)
    still = torch.zeros(4, 1, 16, 16)
    given.fit([(still, still)])
    given.calibrate([(still, still)])
    assert given.score(given(still, still)).tolist() == [0.0] * 4
