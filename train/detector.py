"""Train an anomaly detector on normal films only: python -m train.detector --data DATA"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Generator, Tensor

from core import lungs
from core.detectors import DETECTORS, TrainedDetector
from core.preprocess import normalise, stretch
from core.resample import crop
from core.types import Card, InputSpec, Policy, Training
from train import augment, loop, provenance, report
from train.data import DATASETS, Case, carve, load_films

SPEC = InputSpec(size=96, channels=1, mean=(0.5,), std=(0.25,), region="lungs")
LABELS = ("normal", "pneumonia")


def main() -> None:
    arguments = parse()
    torch.manual_seed(arguments.seed)
    cases = carve(DATASETS["chest_xray"](arguments.data), folds=7, seed=arguments.seed)
    # The usual error is learned apart from the threshold, or held-out normals would look too good.
    cases = carve(cases, folds=8, seed=arguments.seed, into="calibration")
    splits = ("train", "calibration", "validation")
    films = {
        split: load_films([c for c in cases if c.label == "normal" and c.split == split]) for split in splits
    }
    boxes = {split: lungs.boxes(batch) for split, batch in films.items()}

    network = DETECTORS[arguments.model](size=SPEC.size)
    if not isinstance(network, TrainedDetector):
        raise SystemExit(f"{arguments.model} does not learn by gradient descent.")
    settings = loop.Settings(
        epochs=arguments.epochs, batch=32, learning_rate=2e-3, patience=30, seed=arguments.seed, average=0.99
    )
    outcome = loop.fit(
        network,
        cases=len(films["train"]),
        batch_loss=lambda net, chosen, generator: batch_loss(
            net, films["train"][chosen].float(), boxes["train"][chosen], generator
        ),
        validate=lambda net: figures(net, films["validation"], boxes["validation"]),
        watch="closeness",
        settings=settings,
        folder=arguments.runs / arguments.id,
    )
    best = outcome.network.cpu()
    with torch.inference_mode():
        best.calibrate(batches(films["calibration"], boxes["calibration"]))
    report.publish(describe(arguments, outcome, settings, cases), best, cases)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with chest_xray/")
    parser.add_argument("--id", default="chest-autoencoder", help="name of the folder in weights/")
    parser.add_argument("--model", choices=sorted(DETECTORS), default="autoencoder")
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go")
    return parser.parse_args()


def batch_loss(network: TrainedDetector, films: Tensor, boxes: Tensor, generator: Generator) -> Tensor:
    moved, angle = augment.jitter_boxes(boxes, generator, shift=0.02, zoom=0.05, turn=4)
    x = augment.mirror(crop(films, moved, SPEC.size, angle=angle), generator)
    x = normalise(augment.exposure(stretch(x), generator, gamma=0.1, contrast=0.05), SPEC)
    x = x.to(loop.device()).contiguous(memory_format=torch.channels_last)
    return network.loss(x)


def batches(films: Tensor, boxes: Tensor) -> Iterator[Tensor]:
    """Aligned and normalised as in the app, 64 at a time."""
    for part, box in zip(films.split(64), boxes.split(64), strict=True):
        yield normalise(stretch(crop(part.float(), box, SPEC.size)), SPEC)


def figures(network: TrainedDetector, films: Tensor, boxes: Tensor) -> Mapping[str, float]:
    """How well held-out normals are rebuilt; no abnormal film is looked at."""
    network.eval()
    with torch.inference_mode():
        losses = [network.loss(x.to(loop.device())) for x in batches(films, boxes)]
    error = float(torch.stack(losses).mean())
    return {"validation_error": error, "closeness": -error}


def describe(
    arguments: argparse.Namespace,
    outcome: loop.Outcome[TrainedDetector],
    settings: loop.Settings,
    cases: list[Case],
) -> Card:
    def count(split: str, label: str) -> int:
        return sum(case.split == split and case.label == label for case in cases)

    return Card(
        id=arguments.id,
        title="Convolutional autoencoder",
        kind="detector",
        task="chest anomaly",
        modality="chest film",
        model=arguments.model,
        arguments={"size": SPEC.size},
        input=SPEC,
        labels=LABELS,
        threshold=0.0,
        policy=Policy("mean-k-std", {"k": 1.0}),
        training=Training(
            command=provenance.command(),
            settings=asdict(settings),
            curve=outcome.curve,
            minutes=round(outcome.minutes, 1),
            parameters=provenance.parameters(outcome.network),
        ),
        data={
            "name": "Kermany paediatric chest X-rays, normal films only (Mendeley rscbjbr9sj)",
            "licence": "CC BY 4.0",
            "split": "validation carved from train by patient and file; official test opened once",
            "train": count("train", "normal"),
            "calibration": count("calibration", "normal"),
            "validation": count("validation", "normal"),
            "test normal": count("test", "normal"),
            "test pneumonia": count("test", "pneumonia"),
        },
        intended_use="Shows how unlike normal children's films a frontal film is. Teaching and research.",
        limitations=(
            "Measures unlikeness of any cause: a turned child, a tube or another machine raises it too.",
            "A faint opacity can be rebuilt as well as healthy lung and then goes unseen.",
            "Trained on children of one to five years from one hospital.",
        ),
        licence="MIT",
        seed=arguments.seed,
        commit=provenance.commit(),
        sha256="",
        report={},
        scales={},
        shift={},
    )


if __name__ == "__main__":
    main()
