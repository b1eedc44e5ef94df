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

from core import cards, checkpoints, precision
from core.anatomy import lungs
from core.card_types import Card
from core.models.backbones import MEAN, SIDE, STD
from core.models.frozen import DenseHead, LinearProbe, PooledHead
from core.resample import crop
from core.types import InputSpec
from train import seeds
from train.data import films, tasks
from train.data.datasets import Case
from train.data.tasks import TASKS, Task
from train.fit import calibration, loop, views
from train.fit.metrics import mean_auc
from train.fit.views import SHIFTS
from train.publish import classifier_card
from train.publish.provenance import Trained
from train.runs import cached


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


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What the frozen network sees in films.

    copies: (M, N, W), of augmented films.
    views: (N, W) per simulated shift, and under "" of the films as they are.
    truth: (N,), classes.
    """

    copies: Tensor
    views: Mapping[str, Tensor]
    truth: Tensor


def main() -> None:
    arguments = parse()
    torch.manual_seed(arguments.seed)
    task, head = tasks.task_by_name(arguments.task, adults=arguments.adults), HEADS[arguments.model]
    cases = tasks.load_cases(task, arguments.data, seed=0)
    if arguments.on:
        base = tasks.task_of_card(cards.read(arguments.on))
        refuse_leakage(cases, tasks.load_cases(base, arguments.data, seed=0), arguments.on)
    network, spec = build_network(head, arguments.on, task)
    parts = {name: films.load(tasks.in_split(cases, name), task.region, arguments.runs) for name in SPLITS}
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


SPLITS = ("train", "validation")


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
    parser.add_argument("--dry", action="store_true", help="train and validate; write no card, open no test")
    return parser.parse_args()


def refuse_leakage(cases: list[Case], base_cases: list[Case], base: str) -> None:
    """Raises SystemExit when the network underneath may have been trained on a scan that is held out here."""
    names = {case.name for case in base_cases if case.split == "train"}
    seen = sum(case.name in names for case in cases if case.split != "train")
    if seen:
        raise SystemExit(
            f"{base} was trained on {seen} of the scans held out here: its figures would say nothing. "
            "Give --on a card of other scans."
        )


def build_network(head: Head, on: str, task: Task) -> tuple[PooledHead, InputSpec]:
    """The network with a fresh head, and its input."""
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


def mean_lungs(shown: Tensor, boxes: Tensor, count: int = 200) -> Tensor:
    """(SIDE, SIDE), the mean lungs of aligned training films."""
    found = torch.cat([lungs.probabilities(part.float()) for part in shown[:count].split(50)])
    wide = F.interpolate(found[:, None], shown.shape[-2:], mode="bilinear")
    return crop(wide, boxes[:count], SIDE).mean((0, 1))


def extract_features(
    network: PooledHead,
    spec: InputSpec,
    task: Task,
    cases: list[Case],
    parts: Mapping[str, tuple[Tensor, Tensor]],
    folder: Path,
    *,
    copies: int,
    seed: int,
) -> dict[str, Features]:
    """Run the frozen network on every film, or read its features from an earlier run."""

    def compute() -> dict[str, tuple[Tensor, dict[str, Tensor]]]:
        with torch.inference_mode():
            generator = Generator().manual_seed(seed)
            shown, boxes = parts["train"]
            augmented = [pooled_features(network, shown, boxes, spec, None, generator) for _ in range(copies)]
            train = torch.stack(augmented), {"": pooled_features(network, shown, boxes, spec)}
            shown, boxes = parts["validation"]
            changed = {
                name: pooled_features(network, shown, boxes, spec, change) for name, change in SHIFTS.items()
            }
            return {
                "train": train,
                "validation": (torch.empty(0), {"": pooled_features(network, shown, boxes, spec), **changed}),
            }

    place = network.place if isinstance(network, LinearProbe) else None
    known = network.of, network.base.state_dict(), place, spec, parts, list(SHIFTS), copies, seed
    saved = cached("features", known, compute, folder)
    return {
        name: Features(
            *saved[name],
            truth=torch.tensor([task.labels.index(case.label) for case in tasks.in_split(cases, name)]),
        )
        for name in SPLITS
    }


def pooled_features(
    network: PooledHead,
    shown: Tensor,
    boxes: Tensor,
    spec: InputSpec,
    change: views.Transform | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """(N, W): pooled features of films as they are, under a simulated shift, or augmented."""
    rows = []
    for part, box in zip(shown.split(16), boxes.split(16), strict=True):
        changed = change(part.float()) if change else part
        x = (
            views.preprocessed(changed, box, spec)
            if generator is None
            else views.augmented(part, box, spec, generator)
        )
        with precision.half("cpu"):
            maps = network.features(x.contiguous(memory_format=torch.channels_last))
        rows.append(network.pool(maps.float()))
    return torch.cat(rows)


def train_head(
    network: PooledHead, features: Mapping[str, Features], settings: loop.Settings, folder: Path
) -> loop.Outcome[PooledHead]:
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
