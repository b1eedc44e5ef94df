"""Each threshold policy meets what it promises, on scores small enough to check by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from core.card_types import Policy
from core.errors import NotEnoughLabels, NoUsefulThreshold, OpacityError, UnknownName
from core.evaluation.thresholds import (
    POLICIES,
    choose,
    conformal,
    cost,
    f1,
    mean_k_std,
    target_sensitivity,
    target_specificity,
    youden,
)

LABELS = [0, 0, 1, 0, 1, 1]
SCORES = [0.1, 0.2, 0.3, 0.4, 0.6, 0.8]

CUT_POLICIES = ["youden", "f1", "target-sensitivity", "target-specificity", "cost"]


@st.composite
def cases(draw):
    """Labels of both classes, and scores with many ties."""
    labels = [0, 1, *draw(st.lists(st.integers(0, 1), max_size=30))]
    scores = draw(st.lists(st.integers(-4, 4), min_size=len(labels), max_size=len(labels)))
    return np.array(labels), np.array(scores) / 4


def rates(labels, scores, threshold):
    called = np.asarray(scores) >= threshold
    labels = np.asarray(labels)
    return called[labels == 1].mean(), 1 - called[labels == 0].mean()


def test_youden_takes_the_midpoint_below_the_best_score():
    # from 0.6: 2/3 + 1 - 1 = 0.67; from 0.3: 1 + 2/3 - 1 = 0.67 as well, and the higher cut wins
    assert youden(LABELS, SCORES) == pytest.approx((0.4 + 0.6) / 2)


def test_youden_refuses_a_classifier_no_better_than_chance():
    with pytest.raises(NoUsefulThreshold, match=r"Youden.*chance.*another policy"):
        youden(labels=[0, 1], scores=[0.5, 0.5])


def test_youden_refuses_scores_that_point_the_wrong_way():
    with pytest.raises(NoUsefulThreshold, match="higher scores mean more abnormal"):
        youden(labels=[1, 1, 0, 0], scores=[0.1, 0.2, 0.3, 0.4])


@given(cases())
@settings(max_examples=60, deadline=None)
def test_youden_reaches_the_height_of_the_roc_curve(case):
    labels, scores = case
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    best = (tpr - fpr).max()
    if best < 1e-9:
        with pytest.raises(NoUsefulThreshold):
            youden(labels, scores)
    else:
        assert sum(rates(labels, scores, youden(labels, scores))) - 1 == pytest.approx(best)


def test_f1_takes_the_cut_with_the_best_harmonic_mean():
    # tp, fp from 0.6: 2, 0 -> 4/5; from 0.4: 2, 1 -> 4/6; from 0.3: 3, 1 -> 6/7, the best
    assert f1(LABELS, SCORES) == pytest.approx(0.25)


def test_f1_of_tied_scores_calls_every_case_abnormal():
    assert f1([0, 1], [0.5, 0.5]) == pytest.approx(0.5, rel=1e-4)
    assert f1([0, 1], [0.5, 0.5]) < 0.5


def test_mean_k_std_looks_at_normals_only_and_divides_by_n():
    # normals 1 and 3: mean 2, population deviation 1
    assert mean_k_std([0, 0, 1], [1.0, 3.0, 99.0], k=2.5) == pytest.approx(4.5)


def test_mean_k_std_works_without_a_single_abnormal_case():
    assert mean_k_std([0, 0], [1.0, 3.0]) == pytest.approx(3.0)


def test_mean_k_std_refuses_normals_that_all_score_the_same():
    with pytest.raises(NoUsefulThreshold, match=r"all 3 score 0\.5"):
        mean_k_std([0, 0, 0], [0.5, 0.5, 0.5])


def test_mean_k_std_refuses_a_single_normal():
    with pytest.raises(NotEnoughLabels, match="there are 1"):
        mean_k_std([0, 1], [0.5, 0.9])


def test_target_sensitivity_is_the_highest_cut_that_reaches_it():
    assert target_sensitivity(LABELS, SCORES, target=2 / 3) == pytest.approx(0.5)
    assert target_sensitivity(LABELS, SCORES, target=0.67) == pytest.approx(0.25)


def test_target_specificity_is_the_lowest_cut_that_reaches_it():
    assert target_specificity(LABELS, SCORES, target=2 / 3) == pytest.approx(0.25)
    assert target_specificity(LABELS, SCORES, target=0.67) == pytest.approx(0.5)


def test_a_target_that_is_met_exactly_is_not_missed_by_rounding():
    # 0.55 * 20 is 11.000000000000002 in floats, and 11 of 20 must still do
    labels, scores = [0] + [1] * 20, [-1.0, *map(float, range(20))]
    assert target_sensitivity(labels, scores, target=0.55) == pytest.approx(8.5)


def test_full_specificity_below_a_normal_top_score_calls_nothing():
    threshold = target_specificity([1, 0], [0.2, 0.9], target=1.0)
    assert 0.9 < threshold < 0.901


@given(cases(), st.floats(0.01, 1.0))
@settings(max_examples=60, deadline=None)
def test_target_policies_meet_their_target_and_no_further_cut_does(case, target):
    labels, scores = case
    high = target_sensitivity(labels, scores, target=target)
    low = target_specificity(labels, scores, target=target)
    called_abnormal, called_normal = labels[scores >= high] == 1, labels[scores < low] == 0
    assert called_abnormal.sum() / (labels == 1).sum() >= target
    assert called_normal.sum() / (labels == 0).sum() >= target
    for score in scores[scores >= high]:  # one step stricter must miss the target
        assert (labels[scores > score] == 1).sum() / (labels == 1).sum() < target
    for score in scores[scores < low]:
        assert (labels[scores < score] == 0).sum() / (labels == 0).sum() < target


def test_cost_moves_down_when_a_miss_is_dear_and_up_when_an_alarm_is():
    # even prevalence; from 0.6: miss 1/3, alarm 0; from 0.3: miss 0, alarm 1/3
    assert cost(LABELS, SCORES, missed_cost=2, false_alarm_cost=1, prevalence=0.5) == pytest.approx(0.25)
    assert cost(LABELS, SCORES, missed_cost=1, false_alarm_cost=2, prevalence=0.5) == pytest.approx(0.5)


@pytest.mark.parametrize(("prevalence", "price"), [(0.05, 19), (0.1, 9), (0.2, 4)])
def test_of_equally_cheap_cuts_cost_takes_the_higher_whatever_the_rounding(prevalence: float, price: float):
    # each step down finds one of n abnormal scans and raises one alarm of n: at this price it changes nothing
    n = 7
    labels, scores = [1, 0] * n, np.repeat(np.arange(n, 0, -1), 2) / n
    assert cost(labels, scores, missed_cost=price, prevalence=prevalence) > 1


def test_cost_calls_nothing_where_abnormal_scans_are_too_rare_to_pay_for_alarms():
    # calling none costs 0.001 * 5; the only other cut calls both and costs 0.999 * 1
    assert cost([0, 1], [0.5, 0.5], prevalence=0.001) > 0.5


def test_conformal_takes_the_quantile_of_the_normals():
    # n = 9, alpha 0.2: ceil(10 * 0.8) = 8, the 8th smallest is 8
    labels, scores = [0] * 9 + [1], [*map(float, range(1, 10)), 50.0]
    threshold = conformal(labels, scores, alpha=0.2)
    assert threshold > 8.0
    assert threshold == pytest.approx(8.0)


def test_conformal_does_not_flag_ties_with_the_quantile():
    threshold = conformal([0] * 9, [1.0] * 9, alpha=0.2)
    assert not any(score >= threshold for score in [1.0] * 9)


def test_conformal_says_how_many_normals_it_needs():
    with pytest.raises(NoUsefulThreshold, match=r"alpha 0\.1 needs at least 9 normal cases, and there are 8"):
        conformal([0] * 8, range(8))
    assert conformal([0] * 9, range(9)) == pytest.approx(8.0)


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.3])
def test_conformal_keeps_false_alarms_among_new_normals_at_alpha(alpha):
    rng = np.random.default_rng(0)
    alarms = [
        np.mean(rng.normal(size=200) >= conformal([0] * 40, rng.normal(size=40), alpha=alpha))
        for _ in range(300)
    ]
    assert np.mean(alarms) <= alpha + 0.01  # the mean of 300 has a standard error of about 0.003


@pytest.mark.parametrize("name", CUT_POLICIES)
@given(case=cases(), exponent=st.integers(-3, 3))
@settings(max_examples=30, deadline=None)
def test_no_decision_changes_when_scores_are_rounded_to_six_digits(name, case, exponent):
    labels, scores = case
    scores = scores * np.pi * 10.0**exponent
    rounded = np.array([float(f"{score:.6g}") for score in scores])
    try:
        threshold = POLICIES[name](labels, scores)
    except NoUsefulThreshold:
        return
    assert np.isfinite(threshold)
    assert ((scores >= threshold) == (rounded >= threshold)).all()


def test_neighbouring_floats_stay_on_their_own_sides():
    low = 1.0
    high = float(np.nextafter(low, 2))
    assert low < youden([0, 1], [low, high]) <= high


def test_zero_as_the_only_score_can_be_called_either_way():
    assert f1([0, 1], [0.0, 0.0]) <= 0.0
    assert target_specificity([0, 1], [0.0, 0.0]) > 0.0


@pytest.mark.parametrize("name", CUT_POLICIES)
@pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
def test_cut_policies_refuse_a_single_class(name, labels):
    with pytest.raises(NotEnoughLabels, match=r"normal and \d abnormal"):
        POLICIES[name](labels, [0.1, 0.2])


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        ("mean-k-std", "k", -1.0),
        ("mean-k-std", "k", float("nan")),
        ("target-sensitivity", "target", 0.0),
        ("target-specificity", "target", 1.2),
        ("cost", "missed_cost", 0.0),
        ("cost", "false_alarm_cost", float("inf")),
        ("cost", "prevalence", 1.0),
        ("conformal", "alpha", 0.0),
    ],
)
def test_arguments_out_of_range_are_named_in_the_error(name, argument, value):
    with pytest.raises(NoUsefulThreshold, match=f"^{argument} is {value:g}: choose"):
        choose(Policy(name, {argument: value}), LABELS, SCORES)


def test_choose_passes_the_policys_arguments_on():
    assert choose(Policy("target-sensitivity", {"target": 0.5}), LABELS, SCORES) == pytest.approx(0.5)


def test_choose_lists_the_policies_for_an_unknown_name():
    with pytest.raises(UnknownName, match=r"No threshold policy 'x'\. Choose from: youden, f1, mean-k-std"):
        choose(Policy("x"), LABELS, SCORES)


def test_choose_names_an_argument_that_the_policy_lacks():
    with pytest.raises(UnknownName, match=r"'mean-k-std' has no argument 'target'\. Choose from: k\."):
        choose(Policy("mean-k-std", {"target": 0.9}), LABELS, SCORES)
    with pytest.raises(UnknownName, match="It takes none"):
        choose(Policy("youden", {"k": 1.0}), LABELS, SCORES)


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize(
    ("labels", "scores"), [([0, 1], [0.5]), ([0, 2], [0.1, 0.2]), ([0, 1], [0.1, float("nan")])]
)
def test_every_policy_refuses_malformed_cases(name, labels, scores):
    with pytest.raises(OpacityError, match=r"labels for|must be 0|not a number"):
        POLICIES[name](labels, scores)
