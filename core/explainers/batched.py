"""What methods of many passes share."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from core import precision
from core.models import fusion
from core.models.base import Classifier

Progress = Callable[[float], None]  # gets the share done, in (0, 1]; what it raises ends the method


def require_positive(**counts: int) -> None:
    """Raise ValueError for the first count below 1."""
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} is {count}: give a whole number from 1 on.")


def laid_out(model: Classifier) -> Classifier:
    """A copy for many passes: it costs one to make. It has no gradients."""
    return fusion.fused(model, film_by_film=False)


def logits(
    model: Classifier,
    x: Tensor,
    target: int,
    *,
    half: bool,
    features: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Logits of one class without gradients: (N, C, H, W) -> (N,).

    model: with the cut between features and head.
    x: (N, C, H, W), normalised.
    target: index of the class.
    half: features in bfloat16; the head is in full all the same.
    features: another way to the model's own feature maps.
    """
    x = x.contiguous(memory_format=torch.channels_last)  # a third faster in batches
    with torch.no_grad():
        with precision.half("cpu", wanted=half):
            maps = (features or model.features)(x)
        return model.head(maps.float())[:, target]


def blur(x: Tensor) -> Tensor:
    """What stands for "not seen": the film with everything finer than an eighth of its side gone."""
    side = x.shape[-1]
    coarse = F.avg_pool2d(x, max(side // 8, 1))
    return F.interpolate(coarse, size=x.shape[-2:], mode="bicubic", align_corners=False)
