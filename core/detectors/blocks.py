"""Pieces that several detectors share."""

from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor, nn


def down(inputs: int, outputs: int) -> nn.Sequential:
    """Halve the sides."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.1),
    )


def up(inputs: int, outputs: int) -> nn.Sequential:
    """Double the sides."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.1),
    )


def encoder(channels: int, width: int) -> nn.Sequential:
    """Four halvings: (N, channels, H, W) -> (N, 4 width, H / 16, W / 16)."""
    widths = [channels, width, 2 * width, 4 * width, 4 * width]
    return nn.Sequential(*(down(inputs, outputs) for inputs, outputs in pairwise(widths)))


def decoder(channels: int, width: int) -> nn.Sequential:
    """Four doublings: (N, 4 width, h, w) -> (N, channels, 16 h, 16 w)."""
    widths = [4 * width, 4 * width, 2 * width, width, width]
    doublings = [up(inputs, outputs) for inputs, outputs in pairwise(widths)]
    return nn.Sequential(*doublings, nn.Conv2d(width, channels, 3, padding=1))


class ErrorStandardiser(nn.Module):
    """Standardise an error map by mean and standard deviation of held-out normals at each place."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(side, side))
        self.register_buffer("std", torch.ones(side, side))
        self.mean: Tensor
        self.std: Tensor

    def fit(self, batches: Iterable[Tensor]) -> None:
        """batches: errors (N, side, side) of normals that nothing else was learned from."""
        errors = torch.cat(list(batches))
        self.mean.copy_(errors.mean(0))
        # places that never err would turn noise into alarm
        self.std.copy_(errors.std(0).clamp_min(float(errors.std(0).median()) / 4))

    def forward(self, errors: Tensor) -> Tensor:
        """(N, side, side) -> the same in standard deviations, 0 being usual."""
        return (errors - self.mean) / self.std


def highest(distance: Tensor, place: Tensor, share: float) -> Tensor:
    """(N, h, w) -> (N,), mean of the largest `share` of the places where `place` is 1."""
    looked_at = distance.flatten(1)[:, place.flatten() > 0]
    return looked_at.topk(max(1, int(share * looked_at.shape[1])), dim=1).values.mean(1)
