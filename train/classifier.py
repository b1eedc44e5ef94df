"""Train a classifier and write its card: python -m train.classifier --data DATA --task TASK --model MODEL

On several GPUs or machines: torchrun --nproc-per-node 2 -m train.classifier ...
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import log_loss
from torch import Generator, Tensor
from torch.nn import functional as F

from core import checkpoints
from core.models import Classifier, FrozenBaseClassifier
from core.types import InputSpec
from train import runs, seeds
from train.data import augment, film_processing, films, tasks
from train.data.datasets import Case, in_split
from train.data.film_processing import FILM_PROCESSING
from train.data.tasks import TASKS, Task
from train.fit import calibration, distillation, loop, recipes, views
from train.fit.metrics import mean_auc
from train.fit.recipes import RECIPES, Recipe
from train.publish import classifier_card
from train.publish.provenance import Trained


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One split. films: (N, 1, H, W). boxes: (N, 4). truth: (N,), classes."""

    films: Tensor
    boxes: Tensor
    truth: Tensor


def main() -> None:
    arguments = parse()
    loop.join_process_group()
    torch.manual_seed(arguments.seed)
    task, recipe = tasks.task_by_name(arguments.task, adults=arguments.adults), RECIPES[arguments.model]
    recipe = replace(recipe, settings=settings_from(recipe, arguments))
    if arguments.processing:
        recipe = replace(recipe, processing=tuple(arguments.processing))
    spec = recipe.input(task.region)
    cases = tasks.load_cases(task, arguments.data, seed=0)  # the same validation films whatever the seed
    train, validation = (load_split(task, in_split(cases, name), arguments.runs) for name in SPLITS)

    network = recipes.build(recipe, len(task.labels))
    recipes.initialise(network, recipe, arguments.init)
    if isinstance(network, FrozenBaseClassifier):
        checkpoints.load_dependencies(network)
    folder = arguments.runs / f"{task.card(arguments.model)}-{arguments.seed}"
    if arguments.fresh:
        loop.discard_checkpoints(folder)
    outcome = train_classifier(network, recipe, spec, train, validation, folder, arguments.runs)
    if loop.rank_and_size()[0] > 0:
        return
    best = outcome.network.cpu().eval()
    logits = views.logits(best, validation.films, validation.boxes, spec)
    temperature = calibration.fit_temperature(logits, validation.truth)
    calibration.fold_temperature(best, temperature)
    measured = calibration.calibration_metrics(logits, validation.truth, temperature)
    if arguments.dry:
        seeds.save_validation_auc(folder, logits, validation.truth)
        return
    trained = Trained(
        card_id=task.card(arguments.model),
        model=recipe.model,
        arguments=recipes.arguments(recipe, len(task.labels)),
        input=spec,
        network=best,
        cases=cases,
        settings=asdict(recipe.settings),
        curve=outcome.curve,
        minutes=outcome.minutes,
        seed=arguments.seed,
    )
    remarks = (recipe.remark,) if recipe.remark else ()
    card = classifier_card.draft_classifier_card(trained, task, task.title(recipe.title), remarks=remarks)
    classifier_card.publish_classifier(replace(card, figures=measured), best, cases)


