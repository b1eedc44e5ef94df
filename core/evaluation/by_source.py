"""What a card does in each public set that it was measured on, home first: the table of truth."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from core import cards, names
from core.card_types import Card, Scores
from core.evaluation import openings, sources
from core.evaluation.cases import Floats, Ints, log_odds
from core.evaluation.clustered import Rate, auc_interval, rate, share_interval
from core.types import Interval, is_abnormal

TEST = "test"  # all test scans, as a source
EVEN = 0.6  # AUC of detail itself, beyond which scans of equal detail are not equal enough to prove anything


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One card on the test scans of one source, at the card's own threshold; intervals go by patient.

    home: whether validation holds scans of that source. n: scans of both classes. None: not known, or not
    to be had from one class. slope: of the log odds, 1 where probabilities hold, of classifiers. worst: the
    lowest mean of sensitivity and specificity among the card's sources, where there are several.
    """

    card_id: str
    title: str
    task: str
    source: str
    home: bool
    n: int
    abnormal: int
    auc: float | None
    auc_interval: Interval | None
    sensitivity: Rate | None
    specificity: Rate | None
    slope: float | None
    worst: bool = False


def defaults(root: Path = cards.WEIGHTS) -> tuple[Card, ...]:
    """The card that each task opens with, of those whose look at test is logged."""
    first: dict[tuple[str, str], Card] = {}
    for card in cards.every(root):
        if openings.measured(card, root):
            first.setdefault((card.kind, card.task), card)
    return tuple(first.values())


def rows(card: Card, *, table: Scores | None = None, root: Path = cards.WEIGHTS) -> tuple[SourceRow, ...]:
    """The card's sources, home first, then those measured by python -m train.external_validation.

    card: whose scores.
    table: its scores; read when None.
    root: where all cards lie.
    """
    table = cards.scores(card, root) if table is None else table
    place = np.array(sources.sources(card.modality, table.case))
    test = np.array(table.split) == "test"
    truth = np.array([label != card.labels[0] for label in table.label], dtype=np.int64)
    patient = np.array(sources.patients(card.modality, table.case))
    home = set(place[np.array(table.split) == "validation"])
    found = []
    for name in dict.fromkeys(place[test]):
        chosen = test & (place == name)
        row = _row(card, str(name), truth[chosen], table.score[chosen], list(patient[chosen]))
        found.append(replace(row, home=name in home))
    found += _adults(card, {row.source for row in found})
    found.sort(key=lambda row: not row.home)
    return _marked(found)


def whole(card: Card, *, table: Scores | None = None, root: Path = cards.WEIGHTS) -> SourceRow:
    """All test scans as one source, `TEST`; intervals go by patient. As `rows`."""
    return _of(card, cards.scores(card, root) if table is None else table, None)


def of_both_classes(
    card: Card, *, table: Scores | None = None, root: Path = cards.WEIGHTS
) -> SourceRow | None:
    """The test scans of the sources that hold normal and abnormal ones, as one; None where all do, or none.

    A source of one class, such as children's films among adults', lends the whole what tells the source.
    card, table, root: as `rows`.
    """
    table = cards.scores(card, root) if table is None else table
    tested = np.array(table.split) == TEST
    place = np.array(sources.sources(card.modality, table.case))[tested]
    normal = np.array(table.label)[tested] == card.labels[0]
    mixed = set(place[normal]) & set(place[~normal])
    return _of(card, table, mixed) if mixed and mixed != set(place) else None


def _of(card: Card, table: Scores, chosen: Collection[str] | None) -> SourceRow:
    """The test scans of those sources, of all when None, as one."""
    place = sources.sources(card.modality, table.case)
    kept = np.array(
        [
            split == TEST and (chosen is None or one in chosen)
            for split, one in zip(table.split, place, strict=True)
        ]
    )
    truth = np.array([label != card.labels[0] for label in table.label], dtype=np.int64)
    patient = np.array(sources.patients(card.modality, table.case))
    return _row(card, TEST, truth[kept], table.score[kept], list(patient[kept]))


