"""Read the samples by the cards that their tasks open with: python -m train.samples.readings

Writes weights/samples/readings.json. To be run again when a default card, the gates or the samples change.
"""

from collections.abc import Iterator

from core import cards, gate, inference, samples
from core.card_types import Card
from core.errors import RefusedScan
from core.inference import Model
from core.reading import images
from core.samples import Sample, readings
from core.samples.readings import Reading
from core.types import Prediction


def defaults() -> dict[str, Card]:
    """The first classifier of each modality, which a page opens with."""
    classifiers = [card for card in cards.every() if card.kind == "classifier" and not card.yardstick]
    return {card.modality: card for card in reversed(classifiers)}


def read(model: Model, sample: Sample) -> Reading:
    """The sample as the app reads it."""
    scan = images.read(samples.read(sample), sample.name)
    refusal = test = ""
    found = Prediction({}, 0.0, model.card.threshold)
    try:
        gate.check(scan, model.card)
    except RefusedScan as reason:
        refusal, test = str(reason), reason.test
    else:
        found = inference.classify(model, scan)
    return Reading(
        model.card.id, model.card.sha256, scan.digest, refusal, test, found.probabilities, found.score
    )


def every() -> Iterator[Reading]:
    """Of all samples of the defaults' modalities."""
    models = {modality: inference.load(card.id) for modality, card in defaults().items()}
    for sample in samples.every():
        if sample.modality in models:
            yield read(models[sample.modality], sample)


if __name__ == "__main__":
    found = list(every())
    readings.write(found)
    print(f"{len(found)} samples read, {sum(bool(reading.refusal) for reading in found)} of them refused.")
