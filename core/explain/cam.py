"""Class activation maps over the features / head cut: no hooks, so threads can share one network."""

import torch
from torch import Tensor

from core.models.base import Classifier


def grad_cam(model: Classifier, x: Tensor, target: int) -> Tensor:
    """Weight each feature map by its mean gradient (Selvaraju 2017, arXiv:1610.02391).

    x: (1, C, H, W), normalised. Returns (h, w) >= 0 on the feature grid, in logit units.
    """
    maps, gradients = _maps_and_gradients(model, x, target)
    return _weighted(maps, gradients.mean(dim=(2, 3), keepdim=True))


def _maps_and_gradients(model: Classifier, x: Tensor, target: int) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        maps = model.features(x)
    maps.requires_grad_()
    logit = model.head(maps)[0, target]
    (gradients,) = torch.autograd.grad(logit, maps)  # not .backward(): sessions share the model
    return maps.detach(), gradients


def _weighted(maps: Tensor, weights: Tensor) -> Tensor:
    return (weights * maps).sum(dim=1)[0].relu()  # (1, D, h, w) -> (h, w)
