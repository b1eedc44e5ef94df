"""What every detector in the registry promises."""

import pytest
import torch

from core.detectors import DETECTORS, Detector, TrainedDetector
from core.detectors.autoencoder import Autoencoder

X = torch.rand(3, 1, 96, 96, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=sorted(DETECTORS))
def detector(request: pytest.FixtureRequest) -> Detector:
    torch.manual_seed(0)
    return DETECTORS[request.param](size=96).eval().requires_grad_(False)


def test_one_score_and_one_map_per_scan(detector: Detector):
    output = detector.score(X)
    assert output.score.shape == (3,)
    assert output.map.shape[0] == 3
    assert (output.map >= 0).all()
    if output.reconstruction is not None:
        assert output.reconstruction.shape == X.shape


def test_the_score_is_deterministic(detector: Detector):
    assert torch.equal(detector.score(X).score, detector.score(X).score)


def test_a_trained_detector_has_a_loss_to_learn_from():
    torch.manual_seed(0)
    for build in DETECTORS.values():
        network = build(size=96)
        if isinstance(network, TrainedDetector):
            network.loss(X).backward()
            assert all(parameter.grad is not None for parameter in network.parameters())


def test_calibrated_normals_deviate_by_one_standard_deviation():
    torch.manual_seed(0)
    network = Autoencoder().eval().requires_grad_(False)
    normals = torch.rand(200, 1, 96, 96, generator=torch.Generator().manual_seed(2))
    network.calibrate([normals[:100], normals[100:]])
    # the mean squared deviation of the very set that was calibrated on is 1, but for the floor under std
    assert network.score(normals).score.mean().item() == pytest.approx(1, abs=0.03)


def test_a_bright_patch_stands_out_where_it_is():
    torch.manual_seed(0)
    network = Autoencoder().eval().requires_grad_(False)
    normals = torch.rand(50, 1, 96, 96, generator=torch.Generator().manual_seed(2))
    network.calibrate([normals])
    ill = normals[:1].clone()
    ill[..., 20:40, 50:70] = 9.0
    output = network.score(ill)
    assert output.score > network.score(normals).score.max()
    row, column = divmod(int(output.map[0].argmax()), 96)
    assert 20 <= row < 40
    assert 50 <= column < 70
