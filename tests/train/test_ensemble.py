"""Who takes part in an ensemble."""

from core import cards
from train import ensemble
from train.data.sources import SOURCES
from train.fitted import input_of

CHEST = SOURCES["chest"]
SPEC = input_of("", CHEST)


def test_those_named_take_part_in_the_order_of_the_cards():
    named = [card.id for card in ensemble.invited(cards.every(), [], CHEST, SPEC)][:3]
    assert len(set(named)) == 3
    for order in (named, named[::-1]):
        assert [card.id for card in ensemble.invited(cards.every(), order, CHEST, SPEC)] == named


def test_without_names_all_that_are_fed_alike_take_part_and_no_ensemble_does():
    invited = ensemble.invited(cards.every(), [], CHEST, SPEC)
    assert len(invited) > 5
    assert {card.input for card in invited} == {SPEC}
    assert "ensemble" not in {card.model for card in invited}


def test_detectors_of_other_scans_or_fed_otherwise_stay_out():
    others = ["brain-mri-patchcore", "chest-autoencoder", "pneumonia-cnn"]
    assert ensemble.invited(cards.every(), others, CHEST, SPEC) == []
