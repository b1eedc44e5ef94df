"""Teach a network to outline lesions drawn into normal slices of heads: python -m train.finder --data DATA"""

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
from train.publish.detector_card import conclude
from train.publish.provenance import Trained
from train.synthesis import brain_masks as brains
from train.synthesis import head_lesions

SHAPE = {"size": 96, "width": 12}


def main() -> None:
    arguments = parse()
    torch.manual_seed(arguments.seed)
    source = SOURCES[arguments.source]
    spec = InputSpec(size=SHAPE["size"], channels=1, mean=(0.5,), std=(0.25,), region=source.region)
    cases = sources.gather(source, arguments.data, arguments.seed)
    normals = sources.normals(source, cases)
    bone = source.modality in brains.BONY
    network = LesionSegmenter(**SHAPE)
    settings = loop.Settings(
        epochs=arguments.epochs, batch=32, learning_rate=2e-3, patience=30, seed=arguments.seed, average=0.99
    )
    taught, held = scenes(normals, "train", bone), scenes(normals, "validation", bone)
    outcome = loop.fit(
        network,
        cases=len(taught.films),
        batch_loss=lambda net, chosen, generator: batch_loss(net, taught, spec, chosen, generator),
        validate=lambda net: figures(net, held, spec),
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
    conclude(trained, source, normals, rehearse=arguments.rehearse)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--source", choices=("brain-ct", "brain-mri"), default="brain-ct")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument(
        "--rehearse", action="store_true", help="say how it finds drawn lesions; write nothing"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go")
    return parser.parse_args()


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """Normal slices (N, 1, H, W), the head's box in each (N, 4), and where its brain is (N, 1, H, W)."""

    films: Tensor
    boxes: Tensor
    brains: Tensor


def scenes(normals: Normals, split: str, bone: bool) -> Scenes:
    films, boxes = normals.films[split], normals.boxes[split]
    return Scenes(films, boxes, brains.in_films(films, boxes, bone=bone).half())


def batch_loss(
    network: LesionSegmenter, taught: Scenes, spec: InputSpec, chosen: Tensor, generator: Generator
) -> Tensor:
    """Slices as another machine would have shown them, most with a lesion."""
    moved, angle = augment.jitter_boxes(taught.boxes[chosen], generator, turn=15)
    x = stretch(crop(taught.films[chosen].float(), moved, spec.size, angle=angle))
    brain = (crop(taught.brains[chosen].float(), moved, spec.size, angle=angle) > 0.5).float()
    ill, drawn = head_lesions.draw_any(x, brain, generator, chance=0.75)
    taken = augment.acquisition(windowed(ill, generator), generator, chance=0.6)
    both = augment.mirror(torch.cat([stretch(taken), drawn], dim=1), generator)
    ready = normalise(both[:, :1], spec).to(loop.device()).contiguous(memory_format=torch.channels_last)
    return network.outline_loss(ready, both[:, 1:].to(loop.device()))


def windowed(x: Tensor, generator: Generator) -> Tensor:
    """A narrower window, as other hospitals print their slices. x: (N, 1, H, W), stretched."""
    column = (len(x), 1, 1, 1)
    low, high = uniform_pair(column, generator)
    return augment.exposure(((x - low) / (high - low)).clamp(0, 1), generator, gamma=0.35, contrast=0.1)


def uniform_pair(shape: tuple[int, ...], generator: Generator) -> tuple[Tensor, Tensor]:
    """Lower and upper end of a window, as grey values."""
    return augment.uniform(generator, shape, -0.1, 0.3), augment.uniform(generator, shape, 0.75, 1.1)


def figures(network: LesionSegmenter, held: Scenes, spec: InputSpec) -> Mapping[str, float]:
    """How well drawn lesions are told from held-out normals taken otherwise; no sick scan is looked at."""
    network.eval()
    generator = Generator().manual_seed(0)
    x = stretch(crop(held.films.float(), held.boxes, spec.size))
    brain = (crop(held.brains.float(), held.boxes, spec.size) > 0.5).float()
    x, brain = x[brain.sum((1, 2, 3)) > 0], brain[brain.sum((1, 2, 3)) > 0]
    ill, _ = head_lesions.draw_any(x, brain, generator)
    well = torch.cat([network_scores(network, part, spec) for part in windowed(x, generator).split(64)])
    sick = torch.cat([network_scores(network, part, spec) for part in windowed(ill, generator).split(64)])
    truth = [0] * len(well) + [1] * len(sick)
    return {"auc_drawn": float(roc_auc_score(truth, torch.cat([well, sick]).numpy()))}


def network_scores(network: LesionSegmenter, x: Tensor, spec: InputSpec) -> Tensor:
    with torch.inference_mode():
        return network.score(normalise(stretch(x), spec).to(loop.device())).score.cpu()


if __name__ == "__main__":
    main()
