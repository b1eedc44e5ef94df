"""Say a score as evidence: how many times as often it is seen in abnormal scans as in normal ones.

A probability holds at one prevalence only, that of the scans it was fitted on; a likelihood ratio leaves the
prevalence to whoever reads it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression

from core.errors import NotEnoughLabels, NoUsefulThreshold
from core.evaluation.cases import Floats, checked, log_odds


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """A logistic curve through the scores. least, most: the ratio is known no further than between them.

    logarithm of the ratio = slope * x + intercept, where x is the score's logit for probabilities, else the
    score.
    """

    slope: float
    intercept: float
    least: float
    most: float
    of_probabilities: bool

    def at(self, score: float) -> float:
        """The ratio P(score | abnormal) / P(score | normal)."""
        x = float(_scale(np.array([score]), of_probabilities=self.of_probabilities)[0])
        # clipped before exp, which overflows far from the scores seen
        ratio = np.clip(self.slope * x + self.intercept, np.log(self.least), np.log(self.most))
        return float(np.exp(ratio))

    def probability(self, score: float, prevalence: float) -> float:
        """The share of scans with that score that are abnormal, by Bayes' rule.

        prevalence: the share among all scans. Raises NoUsefulThreshold outside (0, 1).
        """
        if not 0 < prevalence < 1:
            raise NoUsefulThreshold(f"prevalence is {prevalence:g}: choose a number that is between 0 and 1.")
        odds = self.at(score) * prevalence / (1 - prevalence)
        return odds / (1 + odds)


def fit(labels: ArrayLike, scores: ArrayLike, *, of_probabilities: bool) -> LikelihoodRatio:
    """Platt's logistic curve (Platt 1999) less the odds of the set (Morrison 2013, Aust J Forensic Sci 45).

    With n normal and m abnormal cases the ratio stays within 1 / (m + 1) and n + 1: one more case on the
    wrong side could undo anything beyond (in the manner of Vergeer 2016, Sci Justice 56).

    labels, scores: (n,), validation's.
    of_probabilities: the scores are P(abnormal).
    Raises NotEnoughLabels on one class.
    """
    truth, values = checked(labels, scores)
    m, n = int(truth.sum()), int((1 - truth).sum())
    if not m or not n:
        raise NotEnoughLabels(
            f"A likelihood ratio needs both classes, and there are {n} normal and {m} abnormal cases: "
            "label some of the other."
        )
    x = _scale(values, of_probabilities=of_probabilities)[:, None]
    # Platt's targets, each case a share on the other side, keep the curve finite where classes part cleanly
    target = np.where(truth == 1, (m + 1) / (m + 2), 1 / (n + 2))
    curve = LogisticRegression(C=np.inf).fit(
        np.concatenate([x, x]),
        np.repeat([1, 0], len(x)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    slope, intercept = float(curve.coef_[0, 0]), float(curve.intercept_[0])
    return LikelihoodRatio(slope, intercept - float(np.log(m / n)), 1 / (m + 1), n + 1, of_probabilities)


def _scale(values: Floats, *, of_probabilities: bool) -> Floats:
    return log_odds(values) if of_probabilities else values
