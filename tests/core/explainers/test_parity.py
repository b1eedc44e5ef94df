"""The same maps as pytorch-grad-cam and captum, on the networks that both can read."""

import numpy as np
import pytest
import torch
import torchvision
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from core.explainers import EXPLAINERS, grad_cam, integrated_gradients, occlusion, score_cam
from core.models import MODELS, Classifier
from core.models.torchvision_nets import DenseNet121

pytorch_grad_cam = pytest.importorskip("pytorch_grad_cam")
captum_attr = pytest.importorskip("captum.attr")

SIDE = 96
# The module whose output is the grid that the cut hands to the head.
LAST = {
    "resnet50": lambda model: model.net.layer4,
    "vgg16": lambda model: model.layers,
    "alexnet": lambda model: model.layers,
    "swin": lambda model: model.norm,
    "densenet121": lambda model: model.relu,
}
CAMS = {
    "grad-cam": "GradCAM",
    "grad-cam++": "GradCAMPlusPlus",
    "hires-cam": "HiResCAM",
    "layer-cam": "LayerCAM",
}


def network(name: str) -> Classifier:
    torch.manual_seed(0)
    model = MODELS[name](classes=3, channels=3).eval()
    with torch.no_grad():  # untrained ones may answer alike for all classes: let them differ
        for parameter in list(model.parameters())[-2:]:
            parameter.normal_(generator=torch.Generator().manual_seed(1))
    return model


@pytest.fixture(params=[name for name in sorted(LAST) if name != "densenet121"], scope="module")
def named(request: pytest.FixtureRequest) -> tuple[str, Classifier]:
    return request.param, network(request.param)


@pytest.fixture(scope="module")
def film() -> Tensor:
    return torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def scaled(grid: Tensor) -> NDArray[np.float32]:
    """Ours after the library's scaling: to [0, 1] on the grid, bilinear to the film, to [0, 1] again."""
    fine = F.interpolate(_unit(grid)[None, None], size=(SIDE, SIDE), mode="bilinear")[0, 0]
    return _unit(fine).numpy()


def _unit(x: Tensor) -> Tensor:
    return (x - x.min()) / (1e-7 + (x - x.min()).max())


def theirs(cls: str, model: nn.Module, layer: nn.Module, x: Tensor, target: int, *, tokens: bool = False):
    back = (lambda t: t.permute(0, 3, 1, 2)) if tokens else None
    with getattr(pytorch_grad_cam, cls)(model, [layer], reshape_transform=back) as cam:
        return cam(input_tensor=x, targets=[lambda logits: logits[target]])[0]


def warm_target(method: str, model: Classifier, x: Tensor, **options: int) -> int:
    """A class that has evidence: one without gives an empty map, which proves nothing."""
    return next(k for k in range(3) if EXPLAINERS[method](model, x, k, **options).max() > 0)


@pytest.mark.parametrize("method", sorted(CAMS))
def test_cams_equal_pytorch_grad_cams(named: tuple[str, Classifier], film: Tensor, method: str):
    name, model = named
    target = warm_target(method, model, film)
    ours = scaled(EXPLAINERS[method](model, film, target))
    library = theirs(CAMS[method], model, LAST[name](model), film, target, tokens=name == "swin")
    assert np.abs(ours - library).max() < 1e-4


def test_score_cam_of_all_maps_equals_pytorch_grad_cams(film: Tensor):
    model = network("alexnet")  # its 256 maps take seconds; 2048 of a ResNet-50 take minutes
    ours = scaled(score_cam(model, film, 1, channels=256))
    library = theirs("ScoreCAM", model, LAST["alexnet"](model), film, 1)
    assert np.abs(ours - library).max() < 1e-4


@pytest.mark.parametrize("name", ["resnet50", "vgg16", "alexnet"])  # captum takes Swin's tokens for maps
def test_grad_cam_equals_captums(name: str, film: Tensor):
    model = network(name)
    target = warm_target("grad-cam", model, film)
    library = captum_attr.LayerGradCam(model, LAST[name](model)).attribute(film, target=target)
    ours = grad_cam(model, film, target)
    assert torch.allclose(_unit(ours), _unit(library.detach()[0, 0].relu()), atol=1e-4)


def test_occlusion_equals_captums(named: tuple[str, Classifier], film: Tensor):
    _, model = named
    window, stride = 40, 28  # the last window reaches over the edge
    target = warm_target("occlusion", model, film, window=window, stride=stride)
    library = captum_attr.Occlusion(model).attribute(
        film,
        target=target,
        sliding_window_shapes=(3, window, window),
        strides=(3, stride, stride),
        baselines=0,
    )
    ours = occlusion(model, film, target, window=window, stride=stride)
    assert torch.allclose(_unit(ours), _unit(library.detach()[0, 0].relu()), atol=1e-4)


def test_integrated_gradients_equal_captums(named: tuple[str, Classifier], film: Tensor):
    _, model = named
    target = warm_target("integrated-gradients", model, film, steps=2)
    library = captum_attr.IntegratedGradients(model).attribute(film, target=target, n_steps=6)
    ours = integrated_gradients(model, film, target, steps=6, patch=1)
    assert torch.allclose(_unit(ours), _unit(library.detach().sum(1)[0].relu()), atol=1e-4)


class Published(nn.Module):
    """torchvision's DenseNet121 as it stands: its last ReLU writes over what norm5 handed on."""

    def __init__(self, model: DenseNet121) -> None:
        super().__init__()
        self.net = torchvision.models.densenet121(weights=None, num_classes=3)
        self.net.features, self.net.classifier = model.layers, model.classifier

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def test_densenet_differs_in_the_library_because_its_relu_overwrites_the_stored_maps(film: Tensor):
    model = network("densenet121")
    published = Published(model)
    assert torch.allclose(published(film), model(film), atol=1e-5)  # the same network
    target = warm_target("grad-cam", model, film)
    library = theirs("GradCAM", published, model.layers, film, target)
    assert np.abs(scaled(grad_cam(model, film, target)) - library).max() > 1e-2

    # What the library saw: maps after the ReLU, beside gradients from before it.
    with torch.no_grad():
        before = model.layers(film)
    before.requires_grad_()
    logit = model.head(before.relu())[0, target]
    (gradients,) = torch.autograd.grad(logit, before)
    mixed = (gradients.mean((2, 3), keepdim=True) * before.relu()).sum(1)[0].relu().detach()
    assert np.abs(scaled(mixed) - library).max() < 1e-4

    # Asked for the output of a ReLU that keeps its input, the library draws our map.
    kept = theirs("GradCAM", model, model.relu, film, target)
    assert np.abs(scaled(grad_cam(model, film, target)) - kept).max() < 1e-4
