"""Two on the same cases."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from core.errors import NotEnoughLabels
from core.evaluation import binary
from core.evaluation.comparison import auc_difference, compare, mcnemar


def drawn(n: int = 160) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 2, n)
    shared = rng.normal(size=n)
    return truth, truth + shared + rng.normal(size=n), 1.8 * truth + shared + rng.normal(size=n)


def test_the_interval_is_that_of_a_bootstrap_over_cases():
    truth, first, second = drawn()
    found = auc_difference(truth, first, second)
    assert found.value == pytest.approx(roc_auc_score(truth, second) - roc_auc_score(truth, first))
    rng, groups = np.random.default_rng(0), [np.flatnonzero(truth == label) for label in (0, 1)]
    draws = [np.concatenate([rng.choice(group, len(group)) for group in groups]) for _ in range(1000)]
    differences = [
        roc_auc_score(truth[draw], second[draw]) - roc_auc_score(truth[draw], first[draw]) for draw in draws
    ]
    assert found.interval == pytest.approx(np.quantile(differences, [0.025, 0.975]), abs=0.015)
    error = (found.interval[1] - found.interval[0]) / 2 / norm.ppf(0.975)
    assert found.p == pytest.approx(2 * norm.sf(abs(found.value) / error))


def test_swapping_the_two_turns_the_sign_alone():
    truth, first, second = drawn()
    there, back = auc_difference(truth, first, second), auc_difference(truth, second, first)
    assert (there.value, there.p) == pytest.approx((-back.value, back.p))
    assert there.interval == pytest.approx((-back.interval[1], -back.interval[0]))


def test_against_pure_chance_it_is_the_interval_of_one_auc():
    truth, _, second = drawn(4000)
    found = auc_difference(truth, np.zeros(len(truth)), second)
    low, high = binary.auc_interval(truth, second)
    assert found.interval == pytest.approx((low - 0.5, high - 0.5), abs=0.002)


def test_the_same_scores_do_not_differ():
    truth, first, _ = drawn()
    assert auc_difference(truth, first, 2 * first).p == 1
    assert auc_difference(truth, first, 2 * first).value == 0


def test_one_case_of_a_class_is_too_few():
    with pytest.raises(NotEnoughLabels, match="1 abnormal"):
        auc_difference([0, 0, 1], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3])


def test_mcnemar_counts_what_one_alone_got_right():
    first = [True] * 9 + [False] * 2 + [True] * 20
    second = [False] * 9 + [True] * 2 + [True] * 20
    found = mcnemar(first, second)
    assert (found.first_alone, found.second_alone) == (9, 2)
    # by hand: 2 * (1 + 11 + 55) / 2 ** 11
    assert found.p == pytest.approx(2 * 67 / 2**11)
    assert mcnemar([True], [True]).p == 1


def test_films_of_one_patient_count_as_one():
    truth, first, second = drawn()
    alone = auc_difference(truth, first, second)
    own = auc_difference(truth, first, second, groups=[str(case) for case in range(len(truth))])
    assert own.interval == pytest.approx(alone.interval, abs=0.002)
    twice = [np.repeat(values, 2) for values in (truth, first, second)]
    together = auc_difference(*twice, groups=[str(case // 2) for case in range(2 * len(truth))])
    assert together.interval == pytest.approx(own.interval, abs=1e-9)
    assert auc_difference(*twice).interval[0] > together.interval[0]


def test_a_comparison_holds_both_at_their_own_thresholds():
    truth = [0, 0, 1, 1]
    found = compare(
        truth, [0.1, 0.6, 0.4, 0.9], [0.1, 0.2, 0.3, 0.4], thresholds=(0.5, 0.25), groups=list("abcd")
    )
    assert (found.n, found.abnormal) == (4, 2)
    assert found.auc == (0.75, 1)
    assert (found.verdicts.first_alone, found.verdicts.second_alone) == (0, 2)
    assert found.curve[1].area == 1
