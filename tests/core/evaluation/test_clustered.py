import numpy as np
import pytest

from core.evaluation import binary, clustered

RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 2, 200)
SCORES = RNG.random(200) + 0.5 * TRUTH
ALONE = [str(n) for n in range(200)]


def test_cases_that_stand_alone_have_the_usual_intervals():
    assert clustered.auc_interval(TRUTH, SCORES, ALONE) == pytest.approx(
        binary.auc_interval(TRUTH, SCORES), abs=1e-3
    )
    hits = RNG.random(200) < 0.8
    assert clustered.share_interval(hits, ALONE) == pytest.approx(
        binary.wilson(int(hits.sum()), 200), abs=2e-3
    )


def test_copies_of_a_case_make_no_figure_surer():
    times = 4
    groups = ALONE * times
    once, often = (
        clustered.auc_interval(np.tile(TRUTH, n), np.tile(SCORES, n), ALONE * n) for n in (1, times)
    )
    assert often == pytest.approx(once, abs=1e-6)
    single = binary.auc_interval(np.tile(TRUTH, times), np.tile(SCORES, times))
    assert often[1] - often[0] > 1.9 * (single[1] - single[0])
    hits = SCORES > 0.6
    assert clustered.share_interval(np.tile(hits, times), groups) == pytest.approx(
        clustered.share_interval(hits, ALONE), abs=2e-3
    )


def test_an_interval_covers_the_truth_as_often_as_it_says():
    """400 draws of 40 patients with 5 like films each."""
    covered = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        hits = np.repeat(rng.random(40) < 0.7, 5)
        low, high = clustered.share_interval(hits, [str(n // 5) for n in range(200)])
        covered += low <= 0.7 <= high
    assert 0.91 <= covered / 400 <= 0.99


@pytest.mark.parametrize("value", [True, False])
def test_a_share_of_all_or_none_has_an_interval(value: bool):
    low, high = clustered.share_interval([value] * 30, [str(n) for n in range(30)])
    assert 0 <= low < high <= 1
    assert clustered.auc_interval([0, 1], [0, 1], ["a", "b"]) == binary.auc_interval([0, 1], [0, 1])
