"""Local normals move a detector's threshold to where the place's own normals score."""

from dataclasses import replace

import numpy as np
import pytest

from core import cards
from core.errors import NotEnoughLabels, OpacityError
from core.evaluation import operating_points
from core.evaluation.local_normals import adapted, specificities

DETECTOR = next(card for card in cards.every() if card.kind == "detector")


def test_the_threshold_is_the_local_mean_and_one_deviation_and_is_read_back():
    scores = np.linspace(7, 9, 50)
    point = adapted(DETECTOR, scores)
    assert point.threshold == pytest.approx(scores.mean() + scores.std())
    assert operating_points.read(operating_points.export([point]), DETECTOR) == (point,)


def test_a_point_for_other_weights_is_refused():
    exported = operating_points.export([adapted(DETECTOR, np.arange(20.0))])
    with pytest.raises(OpacityError, match="other weights"):
        operating_points.read(exported, replace(DETECTOR, sha256="0" * 64))


@pytest.mark.parametrize("count", [19, 201])
def test_too_few_and_too_many_normals_are_refused(count: int):
    with pytest.raises(NotEnoughLabels, match=f"{count} normal scans"):
        adapted(DETECTOR, np.arange(float(count)))


def test_a_classifier_cannot_be_adapted():
    classifier = next(card for card in cards.every() if card.kind == "classifier")
    with pytest.raises(OpacityError, match="no detector"):
        adapted(classifier, np.arange(30.0))


def test_more_local_normals_narrow_the_spread_around_what_is_nominal():
    scores = np.random.default_rng(0).normal(size=400)
    few, many = (specificities(scores, [str(n) for n in range(400)], count=count) for count in (20, 200))
    assert many.mean() == pytest.approx(0.84, abs=0.03)
    assert np.quantile(few, 0.05) < np.quantile(many, 0.05)


def test_patients_that_set_the_threshold_are_not_measured_on():
    scores, patients = [0.0, 0.0, 10.0, 10.0, 5.0, 5.0], ["a", "a", "b", "b", "c", "c"]
    assert set(specificities(scores, patients, count=2, draws=50).tolist()) == {0.0, 1.0}
    with pytest.raises(NotEnoughLabels, match="3 patients"):
        specificities(scores, patients, count=3)
