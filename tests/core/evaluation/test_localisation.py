"""Drawn maps and outlines whose figures are known."""

from dataclasses import replace

import numpy as np
import pytest

from core.evaluation import localisation
from core.evaluation.localisation import BASELINES, CENTRE, EVEN, MEAN_OUTLINE

OUTLINE = np.zeros((8, 8), dtype=bool)
OUTLINE[2:4, 2:6] = True  # 8 of 64 places
RIGHT = OUTLINE.astype(np.float32)
WRONG = 1 - RIGHT
EVENLY = np.ones((8, 8), dtype=np.float32)


def test_a_map_that_is_the_outline_has_it_all_and_its_opposite_nothing():
    for figure in (localisation.pointing_game, localisation.energy_inside, localisation.average_precision):
        assert figure(RIGHT, OUTLINE) == 1
    assert localisation.pointing_game(WRONG, OUTLINE) == localisation.energy_inside(WRONG, OUTLINE) == 0
    assert localisation.average_precision(WRONG, OUTLINE) == pytest.approx(8 / 64)


def test_even_heat_has_the_outlines_share_of_everything():
    for figure in (localisation.pointing_game, localisation.energy_inside, localisation.average_precision):
        assert figure(EVENLY, OUTLINE) == pytest.approx(8 / 64)
    assert localisation.energy_inside(0 * EVENLY, OUTLINE) == 0


def test_the_hottest_place_alone_decides_the_pointing_game():
    heat = WRONG.copy()
    heat[2, 2] = 1.1
    assert localisation.pointing_game(heat, OUTLINE) == 1


def test_overlap_is_of_what_is_at_least_as_hot_as_the_cut():
    heat = np.zeros((8, 8), dtype=np.float32)
    heat[2:4, 2:6], heat[6:, 6:] = 0.5, 1.0  # the outline, and four places hotter than it
    assert localisation.overlaps(heat, OUTLINE, [0.0, 0.5, 0.6, 2.0]) == pytest.approx([8 / 64, 8 / 12, 0, 0])
    assert localisation.best_cut([heat, heat], [OUTLINE, OUTLINE]) == 0.5


def test_the_centre_is_the_regions_and_falls_to_nothing():
    heat = localisation.centre(OUTLINE)
    assert np.unravel_index(heat[:, :4].argmax(), (8, 4)) in ((2, 3), (3, 3))
    assert heat.min() == 0
    assert localisation.centre(np.zeros((8, 8), dtype=bool)).argmax() == 4 * 8 + 4


def test_the_mean_outline_leaves_the_film_itself_out():
    others = localisation.mean_of_others([OUTLINE, OUTLINE, ~OUTLINE])
    assert others[0] == pytest.approx(np.full((8, 8), 0.5))
    assert others[2] == pytest.approx(RIGHT)


def test_the_cut_and_the_choice_are_of_other_films_than_the_figures():
    chosen, reported = [(RIGHT, OUTLINE)] * 3, [(RIGHT, OUTLINE), (WRONG, OUTLINE)] * 10
    found = localisation.compare(chosen, reported)
    assert (found.n, found.chosen_on, found.choice) == (20, 3, 1)
    assert found.pointing == found.energy == found.overlap == 0.5
    low, high = found.pointing_interval
    assert 0.2 < low < 0.35 < 0.65 < high < 0.8


def test_the_interval_is_a_bootstrap_over_films():
    values = np.random.default_rng(1).normal(0.5, 0.1, 400)
    low, high = localisation.interval(values)
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.1)


def table(**rows: tuple[float, float]):
    """Maps by name, each with its pointing and its average precision, give or take 0.05."""
    some = localisation.compare([(RIGHT, OUTLINE)] * 2, [(RIGHT, OUTLINE)] * 2)
    blind = dict.fromkeys(BASELINES, (0.5, 0.4))
    return {
        name: replace(some, pointing=p, average_precision=a, average_precision_interval=(a - 0.05, a + 0.05))
        for name, (p, a) in {**blind, **rows}.items()
    }


@pytest.mark.parametrize(
    ("row", "word"),
    [((0.6, 0.5), "useful"), ((0.6, 0.42), "weak"), ((0.4, 0.5), "weak"), ((0.5, 0.4), "ignore")],
)
def test_a_map_is_worth_what_it_has_beyond_the_best_baseline(row: tuple[float, float], word: str):
    assert localisation.word({"films": table(map=row)}, "map") == word


def test_a_map_must_be_useful_everywhere_to_be_called_so():
    good, bad = table(map=(0.9, 0.9)), table(map=(0.1, 0.1))
    assert localisation.word({"a": good, "b": good}, "map") == "useful"
    assert localisation.word({"a": good, "b": bad}, "map") == "weak"
    assert localisation.word({"a": bad, "b": bad}, "map") == "ignore"
    assert localisation.word({"a": good}, "another") is None
    assert set(BASELINES) == {EVEN, MEAN_OUTLINE, CENTRE}
