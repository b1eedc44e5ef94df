"""What each threshold policy promised on validation, and what it kept on test and in each source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path

import numpy as np

from core import cards
from core.card_types import Card, Policy, Scores
from core.errors import NotEnoughLabels, NoUsefulThreshold
from core.evaluation import choosing, sources, thresholds
from core.evaluation.cases import Floats, Ints
from core.evaluation.clustered import Rate, rate
from core.types import is_abnormal

TEST = "test"  # the whole test split, as `Kept.source`
BROKEN = 0.05  # a shortfall beyond this is a promise broken
_FOLDS = 20  # of runs, left out in turn
POLICIES = (
    Policy("smoothed-youden"),
    Policy("youden"),
    Policy("f1"),
    Policy("target-sensitivity", {"target": 0.95}),
    Policy("target-specificity", {"target": 0.95}),
    Policy("conformal", {"alpha": 0.1}),
    Policy("conformal-groups", {"alpha": 0.1}),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a threshold did on test scans. None: no scan of that class.

    source: a public set, or `TEST`. home: whether the threshold was chosen by scans of that source.
    """

    source: str
    sensitivity: Rate | None
    specificity: Rate | None
    home: bool = False


@dataclass(frozen=True, slots=True)
class Promise:
    """One policy on one card.

    threshold: that it chose by `choosing.scans`. sensitivity, specificity: that it promised for scans of a
    new run of file numbers, None where it promises nothing. kept: the whole test split, then its sources,
    home first.
    """

    policy: Policy
    threshold: float
    sensitivity: float | None
    specificity: float | None
    kept: tuple[Kept, ...]

    @property
    def shortfall(self) -> Mapping[str, float]:
        """How far the whole test split stayed below each promise, 0 where it did not: by name of the rate."""
        found = {}
        for name in ("sensitivity", "specificity"):
            promised, rate = getattr(self, name), getattr(self.kept[0], name)
            if promised is not None and rate is not None:
                found[name] = max(0.0, promised - rate.value)
        return found

    @property
    def shortfall_at_home(self) -> Mapping[str, float]:
        """The same of the test scans from sources that the threshold was chosen by; empty without any."""
        found = {}
        for name in ("sensitivity", "specificity"):
            rates = [rate for kept in self.kept if kept.home and (rate := getattr(kept, name)) is not None]
            if getattr(self, name) is not None and rates:
                kept = sum(rate.value * rate.n for rate in rates) / sum(rate.n for rate in rates)
                found[name] = max(0.0, getattr(self, name) - kept)
        return found

    @property
    def broken(self) -> bool:
        """Whether one of the promises was broken by more than `BROKEN` on the card's own test split."""
        return any(value > BROKEN for value in self.shortfall.values())


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows of a scores.csv. truth, score: (n,). run, patient, source: one a row."""

    truth: Ints
    score: Floats
    run: Sequence[str]
    patient: Sequence[str]
    source: Sequence[str]

    def of(self, chosen: np.ndarray) -> "_Rows":
        return _Rows(
            self.truth[chosen],
            self.score[chosen],
            *(list(compress(names, chosen)) for names in (self.run, self.patient, self.source)),
        )


def promises(
    card: Card,
    policies: Sequence[Policy] = POLICIES,
    *,
    table: Scores | None = None,
    root: Path = cards.WEIGHTS,
) -> tuple[Promise, ...]:
    """Each policy that finds a threshold on the scans that the card's is chosen by; the others are left out.

    card: whose scores.
    policies: in the order of the answer.
    table: the card's scores; read when None.
    root: where all cards lie.
    """
    table = cards.scores(card, root) if table is None else table
    test = _rows(card, table).of(np.array(table.split) == "test")
    validation = _rows(card, choosing.scans(card, table, root))
    found = []
    for policy in policies:
        try:
            found.append(_promise(policy, validation, test))
        except (NotEnoughLabels, NoUsefulThreshold):
            continue
    return tuple(found)


def _rows(card: Card, table: Scores) -> _Rows:
    return _Rows(
        np.array([label != card.labels[0] for label in table.label], dtype=np.int64),
        table.score,
        *(of(card.modality, table.case) for of in (sources.runs, sources.patients, sources.sources)),
    )


def _promise(policy: Policy, validation: _Rows, test: _Rows) -> Promise:
    threshold = thresholds.choose(policy, validation.truth, validation.score, groups=validation.run)
    places = list(dict.fromkeys(test.source))
    home = [place for place in places if place in validation.source]
    ordered = [*home, *(place for place in places if place not in home)]
    by_source = [test.of(np.asarray(test.source) == place) for place in ordered]
    kept = [_kept(TEST, test, threshold)]
    kept += [
        replace(_kept(place, rows, threshold), home=place in home)
        for place, rows in zip(ordered, by_source, strict=True)
    ]
    return Promise(policy, threshold, *_promised(policy, validation), tuple(kept))


def _promised(policy: Policy, validation: _Rows) -> tuple[float | None, float | None]:
    """Sensitivity and specificity: the target where the policy states one, else what left-out runs show."""
    arguments = policy.arguments
    if policy.name == "target-sensitivity":
        return arguments["target"], None
    if policy.name == "target-specificity":
        return None, arguments["target"]
    if policy.name in ("conformal", "conformal-groups"):
        return None, 1 - arguments["alpha"]
    return _in_a_new_run(policy, validation)


def _in_a_new_run(policy: Policy, validation: _Rows) -> tuple[float, float]:
    """Sensitivity and specificity: means over runs of file numbers, each at a threshold chosen without it.

    One run more, never seen, counts as all wrong: with that the mean of a new run is not below the answer
    (conformal risk control, Angelopoulos 2022, arXiv:2208.02814). 0 where no run can be left out.
    """
    _, run = np.unique(np.asarray(validation.run), return_inverse=True)
    right = np.zeros(len(run), dtype=bool)
    judged = np.zeros(len(run), dtype=bool)
    for fold in range(_FOLDS):
        out = run % _FOLDS == fold
        rest = validation.of(~out)
        try:
            threshold = thresholds.choose(_without_resamples(policy), rest.truth, rest.score, groups=rest.run)
        except (NotEnoughLabels, NoUsefulThreshold):
            continue
        right[out] = is_abnormal(validation.score[out], threshold) == validation.truth[out]
        judged |= out
    abnormal, normal = (_mean_share(right, run, judged & (validation.truth == truth)) for truth in (1, 0))
    return abnormal, normal


def _mean_share(right: np.ndarray, run: Ints, chosen: np.ndarray) -> float:
    shares = [right[chosen & (run == one)].mean() for one in np.unique(run[chosen])]
    return float(sum(shares)) / (len(shares) + 1)


def _without_resamples(policy: Policy) -> Policy:
    if policy.name != "smoothed-youden":
        return policy
    return Policy(policy.name, {**policy.arguments, "resamples": 0})


def _kept(source: str, rows: _Rows, threshold: float) -> Kept:
    right = is_abnormal(rows.score, threshold) == rows.truth.astype(bool)
    abnormal, normal = (
        rate(right[rows.truth == truth], list(compress(rows.patient, rows.truth == truth)))
        for truth in (1, 0)
    )
    return Kept(source, abnormal, normal)
