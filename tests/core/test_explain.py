import threading

import pytest
import torch
from torch import Tensor, nn

from core.explain import grad_cam
from core.models.base import Classifier
from core.models.cnn import CNN


class TwoMaps(Classifier):
    """Features are the input; the logit of class 1 is 2 * sum(map 0) - 3 * sum(map 1)."""

    def features(self, x: Tensor) -> Tensor:
        return x.clone()

    def head(self, f: Tensor) -> Tensor:
        one = 2 * f[:, 0].sum((1, 2)) - 3 * f[:, 1].sum((1, 2))
        return torch.stack([-one, one], dim=1)


def test_grad_cam_weights_maps_by_their_mean_gradient():
    maps = torch.tensor([[[[1.0, 0.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 1.0]]]])
    # class 1: relu(2 * map0 - 3 * map1)
    assert torch.equal(grad_cam(TwoMaps(), maps, 1), torch.tensor([[2.0, 0.0], [1.0, 0.0]]))
    # class 0: relu(-2 * map0 + 3 * map1)
    assert torch.equal(grad_cam(TwoMaps(), maps, 0), torch.tensor([[0.0, 3.0], [0.0, 1.0]]))


def test_grad_cam_equals_the_librarys_after_its_scaling():
    library = pytest.importorskip("pytorch_grad_cam")
    torch.manual_seed(0)
    model = CNN().eval()
    x = torch.rand(1, 1, 160, 160)
    target = next(t for t in (0, 1) if grad_cam(model, x, t).max() > 0)  # untrained: one may be all cold
    ours = grad_cam(model, x, target)
    targets = [lambda logits: logits[target]]
    with library.GradCAM(model=_Sequential(model), target_layers=[model.blocks[-1]]) as cam:
        theirs = torch.from_numpy(cam(input_tensor=x, targets=targets)[0])
    scaled = torch.nn.functional.interpolate(ours[None, None], size=(160, 160), mode="bilinear")[0, 0]
    scaled = (scaled - scaled.min()) / (scaled.max() - scaled.min())
    assert torch.corrcoef(torch.stack([scaled.flatten(), theirs.flatten()]))[0, 1] > 0.999


class _Sequential(nn.Module):
    """The library hooks a layer and calls the model; the cut stays out of its way."""

    def __init__(self, model: CNN) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


def test_threads_on_one_shared_model_draw_the_same_maps():
    torch.manual_seed(0)
    model = CNN().eval().requires_grad_(False)
    scans = [torch.rand(1, 1, 96, 96) for _ in range(8)]
    alone = [grad_cam(model, x, 1) for x in scans]
    wrong: list[int] = []

    def draw(index: int) -> None:
        maps = [grad_cam(model, scans[index], 1) for _ in range(10)]
        wrong.extend(index for heat in maps if not torch.equal(heat, alone[index]))

    threads = [threading.Thread(target=draw, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
