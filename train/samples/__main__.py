"""Make the sample scans that ship, which show nobody: python -m train.samples --data DATA

An autoencoder brings scans to 28x28 latents; a network learns to turn noise into latents of a wanted
condition. Both go on from their checkpoints in runs/. --stage measure only writes the figures anew.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from core import precision
from core.errors import DataSetError
from train.fit import loop
from train.runs import cached, code
from train.samples import autoencoder, card, networks, texture
from train.samples import flow as sample_flow
from train.samples import prior as sample_prior
from train.samples import scans as sample_scans
from train.samples.networks import Autoencoder, Denoiser
from train.samples.prior import Prior
from train.samples.scans import CONDITIONS, Scans

AUTOENCODER_SETTINGS = loop.Settings(epochs=3, batch=16, learning_rate=2e-3, weight_decay=1e-4, average=0.99)
DETAIL_SETTINGS = loop.Settings(
    epochs=4, batch=16, learning_rate=1e-3, weight_decay=1e-4, average=0.99, patience=99
)
# detail's weight and how long, gently first
DETAIL_STAGES = ((0.05, DETAIL_SETTINGS), (0.15, replace(DETAIL_SETTINGS, epochs=3)))
DENOISER_SETTINGS = loop.Settings(
    epochs=48, batch=24, learning_rate=1e-3, weight_decay=1e-2, average=0.995, patience=99
)
GUIDANCE = (2.0, 3.0)  # for films and slices: how far from what is any film or slice
FRESH = (70, 70, 70, 100, 34, 34, 34)  # scans drawn of each condition before any is chosen
FIRST_SEED = 1000


@dataclass(frozen=True, slots=True, eq=False)
class LatentSpace:
    """Standardised latents of the training scans, and their modes. mean, std: (1, C, 1, 1)."""

    latents: Tensor
    mode: Tensor
    held_out: tuple[Tensor, Tensor]
    mean: Tensor
    std: Tensor


def main() -> None:
    arguments = parse()
    torch.manual_seed(arguments.seed)
    try:
        train, held_out = (
            sample_scans.load_scans(arguments.data, split, arguments.runs)
            for split in ("train", "validation")
        )
    except DataSetError as error:
        raise SystemExit(f"{error} The generator learns from chest_xray and brain_mri.") from error
    folder: Path = arguments.runs
    if arguments.fresh:
        for run in folder.glob("samples-*/"):
            loop.discard_checkpoints(run)
    coder = autoencoder.train_autoencoder(
        train.pixels, held_out.pixels, folder / "samples-coder", AUTOENCODER_SETTINGS
    )
    coder_network, detail = coder.network, 0.0
    for number, (strength, settings) in enumerate(DETAIL_STAGES):
        place = folder / f"samples-detail-{number}"
        decoder = texture.train_decoder(
            coder_network, train.pixels, held_out.pixels, place, settings, strength
        )
        coder_network, detail = decoder.network.eval(), detail + decoder.minutes
    if arguments.stage == "coder":
        return
    space = latent_space(folder, coder_network, train, held_out)
    prior = sample_prior.fit_prior(space.latents, space.mode, sample_scans.family_of(train.condition))
    flow = sample_flow.train_denoiser(
        space.latents, space.mode, space.held_out, prior, folder / "samples-denoiser", DENOISER_SETTINGS
    )
    if arguments.stage == "denoiser":
        return
    fresh = generate(folder, coder_network, flow.network, prior, space)
    minutes = {"autoencoder": coder.minutes, "detail": detail, "denoiser": flow.minutes}
    card.publish_samples(fresh, train, held_out, folder, minutes, choose=arguments.stage != "measure")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--stage", choices=("coder", "denoiser", "all", "measure"), default="all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go")
    parser.add_argument("--fresh", action="store_true", help="begin anew instead of going on from there")
    return parser.parse_args()


def latent_space(folder: Path, coder: Autoencoder, train: Scans, held_out: Scans) -> LatentSpace:
    """Latents and modes, computed once.

    folder: where they are kept.
    coder: the autoencoder.
    train, held_out: real scans.
    """

    def compute() -> tuple[Tensor, Tensor, tuple[Tensor, Tensor], Tensor, Tensor]:
        latents, others = encode(coder, train.pixels), encode(coder, held_out.pixels)
        mean, std = latents.mean((0, 2, 3), keepdim=True), latents.std((0, 2, 3), keepdim=True)
        centres = sample_prior.cluster_centres(train.pixels, train.condition, seed=0)
        mode, other_modes = (
            sample_prior.nearest_modes(scans.pixels, scans.condition, centres) for scans in (train, held_out)
        )
        held = ((others - mean) / std).half(), other_modes
        return ((latents - mean) / std).half(), mode, held, mean, std

    scans = [(some.pixels, some.condition) for some in (train, held_out)]
    known = coder.state_dict(), scans, sample_prior.MODES, code(encode, networks, sample_prior)
    return LatentSpace(*cached("samples-latents", known, compute, folder))


def encode(coder: Autoencoder, pixels: Tensor) -> Tensor:
    """(N, 1, H, W) -> (N, C, H / 8, W / 8), the means."""
    with torch.inference_mode(), precision.half("cpu"):
        return torch.cat([coder.encode(some.float())[0].float() for some in pixels.split(32)])


def decode(coder: Autoencoder, latents: Tensor) -> Tensor:
    """(N, C, h, w) -> (N, 1, 8 h, 8 w) in [0, 1], to the 8 bits that a file holds."""
    with torch.inference_mode():
        scans = torch.cat([coder.decode(some) for some in latents.split(16)])
    return (scans.clamp(0, 1) * 255).round() / 255


def generate(folder: Path, coder: Autoencoder, denoiser: Denoiser, prior: Prior, space: LatentSpace) -> Scans:
    """FRESH scans of each condition, modes as frequent as among the training scans.

    folder: where they are kept.
    coder, denoiser: the two networks.
    prior: of the latents.
    space: the training scans' latents.
    """
    condition = torch.arange(len(CONDITIONS)).repeat_interleave(torch.tensor(FRESH))
    seeds = FIRST_SEED + torch.arange(len(condition))
    modes = torch.tensor(
        [_random_mode(space.mode, int(c), int(s)) for c, s in zip(condition, seeds, strict=True)]
    )
    family = sample_scans.family_of(condition)  # in one block each, as CONDITIONS lists them

    def draw() -> Tensor:
        latents = [
            sample_flow.sample_latents(denoiser, prior, some, seed, guidance)
            for number, guidance in enumerate(GUIDANCE)
            for some, seed in zip(
                modes[family == number].split(32), seeds[family == number].split(32), strict=True
            )
        ]
        return decode(coder, torch.cat(latents) * space.std + space.mean)

    made_by = code(decode, networks, sample_flow, sample_prior), GUIDANCE
    both = coder.state_dict(), denoiser.state_dict()
    known = both, prior, space.std, space.mean, modes, family, seeds, made_by
    pixels = cached("samples-fresh", known, draw, folder)
    return Scans(pixels, condition, tuple(str(seed) for seed in seeds.tolist()))


def _random_mode(modes: Tensor, condition: int, seed: int) -> int:
    own = modes[modes // sample_prior.MODES == condition]
    place = torch.randint(0, len(own), (1,), generator=torch.Generator().manual_seed(seed))
    return int(own[place])


if __name__ == "__main__":
    main()
