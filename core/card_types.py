"""What a folder of weights/ says of itself: the values that core/cards.py reads and train/ writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.types import EvaluationReport, InputSpec, Interval, Kind, Origin, Trust


@dataclass(frozen=True, slots=True)
class Policy:
    """How a threshold was chosen: a name in POLICIES and its arguments."""

    name: str
    arguments: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Training:
    """How the weights were made. curve: one row per epoch, each a mapping of figure to value."""

    command: str
    settings: Mapping[str, bool | int | float | str]
    curve: tuple[Mapping[str, float], ...]
    minutes: float
    parameters: int


@dataclass(frozen=True, slots=True)
class CardBase:
    """What every folder of weights/ says of itself. Only train/ writes it."""

    id: str
    title: str
    task: str
    modality: str
    model: str
    arguments: Mapping[str, bool | int | float | str]
    input: InputSpec
    labels: tuple[str, ...]
    threshold: float
    policy: Policy
    training: Training
    data: Mapping[str, int | float | str]
    intended_use: str
    limitations: tuple[str, ...]
    licence: str
    seed: int
    commit: str
    sha256: str

    @property
    def version(self) -> str:
        """This card with these weights, as cards that stand on it name it: ID@SHA256."""
        return f"{self.id}@{self.sha256[:12]}"


@dataclass(frozen=True, slots=True)
class Refusals:
    """What the gate made of one kind of picture. wanted: whether it ought to be refused.

    tests: how many failed which test first.
    """

    kind: str
    wanted: bool
    n: int
    refused: int
    tests: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class GateCheck:
    """The learned part of the gate, in weights/gates/ under the start of its sha256.

    threshold: the largest distance from the card's own films that passes. quantile: the share of
    validation scans, of each source in `data`, that it lets through at least.
    """

    threshold: float
    quantile: float
    data: Mapping[str, int | str]
    refusals: tuple[Refusals, ...]
    command: str
    sha256: str


@dataclass(frozen=True, slots=True)
class KnownCases:
    """The scans that a card was made from, in embeddings.npz beside the weights.

    n: how many; voters: how many of them vote, the others being validation scans. k, temperature, prior: how
    the k nearest vote (core.models.knn), chosen on validation; a scan is called abnormal from `threshold`
    votes' share on, chosen there too. agreement: share of validation scans on which the vote and the
    card's own network give the same verdict.
    """

    n: int
    voters: int
    k: int
    temperature: float
    prior: float
    threshold: float
    agreement: float
    command: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Localisation:
    """How well one kind of map finds what radiologists outlined: means over n reported films.

    pointing: share of films whose hottest place lies in the outline. energy: share of the heat there.
    average_precision: of places. overlap: intersection over union at one cut for all films. Intervals are
    95 %, by film. choice: mean of pointing and average precision on the chosen_on other films that chose the
    method and the cut.
    """

    n: int
    pointing: float
    pointing_interval: Interval
    energy: float
    average_precision: float
    average_precision_interval: Interval
    overlap: float
    overlap_interval: Interval
    chosen_on: int
    choice: float


@dataclass(frozen=True, slots=True)
class Card(CardBase):
    """A classifier or a detector that a person can choose.

    labels: lower case, the normal class first. threshold: a number on `score`; a scan is abnormal when
    score >= threshold. report: per split. scales: full-colour heat per explanation method, or "map"
    for a detector. shift: validation against test, in figures. trust: per explanation method.
    localisation: per set of outlined films, the card's maps and the baselines, by name.
    gate: the learned check of the gate, None before python -m train.gate has measured one.
    figures: what else was measured, on test where nothing else is said: false alarms, agreement with the
    yardstick, other hospitals, calibration, cost. yardstick: there to be beaten, not to be used.
    known: its training scans for nearest neighbours, None before python -m train.index has run.
    origin: "own" where python -m train.new made it from a person's own films.
    ages: of the patients it learned from, youngest and oldest in whole years; None where they are not known.
    """

    kind: Kind
    ages: tuple[int, int] | None = field(default=None, kw_only=True)
    report: Mapping[str, EvaluationReport]
    scales: Mapping[str, float]
    shift: Mapping[str, float]
    trust: Mapping[str, Trust] = field(default_factory=dict)
    gate: GateCheck | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    yardstick: bool = False
    known: KnownCases | None = None
    origin: Origin = "shipped"
    localisation: Mapping[str, Mapping[str, Localisation]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SegmenterCard(CardBase):
    """A network that finds a region. report: figure to value per split, such as mean Dice.

    smallest: share of the scan; a lesion's card leaves smaller marks out. localisation: as on a Card, of the
    probability of each place.
    """

    kind: Literal["segmenter"]
    report: Mapping[str, Mapping[str, float]]
    smallest: float = 0.0
    localisation: Mapping[str, Mapping[str, Localisation]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BackboneCard(CardBase):
    """A pretrained network that detectors look through. It judges nothing by itself."""

    kind: Literal["backbone"]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The rows of a scores.csv: one case each, in file order, both splits together."""

    split: tuple[str, ...]
    case: tuple[str, ...]
    label: tuple[str, ...]
    score: NDArray[np.float64]
    probabilities: Mapping[str, NDArray[np.float64]]
