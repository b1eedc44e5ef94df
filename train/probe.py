"""Train a small head on a frozen network: python -m train.probe --data DATA --task TASK --model MODEL

The frozen network sees every training film several times, each time as another day would have shown it; the
head then learns from these lists of numbers in seconds.
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
from train.classifier import area
from train.data import films, tasks
from train.data.datasets import Case
from train.data.tasks import TASKS, Task
from train.fit import calibration, loop, views
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
class Numbers:
    """What the frozen network makes of films. copies: (M, N, W). shown: (N, W) per simulated shift, or ""."""

    copies: Tensor
    shown: Mapping[str, Tensor]
    truth: Tensor


def main() -> None:
    arguments = parse()
    torch.manual_seed(arguments.seed)
    task, head = tasks.asked(arguments.task, adults=arguments.adults), HEADS[arguments.model]
    cases = tasks.gather(task, arguments.data, seed=0)
    if arguments.on:
        below = tasks.of_card(cards.read(arguments.on))
        refuse_seen(cases, tasks.gather(below, arguments.data, seed=0), arguments.on)
    network, spec = stand(head, arguments.on, task)
    parts = {name: films.load(tasks.of_split(cases, name), task.region, arguments.runs) for name in SPLITS}
    if isinstance(network, LinearProbe) and task.region == "lungs":
        network.set_spatial_weights(usual_lungs(*parts["train"]))
    # a head on another network must not go on from this one's checkpoint
    folder = arguments.runs / f"{task.card(arguments.model)}-{arguments.seed}-{network.of}"
    numbers = gather(
        network, spec, task, cases, parts, arguments.runs, copies=arguments.copies, seed=arguments.seed
    )
    if isinstance(network, LinearProbe):
        network.standardise(numbers["train"].shown[""])
    settings = replace(head.settings, seed=arguments.seed)
    outcome = learn(network, numbers, settings, folder)

    best = outcome.network.cpu().eval()
    logits, truth = top(best, numbers["validation"].shown[""]), numbers["validation"].truth
    warmth = calibration.temperature(logits, truth)
    calibration.fold(best, warmth)
    if arguments.dry:
        seeds.remember(folder, logits, truth)
        return
    card = describe(arguments, task, network, spec, cases, outcome, settings)
    card = replace(card, figures=calibration.figures(logits, truth, warmth))
    classifier_card.publish(card, best, cases)


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


def refuse_seen(cases: list[Case], taught: list[Case], base: str) -> None:
    """Raises SystemExit when the network underneath may have learned from a scan that is held out here."""
    names = {case.name for case in taught if case.split == "train"}
    seen = sum(case.name in names for case in cases if case.split != "train")
    if seen:
        raise SystemExit(
            f"{base} was taught with {seen} of the scans held out here: its figures would say nothing. "
            "Give --on a card of other scans."
        )


def stand(head: Head, on: str, task: Task) -> tuple[PooledHead, InputSpec]:
    """The network with a fresh head, and its input."""
    network: PooledHead
    if head.backbone:
        network = LinearProbe(of=head.backbone, classes=len(task.labels))
        spec = InputSpec(SIDE, 3, MEAN, STD, task.region)
    else:
        below = cards.read(on)
        network = DenseHead(of=f"{on}@{below.sha256[:12]}", classes=len(task.labels))
        spec = replace(below.input, region=task.region)
    checkpoints.load_dependencies(network)
    for parameter in network.base.parameters():
        parameter.requires_grad_(False)
    return network, spec


def usual_lungs(shown: Tensor, boxes: Tensor, count: int = 200) -> Tensor:
    """(SIDE, SIDE), the mean lungs of aligned training films."""
    chances = torch.cat([lungs.probabilities(part.float()) for part in shown[:count].split(50)])[:, None]
    wide = F.interpolate(chances, shown.shape[-2:], mode="bilinear")
    return crop(wide, boxes[:count], SIDE).mean((0, 1))


def gather(
    network: PooledHead,
    spec: InputSpec,
    task: Task,
    cases: list[Case],
    parts: Mapping[str, tuple[Tensor, Tensor]],
    folder: Path,
    *,
    copies: int,
    seed: int,
) -> dict[str, Numbers]:
    """Ask the frozen network about every film, or read its answers from an earlier run."""

    def ask() -> dict[str, tuple[Tensor, dict[str, Tensor]]]:
        with torch.inference_mode():
            generator = Generator().manual_seed(seed)
            shown, boxes = parts["train"]
            days = [seen(network, shown, boxes, spec, None, generator) for _ in range(copies)]
            train = torch.stack(days), {"": seen(network, shown, boxes, spec)}
            shown, boxes = parts["validation"]
            changed = {name: seen(network, shown, boxes, spec, change) for name, change in SHIFTS.items()}
            return {
                "train": train,
                "validation": (torch.empty(0), {"": seen(network, shown, boxes, spec), **changed}),
            }

    place = network.place if isinstance(network, LinearProbe) else None
    known = network.of, network.base.state_dict(), place, spec, parts, list(SHIFTS), copies, seed
    saved = cached("numbers", known, ask, folder)
    return {
        name: Numbers(
            *saved[name],
            truth=torch.tensor([task.labels.index(case.label) for case in tasks.of_split(cases, name)]),
        )
        for name in SPLITS
    }


def seen(
    network: PooledHead,
    shown: Tensor,
    boxes: Tensor,
    spec: InputSpec,
    change: views.Change | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """(N, W): pooled numbers of films as they are, changed on purpose, or as on another day."""
    rows = []
    for part, box in zip(shown.split(16), boxes.split(16), strict=True):
        changed = change(part.float()) if change else part
        x = (
            views.plain(changed, box, spec)
            if generator is None
            else views.another_day(part, box, spec, generator)
        )
        with precision.half("cpu"):
            maps = network.features(x.contiguous(memory_format=torch.channels_last))
        rows.append(network.pool(maps.float()))
    return torch.cat(rows)


def learn(
    network: PooledHead, numbers: Mapping[str, Numbers], settings: loop.Settings, folder: Path
) -> loop.Outcome[PooledHead]:
    train = numbers["train"]
    every = torch.cat([train.shown[""][None], train.copies])
    weights = len(train.truth) / (train.truth.bincount() * len(train.truth.bincount()))

    def batch_loss(net: PooledHead, chosen: Tensor, generator: Generator) -> Tensor:
        day = torch.randint(len(every), (len(chosen),), generator=generator)
        return F.cross_entropy(net.logits(every[day, chosen]), train.truth[chosen], weight=weights)

    def validate(net: PooledHead) -> Mapping[str, float]:
        validation = numbers["validation"]
        areas = {
            f"auc_{name}" if name else "auc": area(
                top(net, pooled).double().softmax(1).numpy(), validation.truth
            )
            for name, pooled in validation.shown.items()
        }
        right = top(net, validation.shown[""]).argmax(1) == validation.truth
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


def top(network: PooledHead, pooled: Tensor) -> Tensor:
    network.eval()
    with torch.inference_mode():
        return network.logits(pooled)


def describe(
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
    return classifier_card.draft(trained, task, task.title(head.title), remarks=(remark,))


if __name__ == "__main__":
    main()
