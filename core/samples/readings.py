"""What the default cards say of the samples, found ahead: a first visitor need not wait for torch.

weights/samples/readings.json holds {"readings": [{"card", "weights", "digest", "refusal", "test",
"probabilities", "score"}, ...]}. A reading holds for its card's weights and its file's bytes, and for nothing
else: once either changes it is passed over, and the scan is read like any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from core.card_types import Card
from core.cards import SAMPLES, WEIGHTS
from core.types import Prediction

COMMAND: Final = "python -m train.samples.readings"


@dataclass(frozen=True, slots=True)
class Reading:
    """One sample, read by one card. card: its id; weights, digest: sha256 of its weights and of the sample.

    refusal, test: why the gate turned it back; two empty texts where it did not. probabilities: by label,
    none where the gate turned it back. score: of the scan.
    """

    card: str
    weights: str
    digest: str
    refusal: str
    test: str
    probabilities: Mapping[str, float]
    score: float

    def prediction(self, card: Card) -> Prediction:
        """As `core.inference.classify` gives it."""
        return Prediction(self.probabilities, self.score, card.threshold)


_FILE: TypeAdapter[dict[str, tuple[Reading, ...]]] = TypeAdapter(dict[str, tuple[Reading, ...]])


def of(card: Card, digest: str, root: Path = WEIGHTS) -> Reading | None:
    """The card's reading of a sample, None for all that was not read ahead.

    card: a classifier.
    digest: of the scan.
    root: the folder of weights.
    """
    return _known(root).get((card.sha256, digest))


@cache
def _known(root: Path) -> dict[tuple[str, str], Reading]:
    return {(reading.weights, reading.digest): reading for reading in every(root)}


def every(root: Path = WEIGHTS) -> tuple[Reading, ...]:
    """All of the file; none without it, or where it breaks its rules: every scan can be read anew."""
    try:
        return _FILE.validate_json((root / SAMPLES / "readings.json").read_bytes())["readings"]
    except (OSError, ValidationError, KeyError):
        return ()


def write(readings: Sequence[Reading], root: Path = WEIGHTS) -> None:
    """Replace the file."""
    found = {"readings": tuple(readings)}
    (root / SAMPLES / "readings.json").write_bytes(_FILE.dump_json(found, indent=1) + b"\n")
    _known.cache_clear()
