"""Recompute every figure of every card: python -m train.audit [--data DATA] [CARD ...]

From scores.csv, by scikit-learn alone. One line for each figure that is another, each case on two sides, each
card whose look at test no log knows; exit code 1 when there is any. With the data it also looks for copies of
test scans among those learned from or chosen by: to the byte, and of chest films by their looks.
"""

import argparse
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from sklearn import metrics
from torch import Tensor

from core import cards, names
from core.card_types import Card, Scores
from core.evaluation import openings
from core.evaluation.sources import patients
from core.evaluation.sources import sources as sources_of
from core.types import EvaluationReport, is_abnormal
from train.data import sources, tasks
from train.data.datasets import DATASETS, Case
from train.data.near_copies import ALIKE, thumbnails
from train.data.sources import SOURCES
from train.hospitals.sources import figures as figures_by_source

TOLERANCE = 1e-6


def main() -> None:
    arguments = parse()
    chosen = [card for card in cards.every() if not arguments.cards or card.id in arguments.cards]
    found = 0
    for card in chosen:
        table = cards.scores(card)
        for fault in [*faults(card, table), *(copies(card, table, arguments.data) if arguments.data else ())]:
            print(f"{card.id}: {fault}", flush=True)
            found += 1
    print(f"{len(chosen)} cards, {found} faults")
    raise SystemExit(1 if found else 0)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cards", nargs="*", metavar="CARD", help="all when left out")
    parser.add_argument("--data", type=Path, help="folder with the public data sets, for copies")
    return parser.parse_args()


def faults(card: Card, table: Scores, root: Path = cards.WEIGHTS) -> list[str]:
    """What the card says otherwise than its scores, one sentence each.

    card: as it ships.
    table: its scores.csv.
    root: where its log of openings lies.
    """
    split, truth = np.array(table.split), np.array([label != card.labels[0] for label in table.label])
    found = [*_columns(card, table), *_sides(card, table)]
    for name, report in card.report.items():
        rows = split == name
        found += _differing(f"{name}: ", said_of(report), recomputed(card, truth[rows], table.score[rows]))
    found += _differing("", card.figures, _figures(card, table, truth, split))
    found += _differing("shift of ", card.shift, _shift(card))
    for name in ("validation", "test"):
        if name in card.data and card.data[name] != (split == name).sum():
            found.append(
                f"data says {card.data[name]} {name} cases and scores.csv has {(split == name).sum()}"
            )
    if not openings.measured(card, root):
        found.append(f"{openings.FILE} knows of no look at test that gave this AUC")
    return found


def said_of(report: EvaluationReport) -> dict[str, float]:
    """The figures that the card quotes of one split."""
    point = report.points[0]
    return {
        "n": report.n,
        "abnormal": report.abnormal,
        "AUC": report.auc,
        "average precision": report.average_precision,
        "accuracy": point.accuracy,
        "sensitivity": point.sensitivity,
        "specificity": point.specificity,
        "F1": point.f1,
        "threshold": point.threshold,
    } | ({} if report.brier is None else {"Brier score": report.brier})


