"""How much a figure owes to chance: python -m train.seeds CARD

Reads what `python -m train.classifier --dry --seed N` left in runs/ and says the spread on the card. On
validation: the test split is opened for the finished card alone.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from torch import Tensor

from core import cards, names
from core.card_types import Card
from train import runs

RESULT_FILE = "validation.json"


def main() -> None:
    arguments = parse()
    card = cards.read(arguments.card)
    if not isinstance(card, Card):
        raise SystemExit(f"{arguments.card} is no classifier.")
    table = cards.scores(card)
    held = [label for split, label in zip(table.split, table.label, strict=True) if split == "validation"]
    truth, areas = runs.digest([label != card.labels[0] for label in held]), [card.report["validation"].auc]
    for path in sorted(arguments.runs.glob(f"{card.id}-[0-9]*/{RESULT_FILE}")):
        other = json.loads(path.read_text())
        if other.get("truth") != truth:
            raise SystemExit(
                f"{path} is of other validation films than {card.id}: train it again with --fresh."
            )
        areas.append(other["auc"])
    if len(areas) < 2:
        raise SystemExit(f"No other seed of {card.id} in {arguments.runs}. Train with --dry --seed 1.")
    found = spread(areas)
    cards.update(card.id, figures=found)
    print(card.id, "  ".join(f"{name} {value:.4g}" for name, value in found.items()))


def spread(areas: Sequence[float]) -> dict[str, float]:
    """For the card. areas: validation AUCs, one of each seed, at least two."""
    return {
        names.SEED_AUC_MEAN: float(np.mean(areas)),
        names.SEED_AUC_SPREAD: float(np.std(areas, ddof=1)),
        names.SEEDS: float(len(areas)),
    }


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints went")
    return parser.parse_args()


def save_validation_auc(folder: Path, logits: Tensor, truth: Tensor) -> None:
    """Keep the validation AUC of abnormal against normal.

    folder: of the run.
    logits: (N, K).
    truth: (N,), classes; 0 is normal.
    """
    abnormal = truth != 0
    auc = float(roc_auc_score(abnormal, 1 - logits.double().softmax(1)[:, 0]))
    (folder / RESULT_FILE).write_text(json.dumps({"auc": auc, "truth": runs.digest(abnormal.tolist())}))
    print(f"Not published. Validation AUC {auc:.4f}")


if __name__ == "__main__":
    main()
