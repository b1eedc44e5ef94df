"""Heat maps of one classifier or of an ensemble."""

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from core.errors import CardError
from core.explainers import EXPLAINERS, Progress
from core.models.base import Classifier
from core.models.ensemble import AnyClassifier, member_input

MEAN_UNIT = "of its members' full colour, mean"


def heat_map(network: AnyClassifier, x: Tensor, target: int, method: str, **options: Any) -> Tensor:
    """The heat map of any method in EXPLAINERS, for one network or for an ensemble.

    network: a classifier, or an ensemble of classifiers.
    x: (1, C, H, W), as the network is fed.
    target: index of the class.
    method: a name in EXPLAINERS.
    options: the method's own.
    Returns (h, w) >= 0 over x; of an ensemble (H, W), the mean of its members' maps, each in units of its own
    card's full colour.
    """
    if isinstance(network, Classifier):
        return EXPLAINERS[method](network, x, target, **options)
    members, progress = network.loaded_members(), options.get("progress")
    maps = []
    for place, member in enumerate(members):
        if progress:
            options["progress"] = partial(_tell, progress, place, len(members))
        heat = EXPLAINERS[method](member.network, member_input(member, x), target, **options)
        wide = F.interpolate(heat[None, None], x.shape[-2:], mode="bilinear", align_corners=False)[0, 0]
        if method not in member.scales:
            raise CardError(f"A member has no scale for {method}: choose another method.")
        maps.append(wide / member.scales[method])
    return torch.stack(maps).mean(0)


def _tell(progress: Progress, done: int, members: int, share: float) -> None:
    """Of all members, those that are done and a share of the next."""
    progress((done + share) / members)
