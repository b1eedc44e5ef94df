"""Train a small head on a frozen network: python -m train.probe --data DATA --task TASK --model MODEL

The frozen network sees every training film several times, each time augmented anew; the head then
learns from these feature vectors in seconds.
"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from core import cards, checkpoints
from core.card_types import Card
from core.models.backbones import MEAN, SIDE, STD
from core.models.frozen import DenseHead, LinearProbe, PooledHead
from core.types import InputSpec
from train import runs, seeds
from train.data import films, tasks
from train.data.datasets import Case, in_split
from train.data.tasks import TASKS, Task
from train.fit import calibration, loop
from train.fit.frozen_features import SPLITS, Features, extract_features, mean_lungs
from train.fit.metrics import mean_auc
from train.publish import classifier_card
from train.publish.provenance import Trained


@dataclass(frozen=True, slots=True)
class Head:
    """A title, and what the head stands on: a backbone, or the card that --on names."""

    title: str
    settings: loop.Settings
    backbone: str = ""


HEADS = {
    "dinov2": Head(
        "DINOv2 ViT-S, linear head",
        loop.Settings(epochs=60, batch=256, learning_rate=1e-3, weight_decay=1.0, average=0.98, bf16=False),
        backbone="dinov2-vits14",
    ),
    "dense": Head(
        "ResNet-50, frozen, dense head 512-128",
        loop.Settings(epochs=40, batch=128, learning_rate=1e-3, weight_decay=0.1, average=0.98, bf16=False),
    ),
}


def main() -> None:
    arguments = parse()
    torch.manual_seed(arguments.seed)
    task, head = tasks.task_by_name(arguments.task, adults=arguments.adults), HEADS[arguments.model]
    cases = tasks.load_cases(task, arguments.data, seed=0)
    if arguments.on:
        base = tasks.task_of_card(cards.read(arguments.on))
        refuse_leakage(cases, tasks.load_cases(base, arguments.data, seed=0), arguments.on)
    network, spec = build_network(head, arguments.on, task)
    parts = {name: films.load(in_split(cases, name), task.region, arguments.runs) for name in SPLITS}
    if isinstance(network, LinearProbe) and task.region == "lungs":
        network.set_spatial_weights(mean_lungs(*parts["train"]))
    # a head on another network must not go on from this one's checkpoint
    folder = arguments.runs / f"{task.card(arguments.model)}-{arguments.seed}-{network.of}"
    features = extract_features(
        network, spec, task, cases, parts, arguments.runs, copies=arguments.copies, seed=arguments.seed
    )
    if isinstance(network, LinearProbe):
        network.standardise(features["train"].views[""])
    settings = replace(head.settings, seed=arguments.seed)
    outcome = train_head(network, features, settings, folder)

    best = outcome.network.cpu().eval()
    logits, truth = head_logits(best, features["validation"].views[""]), features["validation"].truth
    temperature = calibration.fit_temperature(logits, truth)
    calibration.fold_temperature(best, temperature)
    if arguments.dry:
        seeds.save_validation_auc(folder, logits, truth)
        return
    card = probe_card(arguments, task, network, spec, cases, outcome, settings)
    card = replace(card, figures=calibration.calibration_metrics(logits, truth, temperature))
    classifier_card.publish_classifier(card, best, cases)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--task", choices=sorted(TASKS), default="etiology")
    parser.add_argument("--adults", action="store_true", help="learn from adults' films too")
    parser.add_argument("--model", choices=sorted(HEADS), default="dinov2")
    parser.add_argument("--on", default="", help="the card whose network a dense head stands on")
    parser.add_argument("--copies", type=int, default=4, help="times that each training film is looked at")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go")
    parser.add_argument("--fresh", action="store_true", help="begin anew instead of going on from there")
    parser.add_argument("--dry", action="store_true", help="train and validate; write no card, open no test")
    return parser.parse_args()


def refuse_leakage(cases: list[Case], base_cases: list[Case], base: str) -> None:
    """Raises SystemExit when the network underneath may have been trained on a scan that is held out here.

    cases: of the head.
    base_cases: of the network underneath.
    base: the name of its card.
    """
    names = {case.name for case in base_cases if case.split == "train"}
    seen = sum(case.name in names for case in cases if case.split != "train")
    if seen:
        raise SystemExit(
            f"{base} was trained on {seen} of the scans held out here: its figures would say nothing. "
            "Give --on a card of other scans."
        )


def build_network(head: Head, on: str, task: Task) -> tuple[PooledHead, InputSpec]:
    """A frozen network with a fresh head, and its input.

    head: what the head stands on.
    on: the card that --on names; "" where the head stands on a backbone.
    task: gives the classes and the region.
    """
    network: PooledHead
    if head.backbone:
        network = LinearProbe(of=head.backbone, classes=len(task.labels))
        spec = InputSpec(SIDE, 3, MEAN, STD, task.region)
    else:
        base = cards.read(on)
        network = DenseHead(of=f"{on}@{base.sha256[:12]}", classes=len(task.labels))
        spec = replace(base.input, region=task.region)
    checkpoints.load_dependencies(network)
    for parameter in network.base.parameters():
        parameter.requires_grad_(False)
    return network, spec


def train_head(
    network: PooledHead, features: Mapping[str, Features], settings: loop.Settings, folder: Path
) -> loop.Outcome[PooledHead]:
    """Train the head on the frozen network's features.

    network: frozen network and head; it is changed.
    features: by split.
    settings: how long and how fast.
    folder: of the checkpoint.
    """
    train = features["train"]
    every = torch.cat([train.views[""][None], train.copies])
    weights = len(train.truth) / (train.truth.bincount() * len(train.truth.bincount()))

    def batch_loss(net: PooledHead, chosen: Tensor, generator: Generator) -> Tensor:
        copy = torch.randint(len(every), (len(chosen),), generator=generator)
        return F.cross_entropy(net.logits(every[copy, chosen]), train.truth[chosen], weight=weights)

    def validate(net: PooledHead) -> Mapping[str, float]:
        validation = features["validation"]
        areas = {
            f"auc_{name}" if name else "auc": mean_auc(
                head_logits(net, pooled).double().softmax(1).numpy(), validation.truth
            )
            for name, pooled in validation.views.items()
        }
        right = head_logits(net, validation.views[""]).argmax(1) == validation.truth
        return {
            **areas,
            "auc_shifted": sum(areas.values()) / len(areas),
            "accuracy": float(right.float().mean()),
        }

    return loop.fit(
        network,
        cases=len(train.truth),
        batch_loss=batch_loss,
        validate=validate,
        watch="auc_shifted",
        settings=settings,
        inputs={"features or labels": dict(features), "code": runs.code(train_head, head_logits)},
        folder=folder,
    )


def head_logits(network: PooledHead, pooled: Tensor) -> Tensor:
    network.eval()
    with torch.inference_mode():
        return network.logits(pooled)


def probe_card(
    arguments: argparse.Namespace,
    task: Task,
    network: PooledHead,
    spec: InputSpec,
    cases: list[Case],
    outcome: loop.Outcome[PooledHead],
    settings: loop.Settings,
) -> Card:
    """The card, without its figures.

    arguments: of the command line.
    task: which labels, which data.
    network: frozen network and head.
    spec: what it is fed.
    cases: of all splits.
    outcome: of the training.
    settings: of the training.
    """
    head = HEADS[arguments.model]
    model = "probe" if head.backbone else "dense-head"
    trained = Trained(
        card_id=task.card("resnet50" if model == "dense-head" else arguments.model),
        model=model,
        arguments={"of": network.of, "classes": len(task.labels)},
        input=spec,
        network=network,
        cases=cases,
        settings=asdict(settings),
        curve=outcome.curve,
        minutes=outcome.minutes,
        seed=arguments.seed,
    )
    remark = f"Only the head was trained; it stands on {network.of.partition('@')[0]}."
    return classifier_card.draft_classifier_card(trained, task, task.title(head.title), remarks=(remark,))


if __name__ == "__main__":
    main()
