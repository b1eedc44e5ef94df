"""Teach the decoder the strength of fine detail, which plain errors blur away.

Only the decoder learns, so latents keep their meaning.
"""

import math
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from train import runs
from train.fit import loop
from train.samples import autoencoder, networks
from train.samples.networks import Autoencoder

LATENT_NOISE = 0.1  # of a latent's spread: made latents are never quite right
EDGE_WEIGHT = 0.5
SIDE = 8  # pixels of a cosine pattern; there are SIDE * SIDE - 1 beside the flat one
WINDOW = 4  # patterns a side, two pixels apart, over which strength counts and place does not
MIN_ENERGY = 2e-3  # strength below which a pattern is no detail


def train_decoder(
    coder: Autoencoder,
    pixels: Tensor,
    held_out: Tensor,
    folder: Path,
    settings: loop.Settings,
    strength: float,
) -> loop.Outcome[Autoencoder]:
    """Train the decoder on error and texture; the encoder is frozen.

    coder: the autoencoder; it is changed.
    pixels, held_out: (N, 1, H, W), in [0, 1].
    folder: of the checkpoint.
    settings: how long and how fast.
    strength: weight of detail beside grey values and edges.
    """
    coder.encoder.requires_grad_(False)

    def batch_loss(network: Autoencoder, indices: Tensor, generator: Generator) -> Tensor:
        scans = autoencoder.random_crops(pixels, indices % len(pixels), generator)
        with torch.no_grad():
            latents, _ = network.encode(scans)
            spread = latents.float().std((0, 2, 3), keepdim=True)
            latents = latents + LATENT_NOISE * spread * torch.randn(latents.shape, generator=generator)
        back = network.decode(latents).float()
        near = (back - scans).abs().mean() + EDGE_WEIGHT * autoencoder.edge_error(back, scans)
        return near + strength * texture_error(back, scans)

    def validate(network: Autoencoder) -> Mapping[str, float]:
        chosen = held_out[:: max(len(held_out) // 96, 1)].float()
        with torch.inference_mode():
            back = torch.cat([network.decode(network.encode(some)[0]) for some in chosen.split(16)])
        error, ratio = (
            float((back - chosen).abs().mean()),
            float(high_frequencies(back).mean() / high_frequencies(chosen).mean()),
        )
        return {"error": error, "detail": ratio, "closeness": -error - abs(ratio - 1) / 10}

    return loop.fit(
        coder,
        cases=autoencoder.CROPS_PER_EPOCH,
        batch_loss=batch_loss,
        validate=validate,
        watch="closeness",
        settings=settings,
        inputs={
            "scans": (pixels, held_out),
            "strength of detail": strength,
            "code": runs.code(sys.modules[__name__], autoencoder, networks),
        },
        folder=folder,
    )


def texture_error(back: Tensor, scans: Tensor) -> Tensor:
    """How far the local strength of each cosine pattern is off, against its strength in that scan."""
    theirs, ours = texture_energy(scans), texture_energy(back)
    usual = theirs.mean((2, 3), keepdim=True) + MIN_ENERGY
    return ((ours - theirs).abs() / usual).mean()


def texture_energy(scans: Tensor) -> Tensor:
    """(N, 1, H, W) -> (N, SIDE * SIDE - 1, h, w)."""
    return F.avg_pool2d(F.conv2d(scans, dct_basis(), stride=2).abs(), WINDOW, stride=2)


@cache
def dct_basis() -> Tensor:
    """The cosine patterns of JPEG, of length 1, but the flat one: (SIDE * SIDE - 1, 1, SIDE, SIDE)."""
    places, turns = torch.arange(SIDE) + 0.5, torch.arange(SIDE)
    rows = (math.pi * turns[:, None] * places / SIDE).cos()
    rows = rows / rows.norm(dim=1, keepdim=True)
    both: Tensor = rows[:, None, :, None] * rows[None, :, None, :]
    return both.reshape(-1, 1, SIDE, SIDE)[1:]


def high_frequencies(scans: Tensor) -> Tensor:
    """Difference, without its sign, between scans and their own blur: (N, 1, H, W) -> the same."""
    return (scans - F.avg_pool2d(scans, 3, stride=1, padding=1, count_include_pad=False)).abs()
