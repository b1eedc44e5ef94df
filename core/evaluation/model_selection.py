"""Which model for which purpose: chosen on validation, reported on test.

Labels are 0 (normal) or 1 (abnormal), scores are higher when more abnormal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sklearn.metrics import roc_auc_score

from core.errors import NoUsefulThreshold
from core.evaluation import thresholds
from core.evaluation.binary import operating_point
from core.types import OperatingPoint

SPECIFICITY = 0.9  # that a triage must keep
MARGIN = 0.01  # of AUC that a cheap model may lack


@dataclass(frozen=True, slots=True)
class LabelledScores:
    """Cases of one split. labels, scores: (n,)."""

    labels: tuple[int, ...]
    scores: tuple[float, ...]

    @property
    def auc(self) -> float:
        return float(roc_auc_score(self.labels, self.scores))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A card that may be chosen. milliseconds: per scan on this machine, None where nobody measured."""

    card_id: str
    validation: LabelledScores
    test: LabelledScores
    milliseconds: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The card that serves a purpose best.

    figure: what it was chosen by, on validation. validation, test: what its threshold, chosen on validation
    too, costs on either. ranking: every card that qualified with its figure, best first.
    """

    card_id: str
    figure: float
    validation: OperatingPoint
    test: OperatingPoint
    ranking: tuple[tuple[str, float], ...]


def triage(candidates: Sequence[Candidate], *, specificity: float = SPECIFICITY) -> Choice | None:
    """The highest sensitivity where the specificity is kept; None without candidates."""

    def cut(split: LabelledScores) -> float:
        return thresholds.target_specificity(split.labels, split.scores, target=specificity)

    return _best(candidates, "target-specificity", cut, lambda _, point: point.sensitivity)


def balanced(candidates: Sequence[Candidate]) -> Choice | None:
    """The highest mean of sensitivity and specificity, by Youden's rule; None where none beats chance."""
    return _best(candidates, "youden", _youden, lambda _, point: (point.sensitivity + point.specificity) / 2)


def low_resource(candidates: Sequence[Candidate], *, margin: float = MARGIN) -> Choice | None:
    """The highest AUC per millisecond among the measured cards whose AUC comes within the margin of the best
    of all, at Youden's threshold; None when no such card was measured."""
    least = max((candidate.validation.auc for candidate in candidates), default=0.0) - margin
    good = [candidate for candidate in candidates if candidate.validation.auc >= least]

    def figure(candidate: Candidate, _: OperatingPoint) -> float:
        assert candidate.milliseconds is not None
        return candidate.validation.auc / candidate.milliseconds

    return _best([one for one in good if one.milliseconds is not None], "youden", _youden, figure)


def _youden(split: LabelledScores) -> float:
    return thresholds.youden(split.labels, split.scores)


def _best(
    candidates: Sequence[Candidate],
    policy: str,
    cut: Callable[[LabelledScores], float],
    figure: Callable[[Candidate, OperatingPoint], float],
) -> Choice | None:
    """The candidate with the highest figure; of equals the one with the higher validation AUC."""
    ranked: list[tuple[float, float, OperatingPoint, Candidate]] = []
    for candidate in candidates:
        try:
            threshold = cut(candidate.validation)
        except NoUsefulThreshold:
            continue  # no better than chance: it serves no purpose
        split = candidate.validation
        point = operating_point(split.labels, split.scores, threshold, policy)
        ranked.append((figure(candidate, point), split.auc, point, candidate))
    if not ranked:
        return None
    ranked.sort(key=lambda row: row[:2], reverse=True)
    value, _, point, first = ranked[0]
    return Choice(
        card_id=first.card_id,
        figure=value,
        validation=point,
        test=operating_point(first.test.labels, first.test.scores, point.threshold, policy),
        ranking=tuple((candidate.card_id, figure) for figure, _, _, candidate in ranked),
    )
