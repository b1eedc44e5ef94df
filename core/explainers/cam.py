"""Class activation maps over the features / head cut: no hooks, so threads can share one network."""

import torch
from torch import Tensor

from core.models.base import Classifier


def grad_cam(model: Classifier, x: Tensor, target: int) -> Tensor:
    """Weight each feature map by its mean gradient (Selvaraju 2017, arXiv:1610.02391).

    model: with the cut between features and head.
    x: (1, C, H, W), normalised.
    target: index of the class.
    Returns (h, w) >= 0 on the feature grid, in logits per cell.
    """
    return _grad_cam(*_maps_and_gradients(model, x, target))


def grad_cam_plus_plus(model: Classifier, x: Tensor, target: int) -> Tensor:
    """As grad_cam, counting a map for each place that raises the score (Chattopadhay 2018, arXiv:1710.11063).

    model: with the cut between features and head.
    x: (1, C, H, W), normalised.
    target: index of the class.
    Returns (h, w) >= 0 on the feature grid, in weighted activation.
    """
    return _grad_cam_plus_plus(*_maps_and_gradients(model, x, target))


def hires_cam(model: Classifier, x: Tensor, target: int) -> Tensor:
    """Weight each place of each map by its own gradient (Draelos 2020, arXiv:2011.08891).

    model: with the cut between features and head.
    x: (1, C, H, W), normalised.
    target: index of the class.
    Returns (h, w) >= 0 on the feature grid, in logits per cell: for a head linear in the maps the cells,
    negative ones included, add up to the logit less its bias.
    """
    return _weighted(*_maps_and_gradients(model, x, target))


def layer_cam(model: Classifier, x: Tensor, target: int) -> Tensor:
    """As hires_cam with positive gradients only (Jiang 2021, doi:10.1109/TIP.2021.3089943).

    model: with the cut between features and head.
    x: (1, C, H, W), normalised.
    target: index of the class.
    Returns (h, w) >= 0 on the feature grid, in logits per cell.
    """
    return _layer_cam(*_maps_and_gradients(model, x, target))


def all_cams(model: Classifier, x: Tensor, target: int) -> dict[str, Tensor]:
    """The four maps above, by name, from one pass.

    model: with the cut between features and head.
    x: (1, C, H, W), normalised.
    target: index of the class.
    """
    maps, gradients = _maps_and_gradients(model, x, target)
    return {
        "grad-cam": _grad_cam(maps, gradients),
        "grad-cam++": _grad_cam_plus_plus(maps, gradients),
        "hires-cam": _weighted(maps, gradients),
        "layer-cam": _layer_cam(maps, gradients),
    }


def _grad_cam(maps: Tensor, gradients: Tensor) -> Tensor:
    return _weighted(maps, gradients.mean(dim=(2, 3), keepdim=True))


def _grad_cam_plus_plus(maps: Tensor, gradients: Tensor) -> Tensor:
    squared = gradients.square()
    curvature = 2 * squared + maps.sum((2, 3), keepdim=True) * squared * gradients + 1e-6  # equation 19
    shares = torch.where(gradients != 0, squared / curvature, 0)
    return _weighted(maps, (shares * gradients.relu()).sum((2, 3), keepdim=True))


def _layer_cam(maps: Tensor, gradients: Tensor) -> Tensor:
    return _weighted(maps, gradients.relu())


def _maps_and_gradients(model: Classifier, x: Tensor, target: int) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        maps = model.features(x)
    maps.requires_grad_()
    with torch.enable_grad():
        logit = model.head(maps)[0, target]
    (gradients,) = torch.autograd.grad(logit, maps)  # not .backward(): sessions share the model
    return maps.detach(), gradients


def _weighted(maps: Tensor, weights: Tensor) -> Tensor:
    return (weights * maps).sum(dim=1)[0].relu()  # (1, D, h, w) -> (h, w)
