"""Detectors small enough to be fitted again and again, on scans that are drawn."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from core import cards
from core.card_types import Card, Policy, Scores
from core.detectors.base import DetectorOutput, FittedDetector
from core.names import CHEST_FILM, REALISED_FPR
from core.types import InputSpec
from train.data.datasets import Case
from train.data.sources import SOURCES
from train.measures import training_normals

SPEC = InputSpec(size=8, channels=1, mean=(0.0,), std=(1.0,), region="whole")
CARD = next(card for card in cards.every() if card.id == "chest-detail-lungs")
RUNS = 8


class Remembers(FittedDetector):
    """Scores 0 what it was fitted to and 1 what it was not."""

    def __init__(self) -> None:
        super().__init__()
        self.known: list[Tensor] = []

    def fit(self, batches: Iterable[Tensor]) -> None:
        self.known = [row for x in batches for row in x]

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        pass

    def score(self, x: Tensor) -> DetectorOutput:
        new = [not any(torch.equal(row, known) for known in self.known) for row in x]
        return DetectorOutput(torch.tensor(new, dtype=torch.float32), torch.zeros(len(x), 1, 1), None)


def normal(number: int) -> Case:
    name = f"train/NORMAL/IM-{number:04}-0001.jpeg"
    return Case(Path(name), name, "normal", f"normal-{number}", "train")


CASES = [normal(100 * run + place) for run in range(RUNS) for place in range(3)]


def test_each_normal_is_judged_by_a_detector_that_saw_nothing_of_its_run(monkeypatch: pytest.MonkeyPatch):
    fitted = []

    def refitted(card: Card, source: object, normals: object) -> Remembers:  # noqa: ARG001
        network = Remembers()
        films = normals.films["train"]  # type: ignore[attr-defined]
        network.fit(
            [training_normals.sources.normalise(training_normals.sources.stretch(films.float()), SPEC)]
        )
        fitted.append(len(films))
        return network

    films = torch.rand(len(CASES), 1, 8, 8, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(training_normals, "read_films", lambda _: films)
    monkeypatch.setattr(training_normals, "refitted", refitted)
    monkeypatch.setattr(training_normals, "region_boxes", lambda films, _: torch.zeros(len(films), 4))
    card = replace(CARD, input=SPEC, modality=CHEST_FILM)
    assert training_normals.out_of_fold(card, SOURCES["chest"], CASES) == [1.0] * len(CASES)
    assert len(fitted) == training_normals.FOLDS
    assert all(count % 3 == 0 for count in fitted)  # whole runs


def test_a_normal_whose_patient_is_in_another_run_too_is_not_counted():
    twin = replace(CASES[0], patient=CASES[-1].patient)
    apart = training_normals.apart_from_the_rest(CARD, [twin, *CASES[1:]])
    assert apart.tolist() == [False, *[True] * (len(CASES) - 2), False]


def test_only_normals_that_are_held_out_nowhere_are_scored():
    table = Scores(("test",), (CASES[0].name,), ("normal",), np.zeros(1), {})
    ill = replace(CASES[1], name="ill", label="pneumonia")
    held = replace(CASES[2], name="held", split="validation")
    kept = training_normals.learned_normals(CARD, table, [*CASES[:2], ill, held])
    assert kept == [CASES[1]]


def test_the_threshold_follows_from_them_and_the_figures_from_the_threshold(
    tmp_path: Path,
):
    table = cards.scores(CARD)
    cards.write(CARD, b"", table, tmp_path)
    high = np.full(len(CASES), table.score.max() + 1)
    cards.write_normals(CARD, training_normals.as_table(CASES, high), tmp_path)
    found = training_normals.choose_again(CARD, table, [], tmp_path)
    assert found.threshold > CARD.threshold
    assert found.policy == CARD.policy == Policy("mean-k-std", {"k": 1.0})
    assert found.figures[REALISED_FPR] == pytest.approx(1 - found.report["test"].points[0].specificity)
    assert cards.read(CARD.id, tmp_path) == found


def test_another_seed_draws_again_where_the_detector_draws():
    patchcore = replace(CARD, model="patchcore", arguments={"backbone": "dinov2-vits14"})
    assert training_normals.seeded(patchcore, 3).arguments == {"backbone": "dinov2-vits14", "seed": 3}
    assert training_normals.seeded(CARD, 3) == replace(CARD, seed=3)
