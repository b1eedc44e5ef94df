"""Teach the denoiser, and draw new latents with it: rectified flow (Liu 2022, arXiv:2209.03003)."""

import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import torch
from torch import Generator, Tensor

from core import precision
from train import runs
from train.fit import loop
from train.samples import networks
from train.samples import prior as sample_prior
from train.samples.networks import Denoiser
from train.samples.prior import Prior

UNCONDITIONAL_SHARE = 0.1  # cases without their mode, for guidance (Ho 2022, arXiv:2207.12598)
TIME_CENTRE, TIME_SPREAD = -0.4, 1.0  # of the logit-normal times: the prior knows the noisy end already
START_TIME = 0.999  # time to begin at; at 1 nothing of the latents is left
STEPS = 24
FAMILY_WEIGHTS = (1.0, 2.0)  # of chest films and brain slices: these vary more
VALIDATION_LATENTS = 192  # held-out latents that are looked at after each epoch
LATENTS_PER_EPOCH = 3_200  # latents an epoch


def train_denoiser(
    latents: Tensor,
    mode: Tensor,
    held_out: tuple[Tensor, Tensor],
    prior: Prior,
    folder: Path,
    settings: loop.Settings,
) -> loop.Outcome[Denoiser]:
    """Train the denoiser to predict the velocity from noise to latents.

    latents: (N, C, H, W), standardised.
    mode: (N,).
    held_out: the same two of other patients.
    prior: what the network corrects.
    folder: of the checkpoint.
    settings: how long and how fast.
    """
    families = _unconditional_modes(prior)
    family = families[mode] - families.min()
    share = torch.tensor(FAMILY_WEIGHTS)[family] / torch.bincount(family)[family]

    def batch_loss(network: Denoiser, indices: Tensor, generator: Generator) -> Tensor:
        chosen = torch.multinomial(share, len(indices), replacement=True, generator=generator)
        conditioned = mode[chosen].clone()
        unconditioned = torch.rand(len(conditioned), generator=generator) < UNCONDITIONAL_SHARE
        conditioned[unconditioned] = families[conditioned[unconditioned]]
        return loss(network, prior, latents[chosen].float(), conditioned, generator)

    watched = torch.randperm(len(held_out[0]), generator=Generator().manual_seed(0))[:VALIDATION_LATENTS]

    def validate(network: Denoiser) -> Mapping[str, float]:
        generator = Generator().manual_seed(0)
        with torch.inference_mode(), precision.half("cpu"):
            losses = [
                float(loss(network, prior, some.float(), conditioned, generator))
                for some, conditioned in zip(
                    held_out[0][watched].split(64), held_out[1][watched].split(64), strict=True
                )
            ]
        return {"held-out loss": sum(losses) / len(losses), "closeness": -sum(losses) / len(losses)}

    return loop.fit(
        Denoiser(len(prior.means), latent=latents.shape[1]),
        cases=LATENTS_PER_EPOCH,
        batch_loss=batch_loss,
        validate=validate,
        watch="closeness",
        settings=settings,
        inputs={
            "latents": (latents, mode, held_out),
            "prior": prior,
            "code": runs.code(sys.modules[__name__], sample_prior, networks),
        },
        folder=folder,
    )


def loss(network: Denoiser, prior: Prior, latents: Tensor, mode: Tensor, generator: Generator) -> Tensor:
    """Mean squared error of the velocity at a random time.

    network: the denoiser.
    prior: what it corrects.
    latents: (N, C, H, W).
    mode: (N,).
    generator: of noise and times.
    """
    noise = torch.randn(latents.shape, generator=generator)
    time = torch.sigmoid(TIME_CENTRE + TIME_SPREAD * torch.randn(len(latents), generator=generator))
    t = time[:, None, None, None]
    found = velocity(network, prior, (1 - t) * latents + t * noise, time, mode)
    return (found - (noise - latents)).square().mean()


def velocity(network: Denoiser, prior: Prior, x: Tensor, time: Tensor, mode: Tensor) -> Tensor:
    """The Gaussian prior's velocity, corrected by the network.

    network: the denoiser.
    prior: what it corrects.
    x: (N, C, H, W), noisy latents.
    time: (N,), 1 is noise.
    mode: (N,).
    Returns the shape of x.
    """
    with precision.half("cpu", wanted=False):
        first = prior.velocity(x.float(), time, mode)
    clean = x - time[:, None, None, None] * first
    right: Tensor = network(torch.cat([x, clean], dim=1), time, mode)
    return first + right.float()


def sample_latents(
    network: Denoiser, prior: Prior, mode: Tensor, seeds: Tensor, guidance: float, steps: int = STEPS
) -> Tensor:
    """One latent per seed, the same for the same seed.

    Two-step Adams-Bashforth: as exact as Heun at half the price.

    network: the denoiser.
    prior: what it corrects.
    mode: (N,).
    seeds: (N,).
    guidance: 1 is none.
    steps: of the integration.
    Returns (N, C, side, side).
    """
    side = round((prior.means.shape[1] / network.latent) ** 0.5)
    shape = (network.latent, side, side)
    x = torch.stack([torch.randn(shape, generator=Generator().manual_seed(seed)) for seed in seeds.tolist()])
    times = START_TIME * (1 - torch.linspace(0, 1, steps + 1))
    before: Tensor | None = None
    with torch.inference_mode(), precision.half("cpu"):
        for now, then in pairwise(times):
            slope = _guided(network, prior, x, now.expand(len(x)), mode, guidance)
            step = slope if before is None else 1.5 * slope - 0.5 * before
            x, before = x + (then - now) * step, slope
    return x


def _guided(
    network: Denoiser, prior: Prior, x: Tensor, time: Tensor, mode: Tensor, guidance: float
) -> Tensor:
    if guidance == 1:
        return velocity(network, prior, x, time, mode)
    both = torch.cat([mode, _unconditional_modes(prior)[mode]])
    found = velocity(network, prior, torch.cat([x, x]), torch.cat([time, time]), both)
    conditioned, unconditioned = found.chunk(2)
    return unconditioned + guidance * (conditioned - unconditioned)


def _unconditional_modes(prior: Prior) -> Tensor:
    """(K,): for each mode the one that says no more than its family."""
    families = int(prior.kind.max() + 1) // 2
    first = len(prior.means) - families
    return torch.where(prior.kind < families, prior.kind + first, torch.arange(len(prior.means)))
