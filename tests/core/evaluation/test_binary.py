"""Figures agree with hand arithmetic, brute force, scikit-learn and published values."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve as by_scikit_learn
from sklearn.metrics import confusion_matrix, roc_auc_score

from core.errors import NotEnoughLabels, OpacityError
from core.evaluation.binary import (
    auc_bootstrap,
    auc_interval,
    brier,
    calibration_curve,
    curve_at,
    evaluate,
    expected_calibration_error,
    operating_point,
    roc_band,
    thin,
    wilson,
)
from core.evaluation.cases import percentile_among
from core.types import Curve

LABELS = [0, 0, 1, 0, 1, 1]
SCORES = [0.1, 0.2, 0.3, 0.4, 0.6, 0.8]

# Hanley & McNeil 1982: 58 normal and 51 abnormal CT scans, rated 1 to 5
HANLEY_LABELS = np.repeat([0, 1], [58, 51])
HANLEY_RATINGS = np.concatenate(
    [np.repeat(np.arange(1, 6), [33, 6, 6, 11, 2]), np.repeat(np.arange(1, 6), [3, 2, 2, 11, 33])]
)


@st.composite
def cases(draw):
    """Labels of both classes, and scores with many ties."""
    labels = [0, 1, *draw(st.lists(st.integers(0, 1), max_size=30))]
    scores = draw(st.lists(st.integers(0, 8), min_size=len(labels), max_size=len(labels)))
    return np.array(labels), np.array(scores) / 8


def overlapping(n, seed=0):
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 3 > 0).astype(int)
    return labels, (rng.normal(size=n) + 1.2 * labels).round(1)


def standard_error(interval, auc):
    low, high = (np.log(p / (1 - p)) for p in interval)
    return (high - low) / 2 / 1.959964 * auc * (1 - auc)


def delong_by_brute_force(labels, scores):
    """AUC and its standard error from all pairs, as DeLong 1988 writes the structural components."""
    positive, negative = scores[labels == 1], scores[labels == 0]
    psi = np.array([[float(x > y) + 0.5 * float(x == y) for y in negative] for x in positive])
    v10, v01 = psi.mean(axis=1), psi.mean(axis=0)
    variance = v10.var(ddof=1) / len(positive) + v01.var(ddof=1) / len(negative)
    return psi.mean(), np.sqrt(variance)


def test_an_operating_point_counts_a_score_at_the_threshold_as_abnormal():
    point = operating_point(LABELS, SCORES, 0.4, "by hand")
    assert (point.true_positives, point.false_positives) == (2, 1)
    assert (point.true_negatives, point.false_negatives) == (2, 1)
    assert point.policy == "by hand"
    assert point.sensitivity == point.specificity == point.accuracy == point.f1 == pytest.approx(2 / 3)
    assert point.ppv == point.npv == pytest.approx(2 / 3)


def test_wilson_intervals_agree_with_the_formula():
    # 2 of 3: centre (2/3 + z^2/6) / (1 + z^2/3), half z sqrt((2/9)/3 + z^2/36) / (1 + z^2/3), z^2 = 3.8415
    assert operating_point(LABELS, SCORES, 0.4).sensitivity_interval == pytest.approx(
        (0.2077, 0.9385), abs=1e-4
    )


def test_rates_without_a_denominator_are_none():
    assert operating_point(LABELS, SCORES, 0.9).ppv is None
    assert operating_point(LABELS, SCORES, 0.0).npv is None


@given(cases(), st.integers(-1, 9))
@settings(max_examples=60, deadline=None)
def test_counts_add_up_and_agree_with_sklearn_at_ties_too(case, step):
    labels, scores = case
    point = operating_point(labels, scores, step / 8)
    tn, fp, fn, tp = confusion_matrix(labels, scores >= step / 8, labels=[0, 1]).ravel()
    assert (point.true_negatives, point.false_positives) == (tn, fp)
    assert (point.false_negatives, point.true_positives) == (fn, tp)
    assert tn + fp + fn + tp == len(labels)
    for rate, (low, high) in [
        (point.accuracy, point.accuracy_interval),
        (point.sensitivity, point.sensitivity_interval),
        (point.specificity, point.specificity_interval),
    ]:
        assert 0 <= low <= rate + 1e-12
        assert rate - 1e-12 <= high <= 1


@given(cases())
@settings(max_examples=30, deadline=None)
def test_curves_over_thresholds_agree_with_single_operating_points(case):
    labels, scores = case
    thresholds = np.arange(10, -2, -1) / 8
    rates = curve_at(labels, scores, thresholds)
    for i, threshold in enumerate(thresholds):
        point = operating_point(labels, scores, threshold)
        assert rates["recall"][i] == point.sensitivity
        assert rates["specificity"][i] == point.specificity
        assert rates["f1"][i] == point.f1
        assert np.isnan(rates["precision"][i]) if point.ppv is None else rates["precision"][i] == point.ppv


def test_curves_over_thresholds_are_nan_for_a_class_that_is_missing():
    rates = curve_at([0, 0], [0.1, 0.9], [0.5, 1.0])
    assert np.isnan(rates["recall"]).all()
    assert rates["specificity"].tolist() == [0.5, 1.0]
    assert rates["precision"][0] == 0
    assert np.isnan(rates["precision"][1])
    assert np.isnan(rates["f1"][1])


def test_delong_reproduces_the_published_error_of_hanleys_ct_ratings():
    # Stata's manual, roctab on these data: area 0.8932, standard error 0.0307 (DeLong)
    assert roc_auc_score(HANLEY_LABELS, HANLEY_RATINGS) == pytest.approx(0.8932, abs=5e-5)
    interval = auc_interval(HANLEY_LABELS, HANLEY_RATINGS)
    assert standard_error(interval, 0.8932) == pytest.approx(0.0307, abs=5e-5)


@pytest.mark.parametrize("seed", range(5))
def test_midranks_give_the_same_delong_error_as_all_pairs(seed):
    labels, scores = overlapping(60, seed)
    auc, error = delong_by_brute_force(labels, scores)
    assert standard_error(auc_interval(labels, scores), auc) == pytest.approx(error, rel=1e-5)


def test_perfect_separation_does_not_claim_certainty():
    low, high = auc_interval([0, 0, 0, 1, 1, 1, 1], range(7))
    # Wilson for 3 of 3: 3 / (3 + z^2) = 3 / 6.8415
    assert (low, high) == pytest.approx((0.4385, 1.0), abs=1e-4)
    assert auc_interval([1, 1, 1, 0, 0, 0, 0], range(7)) == pytest.approx((0.0, 0.5615), abs=1e-4)


@given(cases())
@settings(max_examples=60, deadline=None)
def test_the_auc_lies_in_its_interval_and_the_interval_in_zero_to_one(case):
    labels, scores = case
    low, high = auc_interval(labels, scores)
    auc = roc_auc_score(labels, scores)
    assert 0 <= low <= auc + 1e-9
    assert auc - 1e-9 <= high <= 1


def test_the_bootstrap_lands_near_delong():
    labels, scores = overlapping(300)
    assert auc_bootstrap(labels, scores) == pytest.approx(auc_interval(labels, scores), abs=0.01)


def test_the_bootstrap_repeats_itself_for_the_same_random_state():
    labels, scores = overlapping(60)
    assert auc_bootstrap(labels, scores) == auc_bootstrap(labels, scores)
    assert auc_bootstrap(labels, scores) != auc_bootstrap(labels, scores, random_state=1)


def test_the_bootstrap_of_tied_scores_is_one_half():
    assert auc_bootstrap([0, 1, 1], [0.5, 0.5, 0.5], resamples=150) == pytest.approx((0.5, 0.5))


def test_the_bootstrap_of_a_large_test_set_does_not_keep_a_person_waiting():
    rng = np.random.default_rng(0)
    labels = (np.arange(624) < 390).astype(int)
    start = time.process_time()  # not wall time: other work on the machine must not fail this
    auc_bootstrap(labels, rng.normal(size=624) + labels)
    assert time.process_time() - start < 1


def test_brier_is_the_mean_squared_distance():
    assert brier([0, 1], [0.2, 0.6]) == pytest.approx((0.04 + 0.16) / 2)


def test_calibration_error_weighs_each_bin_by_its_cases():
    # two bins: [0.2, 0.4] against 1 of 2 abnormal, gap 0.2; [0.9] against 1, gap 0.1
    # (2 * 0.2 + 1 * 0.1) / 3
    assert expected_calibration_error([0, 1, 1], [0.2, 0.4, 0.9], bins=2) == pytest.approx(0.5 / 3)


def test_calibration_error_keeps_both_ends_of_the_scale():
    assert expected_calibration_error([0, 1], [0.0, 1.0]) == 0
    assert expected_calibration_error([1, 0], [0.0, 1.0]) == 1


def test_reliability_bins_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    values = np.concatenate([np.linspace(0, 1, 16), rng.integers(0, 101, 200) / 100])  # many on an edge
    truth = (rng.random(len(values)) < values).astype(int)
    share, mean = by_scikit_learn(truth, values, n_bins=15)
    edges = np.linspace(0, 1, 16)
    cases = np.bincount(np.searchsorted(edges[1:-1], values))
    expected = (np.abs(share - mean) * cases[cases > 0]).sum() / len(values)
    assert expected_calibration_error(truth, values) == pytest.approx(expected, abs=1e-12)


def test_sums_within_float_error_are_probabilities():
    sums = [float(np.float32(0.7) + np.float32(0.3)) + 1e-7, -1e-8, 0.4]
    report = evaluate("test", [1, 0, 0], sums, probabilistic=True)
    assert report.brier == pytest.approx(0.16 / 3)
    assert report.ece == pytest.approx(0.4 / 3)
    assert calibration_curve([1, 0, 0], sums)[0][-1] == 1


def test_calibration_refuses_scores_that_are_no_probabilities():
    with pytest.raises(OpacityError, match=r"from 0\.5 to 1\.5 are no probabilities"):
        brier([0, 1], [0.5, 1.5])


def test_thinning_keeps_short_curves_whole():
    assert thin([0, 1, 2], [3, 4, 5]).x == (0.0, 1.0, 2.0)


def test_thinning_keeps_the_ends_and_invents_no_point():
    x = np.linspace(0, 1, 1001)
    curve = thin(x, x**2, at_most=50)
    assert len(curve.x) == len(curve.y) == 50
    assert (curve.x[0], curve.x[-1], curve.y[-1]) == (0, 1, 1)
    assert all(b == pytest.approx(a**2) for a, b in zip(curve.x, curve.y, strict=True))
    assert (np.diff(curve.x) > 0).all()


def test_a_percentile_counts_ties_as_half():
    # two below, one tied, one above: (2 + 0.5) / 4
    assert percentile_among([1, 2, 3, 4], 3) == pytest.approx(0.625)
    assert percentile_among([1, 2, 3, 4], 0) == 0
    assert percentile_among([1, 2, 3, 4], 5) == 1


def test_a_percentile_needs_normals():
    with pytest.raises(NotEnoughLabels, match="at least one normal"):
        percentile_among([], 0.5)


def test_a_report_holds_the_hand_computed_figures():
    report = evaluate("test", LABELS, SCORES, points={"youden": 0.5}, probabilistic=True)
    assert (report.split, report.n, report.abnormal) == ("test", 6, 3)
    assert report.auc == pytest.approx(8 / 9)  # only 0.3 against 0.4 is out of order
    # precision at each abnormal case, from the top: 1/1, 2/2, 3/4
    assert report.average_precision == pytest.approx((1 + 1 + 3 / 4) / 3)
    # 0.01 + 0.04 + 0.49 + 0.16 + 0.16 + 0.04
    assert report.brier == pytest.approx(0.9 / 6)
    assert report.ece == expected_calibration_error(LABELS, SCORES)
    assert report.points == (operating_point(LABELS, SCORES, 0.5, "youden"),)
    assert (report.roc.x[0], report.roc.y[0], report.roc.x[-1], report.roc.y[-1]) == (0, 0, 1, 1)
    assert (report.precision_recall.x[0], report.precision_recall.x[-1]) == (0, 1)


def test_a_report_on_anomaly_scores_has_no_calibration():
    report = evaluate("test", LABELS, [10 * score for score in SCORES], probabilistic=False)
    assert report.brier is None
    assert report.ece is None
    assert report.points == ()


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1]])
def test_a_report_needs_both_classes_and_says_what_there_is(labels):
    counts = f"{labels.count(0)} normal and {labels.count(1)} abnormal"
    with pytest.raises(NotEnoughLabels, match=counts):
        evaluate("test", labels, [0.1, 0.2, 0.3], probabilistic=True)


@pytest.mark.parametrize(
    ("labels", "scores"), [([0, 1], [0.5]), ([0, 2], [0.1, 0.2]), ([0, 1], [0.1, float("inf")])]
)
def test_malformed_cases_are_refused(labels, scores):
    with pytest.raises(OpacityError, match=r"labels for|must be 0|not a number"):
        evaluate("test", labels, scores, probabilistic=True)


def test_a_band_spans_the_intervals_of_both_rates_at_each_cut():
    band = roc_band(Curve((0.0, 0.5, 1.0), (0.0, 0.8, 1.0)), normal=10, abnormal=20)
    above, below = (band.x[1], band.y[1]), (band.x[4], band.y[4])
    assert above == (wilson(5, 10)[0], wilson(16, 20)[1])
    assert below == (wilson(5, 10)[1], wilson(16, 20)[0])
    assert (band.x[0], band.y[0]) == (0, wilson(0, 20)[1])  # nothing found of 20 is no proof of none