SPLITS = ("train", "validation")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--task", choices=sorted(TASKS), default="pneumonia")
    parser.add_argument("--adults", action="store_true", help="learn from adults' films too")
    parser.add_argument("--model", choices=sorted(RECIPES), default="cnn")
    parser.add_argument("--init", default="imagenet", help="folder with pretrained weights, or imagenet")
    parser.add_argument("--epochs", type=int, help="as the recipe says when left out")
    parser.add_argument(
        "--processing", nargs="+", choices=sorted(FILM_PROCESSING), help="augmentations beside the usual ones"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go")
    parser.add_argument("--fresh", action="store_true", help="begin anew instead of going on from there")
    parser.add_argument("--dry", action="store_true", help="train and validate; write no card, open no test")
    return parser.parse_args()


def settings_from(recipe: Recipe, arguments: argparse.Namespace) -> loop.Settings:
    epochs = arguments.epochs or recipe.settings.epochs
    return replace(recipe.settings, epochs=epochs, seed=arguments.seed)


def load_split(task: Task, cases: list[Case], folder: Path) -> Split:
    """Read one split of a task.

    task: gives the labels and the region to look into.
    cases: of that split alone.
    folder: where films are kept once read.
    """
    shown, boxes = films.load(cases, task.region, folder)
    return Split(shown, boxes, torch.tensor([task.labels.index(case.label) for case in cases]))


def train_classifier(
    network: Classifier,
    recipe: Recipe,
    spec: InputSpec,
    train: Split,
    validation: Split,
    folder: Path,
    features: Path,
) -> loop.Outcome[Classifier]:
    """Train the head first where the recipe says so, then everything that is not frozen.

    network: with its starting weights; it is changed.
    recipe: how long, how fast, what is frozen, and whether a teacher is distilled.
    spec: what the network is fed.
    train, validation: the two splits.
    folder: of the checkpoints.
    features: where those of the teacher are kept.
    Returns the network with the best mean AUC on validation, without the distillation head.
    """
    weights = len(train.truth) / (train.truth.bincount() * len(train.truth.bincount()))
    teacher = None
    if recipe.distilled:
        teacher = distillation.teacher_features(train.films, train.boxes, spec.region, features)
        with torch.no_grad():
            depth = network.embed(torch.zeros(2, spec.channels, spec.size, spec.size)).shape[1]
        network = distillation.Student(network, depth, teacher.shape[1])

    code = runs.code(batch_loss, validation_metrics, distillation, views, augment, film_processing)
    inputs = {
        "films or labels": (train, validation),
        "input": spec,
        "film processing": recipe.processing,
        "teacher": teacher,
        "code": code,
    }

    def fit(settings: loop.Settings, to: Path) -> loop.Outcome[Classifier]:
        return loop.fit(
            network,
            cases=len(train.truth),
            batch_loss=lambda net, chosen, generator: batch_loss(
                net, train, chosen, weights, spec, teacher, generator, recipe.processing
            ),
            validate=lambda net: validation_metrics(net, spec, validation),
            watch="auc_shifted",
            settings=settings,
            inputs=inputs,
            folder=to,
        )

    if recipe.warm_up:
        learning = [p for name, p in network.named_parameters() if p.requires_grad and not is_head(name)]
        for parameter in learning:
            parameter.requires_grad_(False)
        first = replace(recipe.settings, epochs=recipe.warm_up, learning_rate=1e-3, average=0.9)
        network.load_state_dict(fit(first, folder / "head").network.state_dict())
        for parameter in learning:
            parameter.requires_grad_(True)
    outcome = fit(recipe.settings, folder)
    if isinstance(outcome.network, distillation.Student):
        return replace(outcome, network=outcome.network.network)
    return outcome


def is_head(name: str) -> bool:
    return name.startswith(("classifier.", "fc.", "dense.", "linear."))


def batch_loss(
    network: Classifier,
    train: Split,
    chosen: Tensor,
    weights: Tensor,
    spec: InputSpec,
    teacher: Tensor | None,
    generator: Generator,
    processing: Sequence[str] = (),
) -> Tensor:
    """Cross-entropy, classes weighted to count alike, on augmented films.

    train: the split that `chosen` (B,) are places in.
    weights: (K,), of the classes.
    teacher: (N, D), what the teacher sees in each film; None where the student learns from labels alone.
    processing: names in FILM_PROCESSING.
    Returns a scalar.
    """
    x = views.augmented(train.films[chosen], train.boxes[chosen], spec, generator, processing=processing)
    maps = network.features(x.to(loop.device()).contiguous(memory_format=torch.channels_last))
    logits = network.head(maps).float()
    truth = train.truth[chosen].to(logits.device)
    loss = F.cross_entropy(logits, truth, weight=weights.to(logits.device), label_smoothing=0.05)
    if teacher is not None and isinstance(network, distillation.Student):
        loss = loss + distillation.WEIGHT * network.distance(maps, teacher[chosen].to(logits.device))
    return loss


def validation_metrics(network: Classifier, spec: InputSpec, validation: Split) -> Mapping[str, float]:
    """AUC and accuracy on validation, and the mean of AUCs with those under simulated shift (on a third).

    network: the one in training.
    spec: what it is fed.
    validation: the split.
    """

    def probabilities(part: Split, change: views.Transform | None = None) -> np.ndarray:
        logits = views.logits(network, part.films, part.boxes, spec, change)
        return logits.double().softmax(1).numpy()

    sample = Split(validation.films[::3], validation.boxes[::3], validation.truth[::3])
    plain = probabilities(validation)
    shifted = {
        f"auc_{name}": mean_auc(probabilities(sample, change), sample.truth)
        for name, change in views.SHIFTS.items()
    }
    areas = {"auc": mean_auc(plain, validation.truth), **shifted}
    return {
        **areas,
        "auc_shifted": sum(areas.values()) / len(areas),
        "accuracy": float((plain.argmax(1) == validation.truth.numpy()).mean()),
        "validation_loss": float(log_loss(validation.truth, plain)),
    }


if __name__ == "__main__":
    main()
