"""Heat maps of one classifier or of an ensemble."""

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from core.errors import CardError
from core.explainers import EXPLAINERS, Progress
from core.explainers.cam import all_cams
from core.models.base import Classifier
from core.models.ensemble import AnyClassifier, Member, member_input

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
        maps.append(_in_full_colour(heat, member, method, x))
    return torch.stack(maps).mean(0)


def fast_heat_maps(network: AnyClassifier, x: Tensor, target: int) -> dict[str, Tensor]:
    """Of all methods that take a single pass, what `heat_map` gives, from one pass for all.

    network: a classifier, or an ensemble of classifiers.
    x: (1, C, H, W), as the network is fed.
    target: index of the class.
    An ensemble has those for which each of its members has a scale.
    """
    if isinstance(network, Classifier):
        return all_cams(network, x, target)
    members = network.loaded_members()
    each = [all_cams(member.network, member_input(member, x), target) for member in members]
    return {
        method: torch.stack(
            [
                _in_full_colour(cams[method], member, method, x)
                for cams, member in zip(each, members, strict=True)
            ]
        ).mean(0)
        for method in each[0]
        if all(method in member.scales for member in members)
    }


def _in_full_colour(heat: Tensor, member: Member, method: str, x: Tensor) -> Tensor:
    """A member's map on the grid of x, in units of its own card's full colour."""
    if method not in member.scales:
        raise CardError(f"A member has no scale for {method}: choose another method.")
    wide = F.interpolate(heat[None, None], x.shape[-2:], mode="bilinear", align_corners=False)[0, 0]
    return wide / member.scales[method]


def _tell(progress: Progress, done: int, members: int, share: float) -> None:
    """Of all members, those that are done and a share of the next."""
    progress((done + share) / members)
