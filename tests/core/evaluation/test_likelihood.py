import numpy as np
import pytest
from scipy.special import expit

from core.errors import NotEnoughLabels, NoUsefulThreshold
from core.evaluation.likelihood import LikelihoodRatio, fit

RNG = np.random.default_rng(0)
# two normal distributions of equal spread: the true ratio is exp(2 x - 2)
LABELS = np.repeat([0, 1], [4000, 1000])
SCORES = RNG.normal(2.0 * LABELS, 1.0)


@pytest.mark.parametrize("x", [0.0, 1.0, 2.0])
def test_the_ratio_is_that_of_the_densities_whatever_the_sets_prevalence(x: float):
    assert fit(LABELS, SCORES, of_probabilities=False).at(x) == pytest.approx(np.exp(2 * x - 2), rel=0.15)


def test_a_distorted_probability_gives_the_same_ratio():
    plain = fit(LABELS, SCORES, of_probabilities=False)
    squeezed = fit(LABELS, expit(0.3 * SCORES - 4), of_probabilities=True)
    assert squeezed.at(float(expit(0.3 * 1.5 - 4))) == pytest.approx(plain.at(1.5), rel=1e-3)


def test_a_higher_score_never_counts_for_less():
    ratio = fit(LABELS, SCORES, of_probabilities=False)
    found = [ratio.at(x) for x in np.linspace(-50, 50, 101)]
    assert found == sorted(found)


def test_no_more_is_claimed_than_so_many_cases_can_show():
    clean = fit([0] * 20 + [1] * 5, [0.01] * 20 + [0.99] * 5, of_probabilities=True)
    assert clean.at(1.0) <= 21
    assert clean.at(0.0) >= 1 / 6


@pytest.mark.parametrize(("ratio", "prevalence", "share"), [(1, 0.1, 0.1), (9, 0.1, 0.5), (4.2, 0.1, 0.318)])
def test_the_share_follows_the_prevalence(ratio: float, prevalence: float, share: float):
    told = LikelihoodRatio(1.0, 0.0, 1e-3, 1e3, of_probabilities=False)
    assert told.probability(np.log(ratio), prevalence) == pytest.approx(share, abs=1e-3)


def test_a_prevalence_that_is_none_is_refused():
    told = LikelihoodRatio(1.0, 0.0, 1e-3, 1e3, of_probabilities=False)
    with pytest.raises(NoUsefulThreshold, match="between 0 and 1"):
        told.probability(0.0, 1.0)


def test_one_class_alone_tells_nothing():
    with pytest.raises(NotEnoughLabels, match="needs both classes"):
        fit([0, 0], [0.1, 0.2], of_probabilities=True)
