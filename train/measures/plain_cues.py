"""Say on each card what the border of its scans tells: python -m train.measures.plain_cues --data DATA

A logistic regression on the outer eighth of the training scans, normal against all else, judges the card's
own test scans. For detectors, which learn from normals alone, it is taught by the classifiers' scans of that
kind. Nothing is chosen here, and no network of a card is asked.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from core import cards, names
from core.card_types import Card
from core.models.border import Border
from train.data import tasks
from train.data.datasets import Case, in_split
from train.data.tasks import TASKS, Task
from train.hospitals.baselines import fit, rings
from train.runs import cached, code

TAUGHT_BY = {"chest anomaly": TASKS["pneumonia"], "brain MRI anomaly": TASKS["brain-mri"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where borders are kept")
    arguments = parser.parse_args()
    found: dict[tuple[str, ...], float] = {}
    for card in cards.shipped():
        task = task_of(card)
        if task is None:
            continue
        table = cards.scores(card)
        tested = [case for case, split in zip(table.case, table.split, strict=True) if split == "test"]
        key = (task.data["name"], *task.labels[:1], *sorted(tested))
        if key not in found:
            found[key] = border_auc(tasks.load_cases(task, arguments.data, seed=0), tested, arguments.runs)
        cards.update(card.id, figures={names.auc_by("border"): found[key]})
        print(f"{card.id}: AUC by border alone {found[key]:.3f}", flush=True)


def task_of(card: Card) -> Task | None:
    """Whose training scans teach the border; None where no normal and abnormal ones are learned from."""
    return tasks.task_of_card(card) if card.kind == "classifier" else TAUGHT_BY.get(card.task)


def border_auc(cases: Sequence[Case], tested: Sequence[str], runs: Path) -> float:
    """AUC of the border on the tested cases.

    cases: of the task, in their splits; the normal label is "normal".
    tested: names of those that the card was tested on.
    runs: where borders are kept.
    """
    by_name = {case.name: case for case in cases}
    train, test = in_split(cases, "train"), [by_name[name] for name in tested]
    network = Border()
    learned, seen = (borders(network, part, runs) for part in (train, test))
    with torch.inference_mode():
        fit(network, learned, np.array([int(case.label != "normal") for case in train]))
        logits = network.linear((seen - network.mean) / network.std)
    return float(roc_auc_score([case.label != "normal" for case in test], logits[:, 1]))


def borders(network: Border, cases: Sequence[Case], runs: Path) -> Tensor:
    """(N, W), read once."""
    known = [case.path for case in cases], code(Border, rings)
    return cached("borders", known, lambda: rings(network, cases), runs)


if __name__ == "__main__":
    main()
