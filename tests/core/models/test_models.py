"""What every network in the registries promises."""

from collections.abc import Callable

import pytest
import torch
from safetensors.torch import load
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from core import checkpoints
from core.detectors import DETECTORS
from core.errors import CardError
from core.explainers import EXPLAINERS, FAST
from core.models import ENSEMBLES, FROZEN_BASE_MODELS, MODELS, SEGMENTERS, Classifier, FrozenBaseClassifier
from core.models.adapted import AdaptedTransformer, AnotherHead
from core.models.backbones import BACKBONES, Backbone, VisionTransformer
from core.models.cnn import CNN
from core.models.cnn_transformer import places
from core.models.ensemble import ClassifierEnsemble, Member
from core.models.frozen import DenseHead, FrozenResNet50, LinearHead, LinearProbe, NormalVersusRest
from core.models.knn import KNN
from core.models.local_evidence import LocalEvidence, LungEvidence
from core.models.torchvision_nets import MobileNetV2
from core.models.unet import UNet
from core.resample import resize
from core.types import InputSpec
from tests.core.explainers.brief import BRIEF


class Still(Backbone):
    """A backbone in miniature: two convolutions of random weights, on the grid of the real one."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.grid, self.widths = BACKBONES[name].grid, BACKBONES[name].widths
        self.eyes = nn.ModuleList(nn.Conv2d(3, width, 3) for width in self.widths)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(F.adaptive_avg_pool2d(eye(x).relu(), self.grid) for eye in self.eyes)


def frozen_base_model(name: str) -> FrozenBaseClassifier:
    """A network that stands on another, with a small stand-in under it."""
    below = {"local-evidence": MobileNetV2(classes=3), "lung-evidence": CNN(classes=3, width=96)}.get(
        name, CNN(classes=3, width=8)
    )
    made: dict[str, Callable[[], FrozenBaseClassifier]] = {
        "resnet50-frozen": lambda: FrozenResNet50(classes=3),
        "probe": lambda: LinearProbe(of="dinov2-vits14", classes=3),
        "dense-head": lambda: DenseHead(of="below@0", width=64, classes=3),
        "summed": lambda: NormalVersusRest(of="below@0"),
        "adapted-transformer": lambda: AdaptedTransformer(rank=2, classes=3),
        "linear-head": lambda: LinearHead(of="below@0", width=64, classes=3),
        "another-head": lambda: AnotherHead(of="below@0", width=64, classes=3),
        "local-evidence": lambda: LocalEvidence(of="below@0", classes=3, width=8),
        "lung-evidence": lambda: LungEvidence(of="below@0", classes=3, width=8),
        "knn": lambda: KNN(of="below@0", cases=9, width=64, classes=3, k=3, temperature=0.1, prior=0.1),
    }
    model = made[name]()
    eyes = (
        VisionTransformer()
        if name == "adapted-transformer"
        else Still(model.of)
        if model.of in BACKBONES
        else below
    )
    model.set_base(eyes)
    if isinstance(model, KNN):
        known = F.normalize(torch.rand(9, 64, generator=Generator().manual_seed(2)), dim=1)
        model.fit(known, torch.arange(9) % 3)
    return model


@pytest.fixture(params=sorted([*MODELS, *FROZEN_BASE_MODELS]), scope="module")
def built(request: pytest.FixtureRequest) -> tuple[Classifier, Tensor]:
    """A network, and a batch of two for it."""
    torch.manual_seed(0)
    name: str = request.param
    model = frozen_base_model(name) if name in FROZEN_BASE_MODELS else MODELS[name](classes=3)
    channels = 3 if name in FROZEN_BASE_MODELS and model.of in BACKBONES else 1  # type: ignore[union-attr]
    x = torch.rand(2, channels, 96, 96, generator=Generator().manual_seed(1))
    return model.eval().requires_grad_(False), x


def test_head_over_features_is_forward(built: tuple[Classifier, Tensor]):
    model, x = built
    assert torch.equal(model.head(model.features(x)), model(x))


def test_features_are_a_grid_and_logits_one_per_class(built: tuple[Classifier, Tensor]):
    model, x = built
    f = model.features(x)
    assert f.ndim == 4
    assert f.shape[2] == f.shape[3] > 1
    assert model(x).shape == (2, 2 if isinstance(model, NormalVersusRest) else 3)
    assert model.embed(x).shape == (2, f.shape[1])


def test_the_head_changes_nothing_in_place(built: tuple[Classifier, Tensor]):
    model, x = built
    f = model.features(x)
    version, before = f._version, f.clone()
    model.head(f)
    assert f._version == version
    assert torch.equal(f, before)


def test_a_scan_is_judged_alike_alone_and_in_a_batch(built: tuple[Classifier, Tensor]):
    model, x = built
    assert torch.allclose(model(x)[:1], model(x[:1]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", sorted(EXPLAINERS))
def test_every_explainer_works_on_every_model(built: tuple[Classifier, Tensor], method: str):
    model, x = built
    heat = EXPLAINERS[method](model, x[:1], 1, **BRIEF.get(method, {}))
    assert heat.ndim == 2
    assert (heat >= 0).all()
    assert torch.isfinite(heat).all()
    assert not heat.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(not module._forward_hooks and not module._backward_hooks for module in model.modules())


@pytest.mark.parametrize("name", sorted(MODELS))
def test_films_in_colour_have_a_network_too(name: str):
    torch.manual_seed(0)
    assert MODELS[name](channels=3).eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 2)


@pytest.mark.parametrize(("name", "most"), [("alexnet", 3e6), ("vgg16", 15.5e6)])
def test_heads_are_small(name: str, most: float):
    assert sum(parameter.numel() for parameter in MODELS[name]().parameters()) < most


@pytest.mark.parametrize("name", sorted(FROZEN_BASE_MODELS))
def test_what_is_borrowed_is_neither_stored_nor_trained(name: str):
    model = frozen_base_model(name).train()
    assert not model.base.training
    assert not any(parameter.requires_grad for parameter in model.base.parameters())
    assert not any(key.startswith("base.") for key in load(checkpoints.pack(model)))


def test_weights_differ_when_what_they_stand_on_does():
    files = {checkpoints.pack(NormalVersusRest(of=f"below@{start}")) for start in "12"}
    files |= {checkpoints.pack(ClassifierEnsemble(members=f"one@1 other@{start}")) for start in "12"}
    assert len(files) == 4


def test_a_borrower_without_its_network_says_what_it_needs():
    with pytest.raises(CardError, match="resnet50"):
        FrozenResNet50()(torch.zeros(1, 3, 64, 64))


def test_summed_probabilities_are_the_sum_of_the_abnormal_ones():
    torch.manual_seed(0)
    below = CNN(classes=3, width=4).eval()
    summed = NormalVersusRest(of="below@0").eval()
    summed.set_base(below)
    x = torch.rand(4, 1, 64, 64)
    three, two = below(x).softmax(1), summed(x).softmax(1)
    assert torch.allclose(two[:, 1], three[:, 1:].sum(1), atol=1e-6)


def test_the_map_of_local_evidence_is_the_evidence_and_its_hottest_place_the_answer():
    model = frozen_base_model("local-evidence").eval()
    x = torch.rand(1, 1, 96, 96, generator=Generator().manual_seed(1))
    f = model.features(x)
    with torch.no_grad():
        model.last.weight[1, :, 0, 0] = f.mean((0, 2, 3))  # so that some places speak for it
    heat = EXPLAINERS["grad-cam"](model, x, 2)
    evidence = (model.evidence(f)[0, 1] - model.last.bias[1]).relu()
    assert torch.allclose(heat / heat.max(), evidence / evidence.max(), atol=1e-4)
    more = f.clone()
    more[0, :, 3, 4] += 500 * model.last.weight[1, :, 0, 0]  # one place says so
    assert model.head(more)[0, 2] > model.head(f)[0, 2] + 1
    assert not model.head(f)[0, 0]


def test_what_is_of_the_whole_film_counts_and_no_map_shows_it():
    model = frozen_base_model("lung-evidence").eval()
    x = torch.rand(1, 1, 96, 96, generator=Generator().manual_seed(1))
    with torch.no_grad():
        said, places = model(x), model.places(model.features(x))
        assert torch.allclose(said - places, model.base_classifier()(x), atol=1e-5)
        shown = {name: EXPLAINERS[name](model, x, 2) for name in FAST}
        model.film.zero_()
        assert torch.allclose(model(x), places, atol=1e-5)
    assert all(torch.equal(EXPLAINERS[name](model, x, 2), heat) for name, heat in shown.items())


def test_an_ensemble_is_the_mean_of_log_probabilities_on_each_members_own_input():
    torch.manual_seed(0)
    small, large = CNN(width=4).eval(), CNN(width=4, channels=3).eval()
    specs = [InputSpec(64, 1, (0.5,), (0.25,), "lungs"), InputSpec(96, 3, (0.4,) * 3, (0.2,) * 3, "lungs")]
    ensemble = ClassifierEnsemble(members="small@0 large@0").eval()
    with pytest.raises(CardError, match="small@0, large@0"):
        ensemble(torch.zeros(1, 1, 96, 96))
    ensemble.set_members([Member(n, s, {}) for n, s in zip((small, large), specs, strict=True)])
    x = torch.rand(2, 1, 96, 96)
    alone = [
        small((resize(x, 64, 64) - 0.5) / 0.25).log_softmax(1),
        large((x.expand(-1, 3, -1, -1) - 0.4) / 0.2).log_softmax(1),
    ]
    assert torch.allclose(ensemble(x), torch.stack(alone).mean(0), atol=1e-5)


def test_sharpness_sees_no_anatomy():
    torch.manual_seed(0)
    bands = MODELS["bands"](channels=1).eval()
    x = torch.rand(1, 1, 96, 96)
    assert torch.allclose(bands(x), bands(x.flip(2)), atol=1e-5)


def test_tokens_lie_where_their_cells_lay():
    torch.manual_seed(0)
    model = MODELS["swin"](channels=1).eval().requires_grad_(False)
    x = torch.zeros(1, 1, 128, 64)
    assert model.features(x).shape[2:] == (4, 2)  # rows stay rows
    marks = places(torch.zeros(1, 128, 3, 5))
    assert torch.equal(marks[0, :64, 1, 0], marks[0, :64, 1, 4])  # the first half says the row
    assert torch.equal(marks[0, 64:, 0, 3], marks[0, 64:, 2, 3])  # the second half says the column
    assert not torch.equal(marks[0, :64, 0, 0], marks[0, :64, 1, 0])


def test_the_unet_returns_one_logit_per_pixel_whatever_the_exposure():
    torch.manual_seed(0)
    network = UNet().eval()
    x = torch.rand(2, 1, 128, 128, generator=torch.Generator().manual_seed(1))
    logits = network(x)
    assert logits.shape == (2, 1, 128, 128)
    darker = network(x * 0.5 + 0.1)
    assert torch.allclose(logits, darker, atol=0.1)


def test_no_two_kinds_of_network_share_a_name():
    registries = (MODELS, FROZEN_BASE_MODELS, ENSEMBLES, DETECTORS, SEGMENTERS)
    names = [name for registry in registries for name in registry]
    shared = {name for name in names if names.count(name) > 1}
    assert shared == set()
