"""Teach the autoencoder of the sample generator, on crops of scans."""

import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from train import runs
from train.fit import loop
from train.samples import networks
from train.samples.networks import Autoencoder

CROP = 96
SCALES = 3
KL_WEIGHT = 1e-5  # enough to keep the latents bounded
EDGE_WEIGHT = 1.0  # weight of edges beside grey values
CROPS_PER_EPOCH = 6_400  # crops an epoch


def train_autoencoder(
    pixels: Tensor, held_out: Tensor, folder: Path, settings: loop.Settings
) -> loop.Outcome[Autoencoder]:
    """Train on random crops. The figure watched is the mean absolute error, negative.

    pixels, held_out: (N, 1, H, W), in [0, 1].
    folder: of the checkpoint.
    settings: how long and how fast.
    """

    def batch_loss(network: Autoencoder, indices: Tensor, generator: Generator) -> Tensor:
        scans = random_crops(pixels, indices % len(pixels), generator)
        mean, spread = network.encode(scans)
        noise = torch.randn(mean.shape, generator=generator)
        back = network.decode(mean + (spread / 2).exp() * noise)
        entropy = (mean.float().square() + spread.float().exp() - 1 - spread.float()).sum(1).mean() / 2
        return multiscale_error(back.float(), scans) + KL_WEIGHT * entropy

    def validate(network: Autoencoder) -> Mapping[str, float]:
        chosen = held_out[:: max(len(held_out) // 96, 1)].float()
        with torch.inference_mode():
            back = torch.cat([network.decode(network.encode(some)[0]) for some in chosen.split(16)])
        error = float((back - chosen).abs().mean())
        return {"error": error, "closeness": -error, "edges": float(edge_error(back, chosen))}

    return loop.fit(
        Autoencoder(),
        cases=CROPS_PER_EPOCH,
        batch_loss=batch_loss,
        validate=validate,
        watch="closeness",
        settings=settings,
        inputs={"scans": (pixels, held_out), "code": runs.code(sys.modules[__name__], networks)},
        folder=folder,
    )


def random_crops(pixels: Tensor, indices: Tensor, generator: Generator) -> Tensor:
    """One CROP x CROP window of each scan named.

    pixels: (N, 1, H, W).
    indices: (B,), places among them.
    generator: of the random numbers.
    """
    corners = torch.randint(0, pixels.shape[-1] - CROP + 1, (len(indices), 2), generator=generator).tolist()
    return torch.stack(
        [
            pixels[index, :, top : top + CROP, left : left + CROP].float()
            for index, (top, left) in zip(indices.tolist(), corners, strict=True)
        ]
    )


def multiscale_error(back: Tensor, scans: Tensor) -> Tensor:
    """Absolute error of grey values and of edges, over several scales: blur costs on the finest."""
    total = (back - scans).abs().mean()
    for _ in range(SCALES):
        total = total + EDGE_WEIGHT * edge_error(back, scans)
        back, scans = F.avg_pool2d(back, 2), F.avg_pool2d(scans, 2)
    return total


def edge_error(back: Tensor, scans: Tensor) -> Tensor:
    """Mean absolute error of the differences between neighbours, down and across."""
    wrong = back - scans
    down, across = wrong.diff(dim=2), wrong.diff(dim=3)
    return down.abs().mean() + across.abs().mean()
