"""Who takes part in an ensemble."""

from core import cards
from train import ensemble
from train.data.sources import SOURCES
from train.fitted import input_spec

CHEST = SOURCES["chest"]
SPEC = input_spec("", CHEST)


def test_those_named_take_part_in_the_order_of_the_cards():
    named = [card.id for card in ensemble.matching_detectors(cards.every(), [], CHEST, SPEC)][:3]
    assert len(set(named)) == 3
    for order in (named, named[::-1]):
        assert [card.id for card in ensemble.matching_detectors(cards.every(), order, CHEST, SPEC)] == named


def test_without_names_all_that_are_fed_alike_take_part_and_no_ensemble_does():
    invited = ensemble.matching_detectors(cards.every(), [], CHEST, SPEC)
    alike = {card.id for card in cards.every() if (card.kind, card.input) == ("detector", SPEC)}
    assert {card.id for card in invited} == alike - {"chest-ensemble"}
    assert len(invited) > 2
    assert "ensemble" not in {card.model for card in invited}


def test_detectors_of_other_scans_or_fed_otherwise_stay_out():
    others = ["brain-mri-patchcore", "chest-autoencoder", "pneumonia-cnn"]
    assert ensemble.matching_detectors(cards.every(), others, CHEST, SPEC) == []