def source_only_auc(card: Card, *, table: Scores | None = None, root: Path = cards.WEIGHTS) -> float | None:
    """Test AUC of guessing by the source alone: a scan scores the share of its source abnormal in validation.

    What a network could reach that tells where a scan was made and nothing of it; None where test is of one
    source. A source that validation lacks counts as the mean of the others.
    card: whose labels.
    table: its scores; read when None.
    root: where all cards lie.
    """
    table = cards.scores(card, root) if table is None else table
    place = np.array(sources.sources(card.modality, table.case))
    truth = np.array([label != card.labels[0] for label in table.label])
    held, test = (np.array(table.split) == name for name in ("validation", "test"))
    if len(set(place[test])) < 2:
        return None
    share = {name: truth[held & (place == name)].mean() for name in set(place[held])}
    guess = [share.get(name, truth[held].mean()) for name in place[test]]
    return float(roc_auc_score(truth[test], guess))


def _row(card: Card, source: str, truth: Ints, score: Floats, patient: Sequence[str]) -> SourceRow:
    both = bool(0 < truth.sum() < len(truth))
    right = is_abnormal(score, card.threshold) == truth.astype(bool)
    sensitivity, specificity = (
        rate(right[truth == label], list(np.array(patient)[truth == label])) for label in (1, 0)
    )
    return SourceRow(
        card_id=card.id,
        title=card.title,
        task=card.task,
        source=source,
        home=False,
        n=len(truth),
        abnormal=int(truth.sum()),
        auc=float(roc_auc_score(truth, score)) if both else None,
        auc_interval=auc_interval(truth, score, patient) if both else None,
        sensitivity=sensitivity,
        specificity=specificity,
        slope=calibration(truth, score)[0] if both and card.kind == "classifier" else None,
    )


def _adults(card: Card, known: set[str]) -> list[SourceRow]:
    """Adults' films of the set COVID-19 Radiography, which no scores.csv of children's cards holds."""
    figures, source = card.figures, "COVID-19 Radiography"
    if names.ADULT_FALSE_ALARMS not in figures or source in known:
        return []
    shares = (
        (figures[names.COVID_FLAGGED], int(figures[names.COVID_FILMS])),
        (1 - figures[names.ADULT_FALSE_ALARMS], int(figures[names.ADULT_NORMALS])),
    )
    sensitivity, specificity = (
        Rate(share, share_interval(np.arange(n) < round(share * n), [str(i) for i in range(n)]), n)
        for share, n in shares
    )
    return [
        SourceRow(
            card_id=card.id,
            title=card.title,
            task=card.task,
            source=source,
            home=False,
            n=sensitivity.n + specificity.n,
            abnormal=sensitivity.n,
            auc=None,
            auc_interval=None,
            sensitivity=sensitivity,
            specificity=specificity,
            slope=None,
        )
    ]


def _marked(found: Sequence[SourceRow]) -> tuple[SourceRow, ...]:
    means = {
        row.source: (row.sensitivity.value + row.specificity.value) / 2
        for row in found
        if row.sensitivity and row.specificity
    }
    if len(means) < 2:
        return tuple(found)
    worst = min(means, key=lambda source: means[source])
    return tuple(replace(row, worst=row.source == worst) for row in found)


def equal_detail(card: Card) -> tuple[float, float] | None:
    """AUC on test scans of equal detail inside the region, and what that detail itself then still tells.

    None where it was not measured, and where detail tells more than `EVEN`: that control proves nothing.
    """
    if not {names.AUC_EQUAL_DETAIL, names.AUC_OF_DETAIL} <= card.figures.keys():
        return None
    auc, control = card.figures[names.AUC_EQUAL_DETAIL], card.figures[names.AUC_OF_DETAIL]
    return (auc, control) if control <= EVEN else None


def calibration(truth: Ints, probabilities: Floats) -> tuple[float, float]:
    """Slope and intercept of the log odds (Cox 1958): 1 and 0 where probabilities hold.

    truth: (n,) of 0 and 1, both there. probabilities: (n,), in [0, 1].
    """
    fit = LogisticRegression(C=np.inf).fit(log_odds(probabilities)[:, None], truth)
    return float(fit.coef_[0, 0]), float(fit.intercept_[0])