def recomputed(card: Card, truth: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """The same by scikit-learn. truth: (n,) bool. score: (n,)."""
    called = is_abnormal(score, card.threshold)
    found = {
        "n": len(truth),
        "abnormal": truth.sum(),
        "AUC": metrics.roc_auc_score(truth, score),
        "average precision": metrics.average_precision_score(truth, score),
        "accuracy": metrics.accuracy_score(truth, called),
        "sensitivity": metrics.recall_score(truth, called),
        "specificity": metrics.recall_score(truth, called, pos_label=0),
        "F1": metrics.f1_score(truth, called),
        "threshold": card.threshold,
    }
    if card.kind == "classifier":
        found["Brier score"] = metrics.brier_score_loss(truth, score)
    return {name: float(value) for name, value in found.items()}


def _columns(card: Card, table: Scores) -> Iterator[str]:
    if set(table.split) != {"validation", "test"}:
        yield "scores.csv must hold the splits validation and test"
    if unknown := set(table.label) - set(card.labels):
        yield f"scores.csv holds labels that the card does not know: {', '.join(sorted(unknown))}"
    if card.kind == "classifier":
        columns = np.stack([table.probabilities[name] for name in card.labels])
        if np.abs(columns.sum(axis=0) - 1).max() > 1e-4:
            yield "probabilities in scores.csv do not add up to 1"
        if np.abs(columns[1:].sum(axis=0) - table.score).max() > 1e-4:
            yield "scores in scores.csv are not 1 - P(normal)"


def _sides(card: Card, table: Scores) -> Iterator[str]:
    """Cases and patients on two sides, as their names tell."""
    for what, given in (("case", table.case), ("patient", patients(card.modality, table.case))):
        side = {
            name: {s for s, n in zip(table.split, given, strict=True) if n == name} for name in set(given)
        }
        if both := sorted(name for name, splits in side.items() if len(splits) > 1):
            yield f"{len(both)} {what}s on two sides, such as {both[0]}"
    if len(set(table.case)) < len(table.case):
        yield "a case has two rows in scores.csv"


def _figures(card: Card, table: Scores, truth: np.ndarray, split: np.ndarray) -> dict[str, float]:
    """Those of the card's other figures that follow from scores.csv."""
    found: dict[str, float] = {}
    if any(name.startswith(names.SCANS_OF) for name in card.figures):
        found |= figures_by_source(card, table)
    if names.REALISED_FPR in card.figures:
        called = is_abnormal(table.score, card.threshold)
        tested, held = split == "test", split == "validation"
        alarm = is_abnormal(table.score, card.figures[names.CONFORMAL_THRESHOLD])
        found |= {
            names.VALIDATION_FPR: called[held & ~truth].mean(),
            names.REALISED_FPR: called[tested & ~truth].mean(),
            names.CONFORMAL_REALISED_FPR: alarm[tested & ~truth].mean(),
            names.BALANCED_ACCURACY: metrics.balanced_accuracy_score(truth[tested], called[tested]),
        }
    return {name: float(value) for name, value in found.items() if name in card.figures}


def _shift(card: Card) -> dict[str, float]:
    before, after = (said_of(card.report[name]) for name in ("validation", "test"))
    return {
        "auc": after["AUC"] - before["AUC"],
        **{name: after[name] - before[name] for name in ("sensitivity", "specificity")},
    }


def _differing(where: str, said: Mapping[str, float], again: Mapping[str, float]) -> list[str]:
    return [
        f"{where}{name} is {said[name]:.6g} on the card and {value:.6g} from scores.csv"
        for name, value in again.items()
        if name not in said or not abs(said[name] - value) <= TOLERANCE
    ]


def copies(card: Card, table: Scores, data: Path) -> Iterator[str]:
    """Test scans that are also among those learned from or chosen by. Disclosed near copies are no fault.

    card: as it ships.
    table: its scores.csv, which says what was held out.
    data: the folder with the public data sets.
    """
    cases = cases_of(card, data)
    known = {case.name: case for case in cases}
    if missing := [name for name in table.case if name not in known]:
        yield f"{len(missing)} cases of scores.csv are not in the data, such as {missing[0]}"
    side = dict(zip(table.case, table.split, strict=True))
    tested = [known[name] for name in table.case if side[name] == "test" and name in known]
    others = [case for case in cases if side.get(case.name, case.split) != "test" and learned(card, case)]
    seen = {digest(case.path): case.name for case in others}
    if same := [case.name for case in tested if digest(case.path) in seen]:
        yield f"{len(same)} test scans are also learned from or chosen by, to the byte, such as {same[0]}"
    near = near_copies(card, tested, others)
    if near and not any("near copy" in line for line in card.limitations):
        yield f"{len(near)} test films have a near copy among the others, such as {near[0]}"


def cases_of(card: Card, data: Path) -> list[Case]:
    """All cases of the card's data sets, in their splits."""
    if card.kind == "classifier":
        return tasks.load_cases(tasks.task_of_card(card), data, card.seed)
    (source,) = [source for source in SOURCES.values() if source.task == card.task]
    found = sources.load_cases(source, data, card.seed)
    named = {case.name for case in found}
    # older cards were validated on abnormal scans that later ones leave out
    return found + [
        case for name in source.datasets for case in DATASETS[name](data) if case.name not in named
    ]


def learned(card: Card, case: Case) -> bool:
    """Whether the card may have seen the case before its test: detectors learn from normal scans alone."""
    return card.kind == "classifier" or case.label == card.labels[0] or case.split == "validation"


def near_copies(card: Card, tested: Sequence[Case], others: Sequence[Case]) -> list[str]:
    """Test films whose thumbnail is nearly another's; Kermany's films are too much alike for that."""
    if card.modality != names.CHEST_FILM:
        return []
    tested, others = (_not_kermany(card, cases) for cases in (tested, others))
    if not tested or not others:
        return []
    alike = seen(tuple(c.path for c in tested), tested) @ seen(tuple(c.path for c in others), others).T
    return [case.name for case, row in zip(tested, alike, strict=True) if bool((row > ALIKE).any())]


def _not_kermany(card: Card, cases: Iterable[Case]) -> list[Case]:
    listed = list(cases)
    places = sources_of(card.modality, [case.name for case in listed])
    return [case for case, place in zip(listed, places, strict=True) if place != "Kermany"]


_SEEN: dict[tuple[Path, ...], Tensor] = {}


def seen(paths: tuple[Path, ...], cases: Sequence[Case]) -> Tensor:
    """Thumbnails, read once for all cards that share the films. paths: of the cases."""
    if paths not in _SEEN:
        _SEEN[paths] = thumbnails(cases)
    return _SEEN[paths]


@cache
def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
