"""Train a classifier and write its card: python -m train.classifier --data DATA"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from sklearn.metrics import log_loss, roc_auc_score
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from core import lungs
from core.models import MODELS, Classifier
from core.preprocess import normalise, stretch
from core.resample import crop
from core.types import Card, InputSpec, Policy, Training
from train import augment, loop, provenance, report
from train.data import DATASETS, Case, carve, load_films

SPEC = InputSpec(size=160, channels=1, mean=(0.5,), std=(0.25,), region="lungs")
LABELS = ("normal", "pneumonia")


def main() -> None:
    arguments = parse()
    torch.manual_seed(arguments.seed)
    cases = carve(DATASETS["chest_xray"](arguments.data), folds=7, seed=arguments.seed)
    train = [case for case in cases if case.split == "train"]
    validation = [case for case in cases if case.split == "validation"]
    films, checks = load_films(train), load_films(validation)
    boxes, check_boxes = lungs.boxes(films), lungs.boxes(checks)
    labels = torch.tensor([LABELS.index(case.label) for case in train])
    truth = torch.tensor([LABELS.index(case.label) for case in validation])
    weights = len(train) / (len(LABELS) * torch.bincount(labels).float())

    network = MODELS[arguments.model](classes=len(LABELS))
    settings = loop.Settings(
        epochs=arguments.epochs, batch=32, learning_rate=2e-3, weight_decay=5e-2, seed=arguments.seed
    )
    outcome = loop.fit(
        network,
        cases=len(train),
        batch_loss=lambda net, chosen, generator: batch_loss(
            net, films[chosen].float(), boxes[chosen], labels[chosen], weights, generator
        ),
        validate=lambda net: figures(net, checks, check_boxes, truth),
        watch="auc",
        settings=settings,
        folder=arguments.runs / arguments.id,
    )
    report.publish(describe(arguments, outcome, settings, cases), outcome.network.cpu(), cases)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with chest_xray/")
    parser.add_argument("--id", default="pneumonia-cnn", help="name of the folder in weights/")
    parser.add_argument("--model", choices=sorted(MODELS), default="cnn")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go")
    return parser.parse_args()


def batch_loss(
    network: nn.Module, films: Tensor, boxes: Tensor, labels: Tensor, weights: Tensor, generator: Generator
) -> Tensor:
    """Cross-entropy, classes weighted to count alike, on films as another day would have shown them."""
    moved, angle = augment.jitter_boxes(boxes, generator)
    x = augment.mirror(crop(films, moved, SPEC.size, angle=angle), generator)
    x = stretch(augment.acquisition(x, generator))
    x = augment.erase(augment.exposure(x, generator), generator)
    x = normalise(x, SPEC).to(loop.device()).contiguous(memory_format=torch.channels_last)
    logits = network(x).float()
    return F.cross_entropy(
        logits, labels.to(logits.device), weight=weights.to(logits.device), label_smoothing=0.05
    )


def probabilities(network: nn.Module, films: Tensor, boxes: Tensor) -> Tensor:
    """(N, K), without augmentation, in batches."""
    network.eval()
    with torch.inference_mode():
        batches = [
            network(normalise(stretch(crop(f.float(), b, SPEC.size)), SPEC).to(loop.device())).float().cpu()
            for f, b in zip(films.split(64), boxes.split(64), strict=True)
        ]
    return torch.softmax(torch.cat(batches).double(), dim=1)


def figures(network: nn.Module, films: Tensor, boxes: Tensor, truth: Tensor) -> Mapping[str, float]:
    """AUC and loss on validation as it is, and AUC when every film is blurred."""
    predicted = probabilities(network, films, boxes)
    blurred = probabilities(network, augment.blur(films.float(), 1.2), boxes)
    abnormal = truth != 0
    return {
        "auc": float(roc_auc_score(abnormal, 1 - predicted[:, 0])),
        "auc_blurred": float(roc_auc_score(abnormal, 1 - blurred[:, 0])),
        "validation_loss": float(log_loss(truth, predicted)),
    }


def describe(
    arguments: argparse.Namespace,
    outcome: loop.Outcome[Classifier],
    settings: loop.Settings,
    cases: list[Case],
) -> Card:
    count = {split: sum(case.split == split for case in cases) for split in ("train", "validation", "test")}
    return Card(
        id=arguments.id,
        title="Small CNN",
        kind="classifier",
        task="pneumonia",
        modality="chest film",
        model=arguments.model,
        arguments={"classes": len(LABELS)},
        input=SPEC,
        labels=LABELS,
        threshold=0.5,
        policy=Policy("youden"),
        training=Training(
            command=provenance.command(),
            settings=asdict(settings),
            curve=outcome.curve,
            minutes=round(outcome.minutes, 1),
            parameters=provenance.parameters(outcome.network),
        ),
        data={
            "name": "Kermany paediatric chest X-rays, official split (Mendeley rscbjbr9sj)",
            "licence": "CC BY 4.0",
            "split": "validation carved from train by patient and file; official test opened once",
            **count,
        },
        intended_use="Shows whether a child's frontal chest film looks like pneumonia. For teaching.",
        limitations=(
            "Trained on children of one to five years from one hospital; no other hospital was tested.",
            "Films of the two classes were made differently; part of the figure may be acquisition.",
            "Patient numbers recur between the official train and test splits, perhaps by chance.",
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
