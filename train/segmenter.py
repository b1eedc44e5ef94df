"""Train a segmenter of lesions drawn into normal slices of heads: python -m train.segmenter --data DATA"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from sklearn.metrics import roc_auc_score
from torch import Generator, Tensor

from core.detectors import LesionSegmenter
from core.preprocess import normalise, stretch
from core.resample import crop
from core.types import InputSpec
from train.data import augment, sources
from train.data.sources import SOURCES, Normals
from train.fit import loop
from train.publish.detector_card import calibrate_and_publish
from train.publish.provenance import Trained
from train.synthesis import brain_masks, head_lesions

SHAPE = {"size": 96, "width": 12}


def main() -> None:
    arguments = parse()
    torch.manual_seed(arguments.seed)
    source = SOURCES[arguments.source]
    spec = InputSpec(size=SHAPE["size"], channels=1, mean=(0.5,), std=(0.25,), region=source.region)
    cases = sources.load_cases(source, arguments.data, arguments.seed)
    normals = sources.load_normals(source, cases)
    bone = source.modality in brain_masks.BRIGHT_BONE_MODALITIES
    network = LesionSegmenter(**SHAPE)
    settings = loop.Settings(
        epochs=arguments.epochs, batch=32, learning_rate=2e-3, patience=30, seed=arguments.seed, average=0.99
    )
    train, held = load_slices(normals, "train", bone), load_slices(normals, "validation", bone)
    outcome = loop.fit(
        network,
        cases=len(train.films),
        batch_loss=lambda net, chosen, generator: batch_loss(net, train, spec, chosen, generator),
        validate=lambda net: drawn_lesion_auc(net, held, spec),
        watch="auc_drawn",
        settings=settings,
        folder=arguments.runs / f"{arguments.source}-finder",
    )
    trained = Trained(
        card_id=f"{arguments.source}-finder",
        model="finder",
        arguments=SHAPE,
        input=spec,
        network=outcome.network,
        cases=cases,
        settings=asdict(settings),
        curve=outcome.curve,
        minutes=outcome.minutes,
        seed=arguments.seed,
    )
    calibrate_and_publish(trained, source, normals, validate_only=arguments.validate_only)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--source", choices=("brain-ct", "brain-mri"), default="brain-ct")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument(
        "--validate-only",
        "--rehearse",
        action="store_true",
        help="print the AUROC on drawn lesions; write nothing",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go")
    return parser.parse_args()


@dataclass(frozen=True, slots=True, eq=False)
class Slices:
    """Normal slices (N, 1, H, W), the head's box in each (N, 4), and where its brain is (N, 1, H, W)."""

    films: Tensor
    boxes: Tensor
    brain: Tensor


def load_slices(normals: Normals, split: str, bone: bool) -> Slices:
    """The normal slices of a split with their brain masks.

    normals: those of all splits.
    split: the name of one.
    bone: whether bone is bright, as on CT.
    """
    films, boxes = normals.films[split], normals.boxes[split]
    return Slices(films, boxes, brain_masks.masks_in_films(films, boxes, bone=bone).half())


def batch_loss(
    network: LesionSegmenter, train: Slices, spec: InputSpec, chosen: Tensor, generator: Generator
) -> Tensor:
    """The outline loss on slices under simulated acquisition shift, most with a lesion.

    network: the one in training.
    train: normal slices.
    spec: what the network is fed.
    chosen: (B,), places among the slices.
    generator: of lesions and augmentation.
    """
    moved, angle = augment.jitter_boxes(train.boxes[chosen], generator, turn=15)
    x = stretch(crop(train.films[chosen].float(), moved, spec.size, angle=angle))
    brain = (crop(train.brain[chosen].float(), moved, spec.size, angle=angle) > 0.5).float()
    abnormal, drawn = head_lesions.draw_random_lesion(x, brain, generator, chance=0.75)
    shifted = augment.random_acquisition(random_window(abnormal, generator), generator, chance=0.6)
    pair = augment.random_flip(torch.cat([stretch(shifted), drawn], dim=1), generator)
    ready = normalise(pair[:, :1], spec).to(loop.device()).contiguous(memory_format=torch.channels_last)
    return network.outline_loss(ready, pair[:, 1:].to(loop.device()))


def random_window(x: Tensor, generator: Generator) -> Tensor:
    """A narrower window, as other hospitals print their slices. x: (N, 1, H, W), stretched."""
    column = (len(x), 1, 1, 1)
    low, high = window_ends(column, generator)
    return augment.random_exposure(
        ((x - low) / (high - low)).clamp(0, 1), generator, gamma=0.35, contrast=0.1
    )


def window_ends(shape: tuple[int, ...], generator: Generator) -> tuple[Tensor, Tensor]:
    """Lower and upper end of a window, as grey values."""
    return augment.uniform(generator, shape, -0.1, 0.3), augment.uniform(generator, shape, 0.75, 1.1)


def drawn_lesion_auc(network: LesionSegmenter, held: Slices, spec: InputSpec) -> Mapping[str, float]:
    """AUC of drawn lesions against held-out normals, in random windows; no abnormal scan is used.

    network: the one in training.
    held: normal slices of validation.
    spec: what the network is fed.
    """
    network.eval()
    generator = Generator().manual_seed(0)
    x = stretch(crop(held.films.float(), held.boxes, spec.size))
    brain = (crop(held.brain.float(), held.boxes, spec.size) > 0.5).float()
    x, brain = x[brain.sum((1, 2, 3)) > 0], brain[brain.sum((1, 2, 3)) > 0]
    abnormal, _ = head_lesions.draw_random_lesion(x, brain, generator)
    normal_scores = torch.cat(
        [lesion_scores(network, part, spec) for part in random_window(x, generator).split(64)]
    )
    abnormal_scores = torch.cat(
        [lesion_scores(network, part, spec) for part in random_window(abnormal, generator).split(64)]
    )
    truth = [0] * len(normal_scores) + [1] * len(abnormal_scores)
    return {"auc_drawn": float(roc_auc_score(truth, torch.cat([normal_scores, abnormal_scores]).numpy()))}


def lesion_scores(network: LesionSegmenter, x: Tensor, spec: InputSpec) -> Tensor:
    """(N,), the score that the app would show.

    network: on the device of training.
    x: (N, 1, H, W), stretched or not.
    spec: what the network is fed.
    """
    with torch.inference_mode():
        return network.score(normalise(stretch(x), spec).to(loop.device())).score.cpu()


if __name__ == "__main__":
    main()
