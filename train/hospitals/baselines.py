"""Fit what needs no lung, the border and the source: python -m train.hospitals.baselines --data DATA"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from core.models.border import Border, SourceGuess
from core.preprocess import stretch
from core.resample import FILM_SIZE
from core.types import InputSpec
from train.data.datasets import Case, in_split, read_films
from train.data.tasks import ALL_AGES, load_cases
from train.hospitals import sources
from train.publish import classifier_card, report
from train.publish.provenance import Trained

SOURCES = tuple(sources.PREFIXES[name] for name in ("Kermany", "COVID-19 Radiography", "NIH", "Shenzhen"))
SPEC = InputSpec(FILM_SIZE, 1, (0.0,), (1.0,), "whole")
REMARK = "A yardstick, not a model: it sees the border of a film and no lung."
PENALTY = 0.01  # the inverse of that on the weights of the regression


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    cases = load_cases(ALL_AGES, parser.parse_args().data, seed=0)
    train = in_split(cases, "train")
    truth = np.array([ALL_AGES.labels.index(case.label) for case in train])
    place = np.array([source_of(case) for case in train])
    border, guess = Border(), SourceGuess(sources=len(SOURCES))
    with torch.inference_mode():
        ring = rings(border, train)
        for network, name, title, wanted in (
            (border, "border", "Border alone", truth),
            (guess, "source-guess", "Source guessed", place),
        ):
            started = time.monotonic()
            fit(network, ring, wanted)
            if isinstance(network, SourceGuess):
                network.rates.copy_(rates(place, truth))
            minutes = (time.monotonic() - started) / 60
            publish(network.eval(), name, title, cases, minutes)


def source_of(case: Case) -> int:
    """The place in SOURCES."""
    return next(index for index, start in enumerate(SOURCES) if case.name.startswith(start))


def rings(network: Border, cases: Sequence[Case]) -> Tensor:
    """(N, W), the border of every film."""
    parts = [cases[start : start + 256] for start in range(0, len(cases), 256)]
    return torch.cat([network.ring(network.features(stretch(read_films(part).float()))) for part in parts])


def fit(network: Border, ring: Tensor, wanted: np.ndarray) -> None:
    """Regress on the border, classes counting alike. ring: (N, W). wanted: (N,)."""
    network.mean.copy_(ring.mean(0))
    network.std.copy_(ring.std(0) + 1e-3)
    z = ((ring - network.mean) / network.std).numpy()
    found = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=300).fit(z, wanted)
    weight, bias = torch.tensor(found.coef_), torch.tensor(found.intercept_)
    if len(weight) == 1:
        weight, bias = torch.cat([-weight / 2, weight / 2]), torch.cat([-bias / 2, bias / 2])
    network.linear.weight.copy_(weight)
    network.linear.bias.copy_(bias)


def rates(place: np.ndarray, truth: np.ndarray) -> Tensor:
    """(sources, classes), how frequent each class is in each source."""
    rows = [np.bincount(truth[place == source], minlength=2) for source in range(len(SOURCES))]
    return torch.tensor(np.array([row / row.sum() for row in rows]), dtype=torch.float32)


def publish(network: Border, name: str, title: str, cases: Sequence[Case], minutes: float) -> None:
    arguments: dict[str, bool | int | float | str] = {"classes": 2, "channels": 1}
    if isinstance(network, SourceGuess):
        arguments["sources"] = len(SOURCES)
    trained = Trained(
        card_id=f"pneumonia-all-ages-{name}",
        model=name,
        arguments=arguments,
        input=SPEC,
        network=network,
        cases=cases,
        settings={"penalty": PENALTY},
        minutes=minutes,
    )
    card = classifier_card.draft_classifier_card(
        trained, ALL_AGES, f"All ages, {title.lower()}", remarks=(REMARK,), yardstick=True
    )
    packed = report.pack(card, network)
    scores = report.score_cases(packed, cases)
    measured = sources.figures(report.with_report(packed.card, scores), scores)
    report.publish_card(replace(packed, card=replace(packed.card, figures=measured)), scores)


if __name__ == "__main__":
    main()
