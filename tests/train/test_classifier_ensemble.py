from pathlib import Path

import numpy as np
import pytest

from core import cards
from core.card_types import Card
from train.classifier_ensemble import select_members, validation_cases, with_validation_cases
from train.data import hospitals, tasks
from train.data.datasets import Case


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


def test_members_that_err_on_other_cases_are_preferred_to_better_ones_that_err_alike(truth: np.ndarray):
    candidates = {
        "best": votes(flipped(truth, slice(0, 20)), 0.9),
        "twin": votes(flipped(truth, slice(0, 21)), 0.9),
        "other": votes(flipped(truth, slice(100, 124)), 0.9),
    }
    assert select_members(candidates, truth, most=2) == ["best", "other"]


def test_nobody_joins_who_does_not_help(truth: np.ndarray):
    candidates = {
        "best": votes(flipped(truth, slice(0, 10)), 0.95),
        "good": votes(flipped(truth, slice(50, 60)), 0.95),
        "guess": votes(np.zeros(200, dtype=int), 0.9),
    }
    assert set(select_members(candidates, truth, most=3)) == {"best", "good"}


def test_an_ensemble_is_validated_on_what_its_members_were_and_tested_on_the_same():
    cases = [
        Case(Path(name), name, "normal", name, split)
        for name, split in {"a": "train", "b": "validation", "c": "train", "d": "test"}.items()
    ]
    told = {case.name: case.split for case in with_validation_cases(cases, ("c", "d"))}
    assert told == {"a": "train", "b": "train", "c": "validation", "d": "test"}


def standing_on() -> list[tuple[str, str]]:
    """Shipped classifiers and the cards underneath."""
    judges = [card for card in cards.every() if card.kind == "classifier"]
    return [
        (card.id, word.split("@")[0])
        for card in judges
        for value in card.arguments.values()
        for word in str(value).split()
        if "@" in word
    ]


def classifier(name: str) -> Card:
    card = cards.read(name)
    assert isinstance(card, Card)
    return card


def of_one_table(name: str) -> bool:
    """Whether the card learned from the table of all hospitals, which has one split for all its tasks."""
    return tasks.HOSPITALS in classifier(name).data


@pytest.mark.parametrize(("upper", "lower"), [pair for pair in standing_on() if of_one_table(pair[1])])
def test_no_card_of_all_ages_is_validated_on_what_taught_the_card_underneath(
    upper: str, lower: str, data: Path
):
    assert of_one_table(upper)
    taught = {film.case.name for film in hospitals.table(data) if film.case.split == "train"}
    assert len(taught) > 5000
    assert not taught & set(cards.scores(classifier(upper)).case)
    assert not taught & set(cards.scores(classifier(lower)).case)


@pytest.mark.parametrize(("upper", "lower"), [pair for pair in standing_on() if not of_one_table(pair[1])])
def test_no_shipped_card_is_validated_on_what_the_cards_underneath_learned_from(upper: str, lower: str):
    above, below = (validation_cases(classifier(name)) for name in (upper, lower))
    foreign = {name for name in above if name.startswith("covid_radiography/")}  # not among Kermany's
    assert set(above) - foreign <= set(below)
