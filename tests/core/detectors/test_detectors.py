"""What every detector in the registry promises."""

import pytest
import torch
from torch import Generator, Tensor

from core.detectors import BACKBONES, DETECTORS, Backbone, Detector, FeatureDetector, TrainedDetector
from core.detectors.autoencoder import Autoencoder
from core.detectors.convlstm import ConvLSTMCell
from core.detectors.denoising_autoencoder import DenoisingAutoencoder
from core.detectors.ensemble import DetectorEnsemble
from core.detectors.opacity import LungOpacity
from core.detectors.patchcore import PatchCore, farthest_first
from core.detectors.sharpness import Sharpness
from core.detectors.vae import VariationalAutoencoder
from core.errors import CardError

VIT = {"backbone": "dinov2-vits14"}
ARGUMENTS: dict[str, dict[str, str | int]] = {
    "convlstm": {"size": 64},
    "detail": {"size": 96},
    "mean-film": {"size": 96},
    "detail-alone": {"size": 96},
    "mahalanobis": VIT,
    "patchcore": {**VIT, "patches": 20},
    "ensemble": {"members": "one@ab two@cd"},
}


class Projected(Backbone):
    """Stands in for a pretrained one: mean colours of each place, spread over as many channels."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.grid, self.widths = BACKBONES[name].grid, BACKBONES[name].widths
        generator = Generator().manual_seed(0)
        self.spread = [torch.randn(width, 3, generator=generator) for width in self.widths]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        small = torch.nn.functional.adaptive_avg_pool2d(x, self.grid)
        return tuple(torch.einsum("nchw,dc->ndhw", small, spread) for spread in self.spread)


def build(name: str) -> Detector:
    torch.manual_seed(0)
    detector = DETECTORS[name](**ARGUMENTS.get(name, {"size": 96})).eval().requires_grad_(False)
    if isinstance(detector, FeatureDetector):
        detector.set_backbone(Projected(detector.backbone))
    if isinstance(detector, DetectorEnsemble):
        detector.set_members([build("autoencoder"), build("vae")])
    return detector


def scans(detector: Detector, count: int = 3, seed: int = 1) -> Tensor:
    """Noise of the size and channels that the detector wants."""
    channels = 3 if isinstance(detector, FeatureDetector) else 1
    side = 64 if detector.__class__.__name__.startswith("ConvLSTM") else 96
    return torch.rand(count, channels, side, side, generator=Generator().manual_seed(seed))


@pytest.fixture(params=sorted(DETECTORS))
def detector(request: pytest.FixtureRequest) -> Detector:
    return build(request.param)


def test_one_score_and_one_map_per_scan(detector: Detector):
    x = scans(detector)
    output = detector.score(x)
    assert output.score.shape == (3,)
    assert output.map.shape[0] == 3
    assert output.map.ndim == 3
    assert (output.map >= 0).all()
    if output.reconstruction is not None:
        assert output.reconstruction.shape == x.shape


def test_the_score_is_deterministic(detector: Detector):
    x = scans(detector)
    assert torch.equal(detector.score(x).score, detector.score(x).score)


def test_a_scan_scores_the_same_alone_and_among_others(detector: Detector):
    x = scans(detector)
    together = detector.score(x).score
    alone = torch.cat([detector.score(row[None]).score for row in x])
    assert alone == pytest.approx(together, abs=1e-4)


def test_a_trained_detector_has_a_loss_to_learn_from():
    for name, kind in DETECTORS.items():
        if issubclass(kind, TrainedDetector):
            network = build(name).train().requires_grad_(True)
            network.loss(scans(network)).backward()
            assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("name", ["mahalanobis", "patchcore"])
def test_a_fitted_detector_finds_the_unlike_scan(name: str):
    detector = build(name)
    normals = scans(detector, 24, seed=2)
    detector.fit([normals[:12], normals[12:]])
    detector.calibrate([normals])
    unlike = scans(detector, 1, seed=3)
    unlike[..., 40:70, 40:70] = 4.0
    assert detector.score(unlike).score > detector.score(scans(detector, 8, seed=4)).score.max()
    row, column = divmod(int(detector.score(unlike).map[0].argmax()), 16)
    assert 5 <= row <= 12
    assert 5 <= column <= 12


def test_a_forgiven_change_counts_for_less():
    normals = torch.rand(40, 3, 96, 96, generator=Generator().manual_seed(2))
    brighter = normals[:8] + 0.05
    strict, lenient = build("mahalanobis"), build("mahalanobis")
    strict.fit([normals])
    lenient.fit([normals], [(normals[:8], brighter)])
    assert lenient.score(brighter).score.mean() < strict.score(brighter).score.mean() - 0.5


def test_a_detector_without_its_backbone_says_which_it_needs():
    with pytest.raises(CardError, match="resnet50"):
        PatchCore(backbone="resnet50").score(torch.zeros(1, 3, 96, 96))


def test_a_backbone_is_not_stored_with_its_detector():
    detector = build("patchcore")
    assert isinstance(detector, PatchCore)
    assert not [name for name in detector.state_dict() if "loaded" in name or "backbone" in name]
    assert detector.memory.shape == (20, 384)


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_a_backbone_keeps_its_word_on_sizes(name: str):
    torch.manual_seed(0)
    network = BACKBONES[name]().eval().requires_grad_(False)
    maps = network(torch.rand(1, 3, 224, 224))
    assert [m.shape for m in maps] == [(1, width, network.grid, network.grid) for width in network.widths]


def test_farthest_first_takes_the_corners_before_the_middle():
    rows = torch.tensor([[0.0, 0.0], [0.1, 0.0], [0.0, 9.0], [9.0, 0.0], [4.0, 4.0]])
    assert set(farthest_first(rows, 3, Generator().manual_seed(0)).tolist()) == {0, 2, 3}


def test_the_mean_of_members_is_in_their_standard_deviations():
    one, two = build("autoencoder"), build("vae")
    together = DetectorEnsemble(members="one@ab two@cd")
    together.set_members([one, two])
    normals = torch.rand(30, 1, 96, 96, generator=Generator().manual_seed(2))
    with torch.inference_mode():
        together.fit([normals[:15], normals[15:]])
        assert together.score(normals).score.mean() == pytest.approx(0, abs=1e-4)
        expected = [(d.score(normals).score - d.score(normals).score.mean()) for d in (one, two)]
        expected = torch.stack([e / e.std(correction=0) for e in expected]).mean(0)
        assert together.score(normals).score == pytest.approx(expected, abs=1e-3)


def test_an_ensemble_asks_as_many_as_it_has():
    with pytest.raises(CardError, match="2 members, not 1"):
        DetectorEnsemble(members="one@ab two@cd").set_members([build("vae")])


def test_blur_takes_detail_away_and_raises_the_yardstick():
    from train.data.augment import blur

    x = torch.rand(2, 1, 224, 224, generator=Generator().manual_seed(1))
    assert (Sharpness().score(blur(x, 1.0)).score > Sharpness().score(x).score).all()


def test_exposure_does_not_move_the_yardstick_between_films():
    x = torch.rand(2, 1, 224, 224, generator=Generator().manual_seed(1))
    plain, pale = (Sharpness().score(film).score for film in (x, 0.5 * x + 0.2))
    assert float(pale[1] - pale[0]) == pytest.approx(float(plain[1] - plain[0]), abs=1e-3)


def test_a_vae_scores_by_its_mean_even_while_it_learns_by_samples():
    torch.manual_seed(0)
    network = VariationalAutoencoder().eval()
    x = torch.rand(2, 1, 96, 96)
    with torch.inference_mode():
        assert torch.equal(network.loss(x), network.loss(x))
        assert torch.equal(network.score(x).score, network.score(x).score)


def test_the_restoring_score_counts_bright_places_only():
    network = build("restoring")
    assert isinstance(network, DenoisingAutoencoder)
    normals = scans(network, 30, seed=2) * 0.1
    network.calibrate([normals])
    bright, dark = normals[:4].clone(), normals[:4].clone()
    bright[..., 30:60, 30:60] += 1
    dark[..., 30:60, 30:60] -= 1
    usual = network.score(normals[:4]).score
    assert (network.score(bright).score > usual).all()
    assert (network.score(bright).score > network.score(dark).score).all()


def test_a_veiled_side_is_an_opacity():
    detector = LungOpacity(size=96)
    normals = scans(detector, 60, seed=2)
    weight = torch.zeros(96, 96)
    weight[20:70, 10:40] = weight[20:70, 56:86] = 1

    def veiled(x: Tensor, share: float) -> Tensor:
        ill = x.clone()
        ill[..., 40:70, 10:40] += share * (1 - ill[..., 40:70, 10:40])
        return ill

    detector.set_spatial_weights(weight)
    detector.fit([normals])
    detector.calibrate([normals])
    fresh = scans(detector, 8, seed=5)
    assert detector.score(veiled(fresh, 0.3)).score.min() > detector.score(fresh).score.max()
    row, column = divmod(int(detector.score(veiled(fresh[:1], 0.5)).map[0].argmax()), 56)
    assert 23 <= row <= 41
    assert 5 <= column <= 24


def test_an_lstm_cell_remembers_the_frame_before():
    torch.manual_seed(0)
    cell = ConvLSTMCell(2, 3)
    frames = torch.rand(1, 2, 2, 4, 4)
    both = cell(frames)
    assert both.shape == (1, 2, 3, 4, 4)
    assert torch.equal(both[:, :1], cell(frames[:, :1]))
    assert not torch.allclose(both[:, 1:], cell(frames[:, 1:]))


def test_calibrated_normals_deviate_by_one_standard_deviation():
    torch.manual_seed(0)
    network = Autoencoder().eval().requires_grad_(False)
    normals = torch.rand(200, 1, 96, 96, generator=Generator().manual_seed(2))
    network.calibrate([normals[:100], normals[100:]])
    # the mean squared deviation of the very set that was calibrated on is 1, but for the floor under std
    assert network.score(normals).score.mean().item() == pytest.approx(1, abs=0.03)


def test_a_bright_patch_stands_out_where_it_is():
    torch.manual_seed(0)
    network = Autoencoder().eval().requires_grad_(False)
    normals = torch.rand(50, 1, 96, 96, generator=Generator().manual_seed(2))
    network.calibrate([normals])
    ill = normals[:1].clone()
    ill[..., 20:40, 50:70] = 9.0
    output = network.score(ill)
    assert output.score > network.score(normals).score.max()
    row, column = divmod(int(output.map[0].argmax()), 96)
    assert 20 <= row < 40
    assert 50 <= column < 70


def test_patchcore_looks_at_the_depth_it_is_told():
    deep = PatchCore(backbone="dinov2-vits14", patches=20, depth=1)
    deep.set_backbone(Projected("dinov2-vits14"))
    shallow = PatchCore(backbone="dinov2-vits14", patches=20)
    shallow.set_backbone(Projected("dinov2-vits14"))
    x = scans(deep)
    assert not torch.equal(deep.score(x).score, shallow.score(x).score)
