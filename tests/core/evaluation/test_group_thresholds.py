import numpy as np
import pytest

from core.errors import NotEnoughLabels, NoUsefulThreshold
from core.evaluation.group_thresholds import conformal_groups, smoothed_youden
from core.evaluation.thresholds import conformal
from core.types import is_abnormal

RNG = np.random.default_rng(0)


def test_groups_of_one_give_the_conformal_threshold():
    scores = RNG.normal(size=57)
    for alpha in (0.05, 0.1, 0.3):
        assert conformal_groups([0] * 57, scores, alpha=alpha) == conformal([0] * 57, scores, alpha=alpha)


def test_a_new_group_has_few_false_alarms_on_average_where_single_cases_promise_too_much():
    """Groups that differ among themselves: what single cases promise is not what a new group keeps."""
    alarms = {"groups": [], "cases": []}
    for seed in range(300):
        rng = np.random.default_rng(seed)
        level = rng.normal(size=21)
        scores = level[:, None] + 0.3 * rng.normal(size=(21, 20))
        known, new = scores[:20].ravel(), scores[20]
        groups = [str(n // 20) for n in range(400)]
        by_groups = conformal_groups([0] * 400, known, groups=groups, alpha=0.2)
        alarms["groups"].append(is_abnormal(new, by_groups).mean())
        alarms["cases"].append(is_abnormal(new, conformal([0] * 400, known, alpha=0.2)).mean())
    assert np.mean(alarms["groups"]) <= 0.2
    assert np.mean(alarms["groups"]) < np.mean(alarms["cases"])


def test_too_few_groups_are_refused_with_how_many_it_takes():
    with pytest.raises(NoUsefulThreshold, match="at least 9 groups, and there are 2"):
        conformal_groups([0] * 100, RNG.normal(size=100), groups=["a", "b"] * 50)


def test_smoothed_youden_finds_the_middle_between_two_equal_bells():
    rng = np.random.default_rng(1)
    scores = np.concatenate([rng.normal(-1, 1, 4000), rng.normal(1, 1, 4000)])
    assert smoothed_youden([0] * 4000 + [1] * 4000, scores) == pytest.approx(0, abs=0.1)


def test_smoothed_youden_of_probabilities_does_not_hang_on_one_case():
    labels = [0] * 50 + [1] * 50
    logits = np.concatenate([RNG.normal(-2, 1, 50), RNG.normal(2, 1, 50)])
    scores = 1 / (1 + np.exp(-logits))
    before = smoothed_youden(labels, scores)
    assert 0 < before < 1
    scores[0] = 0.999  # one normal that looks ill
    assert smoothed_youden(labels, scores) == pytest.approx(before, abs=0.1)


def test_a_threshold_is_the_same_each_time():
    labels, scores = [0, 1] * 30, RNG.random(60) + np.tile([0, 0.5], 30)
    assert smoothed_youden(labels, scores) == smoothed_youden(labels, scores)


def test_scores_that_run_backwards_have_no_youden_threshold():
    with pytest.raises(NoUsefulThreshold, match="no better than chance"):
        smoothed_youden([0] * 50 + [1] * 50, np.linspace(1, 0, 100), width=0.01)
    with pytest.raises(NotEnoughLabels):
        smoothed_youden([0, 0], [0.1, 0.2])


@pytest.mark.parametrize("alpha", [0, 1, float("nan")])
def test_arguments_out_of_range_are_refused(alpha: float):
    with pytest.raises(NoUsefulThreshold, match="alpha"):
        conformal_groups([0] * 20, RNG.random(20), alpha=alpha)
    with pytest.raises(NoUsefulThreshold, match="width"):
        smoothed_youden([0, 1], [0, 1], width=-1)
