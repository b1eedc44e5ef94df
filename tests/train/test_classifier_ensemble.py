import numpy as np
import pytest

from train.classifier_ensemble import choose


def votes(right: np.ndarray, sure: float) -> np.ndarray:
    """Log probabilities that say `right` with that much certainty."""
    return np.log(np.where(np.eye(2)[right] == 1, sure, 1 - sure))


@pytest.fixture
def truth() -> np.ndarray:
    return np.arange(200) % 2


def flipped(truth: np.ndarray, share: slice) -> np.ndarray:
    wrong = truth.copy()
    wrong[share] = 1 - wrong[share]
    return wrong


def test_members_that_err_elsewhere_are_preferred_to_better_ones_that_err_alike(truth: np.ndarray):
    candidates = {
        "best": votes(flipped(truth, slice(0, 20)), 0.9),
        "twin": votes(flipped(truth, slice(0, 21)), 0.9),
        "other": votes(flipped(truth, slice(100, 124)), 0.9),
    }
    assert choose(candidates, truth, most=2) == ["best", "other"]


def test_nobody_joins_who_does_not_help(truth: np.ndarray):
    candidates = {
        "best": votes(flipped(truth, slice(0, 10)), 0.95),
        "good": votes(flipped(truth, slice(50, 60)), 0.95),
        "guess": votes(np.zeros(200, dtype=int), 0.9),
    }
    assert set(choose(candidates, truth, most=3)) == {"best", "good"}
