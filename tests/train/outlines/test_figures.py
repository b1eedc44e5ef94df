"""Dice, lesions found and false marks, on masks whose answer is known."""

import numpy as np
import pytest

from train.outlines import figures
from train.outlines.figures import Seen


def square(top: int, left: int, side: int = 10, value: float = 1.0) -> np.ndarray:
    picture = np.zeros((100, 100), dtype=np.float32)
    picture[top : top + side, left : left + side] = value
    return picture


def test_dice_of_the_same_of_half_and_of_nothing():
    whole, none = square(0, 0) > 0, square(0, 0, 0) > 0
    assert figures.dice(whole, whole) == 1
    assert figures.dice(none, none) == 1
    assert figures.dice(whole, none) == 0
    assert figures.dice(whole, square(0, 5) > 0) == pytest.approx(0.5)


def test_each_lesion_counts_and_each_mark_on_a_normal_is_false():
    both = (square(0, 0) + square(50, 50)) > 0
    normal = [square(0, 0) + square(50, 50), square(0, 0, 0)]
    said = figures.measure(Seen([square(0, 0)] * 2, [both] * 2, normal), 0.5, 0.0)
    assert said["lesions"] == 4
    assert said["sensitivity_per_lesion"] == 0.5
    assert said["dice"] == pytest.approx(2 / 3)
    assert said["false_marks_per_normal_scan"] == 1.0
    assert said["normal_scans_unmarked"] == 0.5
    assert said["normal_scans_unmarked_low"] < 0.5 < said["normal_scans_unmarked_high"]


def test_the_threshold_keeps_normals_unmarked_before_it_seeks_dice():
    truth = square(0, 0, 20) > 0
    found = np.maximum(square(0, 0, 20, 0.45), square(0, 0, 18, 0.9))
    seen = Seen([found], [truth], [square(50, 50, 10, 0.5)])
    assert figures.choose(seen, unmarked=0.0)[0] <= 0.45
    threshold, smallest = figures.choose(seen, unmarked=1.0)
    assert threshold > 0.5 or smallest > 0.01


def test_a_mean_outline_is_of_the_other_scans():
    assert figures.mean_outline([square(0, 0) > 0] * 3) == 1
    assert figures.mean_outline([square(0, 0) > 0, square(50, 50) > 0]) == 0
