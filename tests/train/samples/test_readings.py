"""The samples' readings that ship are those of the cards that ship."""

import pytest

from core import inference, samples
from core.samples import readings
from train.samples.readings import defaults, read


def test_what_was_read_ahead_is_what_the_cards_say_now():
    told = {(reading.card, reading.digest): reading for reading in readings.every()}
    assert len(told) == sum(sample.modality in defaults() for sample in samples.every())
    for sample in samples.every()[::6]:
        if sample.modality in defaults():
            now = read(inference.load(defaults()[sample.modality].id), sample)
            ahead = told[now.card, now.digest]
            assert (ahead.weights, ahead.refusal, ahead.test) == (now.weights, now.refusal, now.test)
            assert ahead.probabilities == pytest.approx(now.probabilities, abs=1e-4)
