"""Ask several classifiers together: python -m train.classifier_ensemble --data DATA --task pneumonia

Members are added one at a time, the one that lowers the validation cross-entropy most, while any does
(Caruana 2004, doi:10.1145/1015330.1015432).
"""

import argparse
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.special import log_softmax
from sklearn.metrics import log_loss

from core import cards, checkpoints
from core.card_types import Card, Scores
from core.models import ClassifierEnsemble
from core.resample import FILM_SIZE
from core.types import InputSpec
from train.data import tasks
from train.data.datasets import Case
from train.data.tasks import TASKS
from train.fit import calibration
from train.publish import classifier_card, report
from train.publish.provenance import Trained

MIN_MEMBERS = 2  # members, or it would be no ensemble


def main() -> None:
    arguments = parse()
    task = TASKS[arguments.task]
    candidates = [
        card
        for card in cards.shipped()
        if card.task == arguments.task and card.kind == "classifier" and is_candidate(card, arguments.without)
    ]
    candidates = same_validation_cases(candidates)
    log_probs = {card.id: log_probabilities(card, cards.scores(card)) for card in candidates}
    truth = true_classes(candidates[0], cards.scores(candidates[0]))
    chosen = select_members(log_probs, truth, most=arguments.most)
    if any(tasks.task_of_card(cards.read(name)).extra_training for name in chosen):
        task = tasks.with_adults(task)
    cases = with_validation_cases(
        tasks.load_cases(task, arguments.data, seed=0), validation_cases(candidates[0])
    )
    logits = torch.from_numpy(np.mean([log_probs[name] for name in chosen], axis=0))
    temperature = calibration.fit_temperature(logits, torch.from_numpy(truth))

    named = " ".join(f"{name}@{cards.read(name).sha256[:12]}" for name in chosen)
    network = ClassifierEnsemble(members=named).eval()
    network.temperature.fill_(temperature)
    checkpoints.load_dependencies(network)
    trained = Trained(
        card_id=f"{task.name}-ensemble",
        model="ensemble-classifier",
        arguments={"members": named},
        input=InputSpec(size=FILM_SIZE, channels=1, mean=(0.0,), std=(1.0,), region=task.region),
        network=network,
        cases=cases,
        settings={"rule": "greedy forward selection on validation", "candidates": " ".join(log_probs)},
    )
    remark = f"Members: {', '.join(chosen)}; each adds its time."
    card = classifier_card.draft_classifier_card(
        trained, task, f"Ensemble of {len(chosen)}", remarks=(remark,)
    )
    size = sum(cards.read(name).training.parameters for name in chosen)
    packed = report.pack(replace(card, training=replace(card.training, parameters=size)), network)
    scores = report.score_cases(packed, cases)
    measured = calibration_metrics(packed.card, scores, temperature)
    report.publish_card(replace(packed, card=replace(packed.card, figures=measured)), scores)


def calibration_metrics(card: Card, scores: Scores, temperature: float) -> dict[str, float]:
    """The calibration error of its own scores: members get their films resized once more through it.

    card: of the ensemble.
    scores: its own; members get their films resized once more through it.
    temperature: by which its logits were divided.
    """
    after = torch.from_numpy(log_probabilities(card, scores))
    return calibration.calibration_metrics(
        after * temperature, torch.from_numpy(true_classes(card, scores)), temperature
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--task", choices=sorted(TASKS), default="pneumonia")
    parser.add_argument("--most", type=int, default=5, help="members")
    parser.add_argument("--without", nargs="*", default=[], help="cards to leave out")
    return parser.parse_args()


def is_candidate(card: Card, without: Sequence[str]) -> bool:
    return not card.yardstick and card.model not in ("ensemble-classifier", "knn") and card.id not in without


def same_validation_cases(candidates: Sequence[Card]) -> list[Card]:
    """The largest group with the same validation cases: what one trained on cannot judge another."""
    groups: dict[tuple[str, ...], list[Card]] = {}
    for card in candidates:
        groups.setdefault(validation_cases(card), []).append(card)
    largest = max(groups.values(), key=len)
    left_out = [card.id for card in candidates if card not in largest]
    if left_out:
        print(f"Left out, validated on other cases: {', '.join(left_out)}")
    return largest


def validation_cases(card: Card) -> tuple[str, ...]:
    """Names of the validation cases."""
    table = cards.scores(card)
    return tuple(name for name, split in zip(table.case, table.split, strict=True) if split == "validation")


def with_validation_cases(cases: Sequence[Case], held: Collection[str]) -> list[Case]:
    """The cases, those as validation that the members were validated on: they learned from all others.

    Members that stand on another task's network keep that task's splits. Test cases stay what they are.
    """
    return [
        case if case.split == "test" else replace(case, split="validation" if case.name in held else "train")
        for case in cases
    ]


def log_probabilities(card: Card, table: Scores) -> np.ndarray:
    """(N, K), log probabilities of the validation cases."""
    held = np.array(table.split) == "validation"
    columns = np.stack([table.probabilities[label] for label in card.labels], axis=1)[held]
    return np.asarray(log_softmax(np.log(columns.clip(1e-6, 1)), axis=1))


def true_classes(card: Card, table: Scores) -> np.ndarray:
    """(N,), classes of the validation cases."""
    return np.array(
        [
            card.labels.index(label)
            for label, split in zip(table.label, table.split, strict=True)
            if split == "validation"
        ]
    )


def select_members(log_probs: dict[str, np.ndarray], truth: np.ndarray, *, most: int) -> list[str]:
    """Greedy forward selection. The measure is the cross-entropy: AUC is near 1 and says little any more.

    log_probs: (N, K) per candidate, by name.
    truth: (N,), classes.
    most: members at most.
    Returns names, best first.
    """
    chosen: list[str] = []
    best = np.inf
    while len(chosen) < min(most, len(log_probs)):
        losses = {
            name: cross_entropy([log_probs[n] for n in (*chosen, name)], truth)
            for name in log_probs
            if name not in chosen
        }
        name = min(losses, key=lambda candidate: losses[candidate])
        if losses[name] >= best and len(chosen) >= MIN_MEMBERS:
            break
        chosen.append(name)
        best = losses[name]
        print(f"{name}: validation cross-entropy {best:.4f}")
    return chosen


def cross_entropy(log_probs: list[np.ndarray], truth: np.ndarray) -> float:
    """Cross-entropy of the mean log probabilities, at the temperature that suits them."""
    mean = torch.from_numpy(np.mean(log_probs, axis=0))
    temperature = calibration.fit_temperature(mean, torch.from_numpy(truth))
    return float(log_loss(truth, (mean / temperature).softmax(1).numpy()))


if __name__ == "__main__":
    main()
