"""What the shipped gate and classifiers say of made scans, and how near each comes to a real one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor

from core import cards, gate, inference
from core.anatomy import lungs
from core.card_types import Card
from core.errors import RefusedScan
from core.inference import Model
from core.names import BRAIN_MRI, CHEST_FILM
from core.reading import images
from core.types import LungFields, Scan
from train.runs import cached
from train.samples import distances, files
from train.samples import scans as sample_scans
from train.samples.distances import Apart, Directions
from train.samples.scans import CONDITIONS, Scans

JUDGES = {CHEST_FILM: "pneumonia-ensemble", BRAIN_MRI: "brain-mri-mobilenet-v2"}
AGENTS = "etiology-ensemble"  # tells bacterial from viral films, as far as films show it


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """Each (N,). agrees: normal or not, as asked. agent: so named. admitted: by the gate.

    unanimous: every classifier of the task agrees, so that nobody who changes the model meets a riddle.
    """

    agrees: Tensor
    agent: Tensor
    admitted: Tensor
    unanimous: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Nearness:
    """Distances to the nearest training scan of the same modality, (N,) each, and which scan it is.

    family: (N,), 0 for films and 1 for slices. apart: the same between real patients, per modality.
    """

    family: Tensor
    greys: Tensor
    features: Tensor
    which: Tensor
    greys_apart: tuple[Apart, ...]
    features_apart: tuple[Apart, ...]

    def copies(self) -> Tensor:
        """(N,): nearer to a training scan than real patients' scans are to one another, in either way."""
        greys = torch.tensor([apart.nearest for apart in self.greys_apart])[self.family]
        features = torch.tensor([apart.nearest for apart in self.features_apart])[self.family]
        return (self.greys < greys) | (self.features < features)


def modality(condition: int) -> str:
    return tuple(JUDGES)[int(sample_scans.families(torch.tensor([condition]))[0])]


def verdicts(made: Scans) -> Verdicts:
    """Read each scan from the bytes that a file would hold, as the app does."""
    judges = {name: inference.load(card) for name, card in JUDGES.items()}
    juries = {name: jury(judge.card) for name, judge in judges.items()}
    agents = inference.load(AGENTS)
    rows = [
        _verdict(scan, int(condition), judges[name], juries[name], agents)
        for scan, condition in zip(made.pixels, made.condition, strict=True)
        for name in [modality(int(condition))]
    ]
    return Verdicts(*(torch.tensor(column) for column in zip(*rows, strict=True)))


def jury(card: Card) -> list[Model]:
    """Every classifier of the card's task that a person may choose."""
    return [
        inference.load(other.id) for other in cards.every() if other.task == card.task and not other.yardstick
    ]


def _verdict(
    pixels: Tensor, condition: int, judge: Model, others: Sequence[Model], agents: Model
) -> tuple[bool, bool, bool, bool]:
    task, label = CONDITIONS[condition]
    scan = images.read(files.png(files.grey(pixels)), "made.png")
    fields = lungs.find(scan)

    def right(model: Model) -> bool:
        return (inference.classify(model, scan, fields).verdict == "normal") == (label == "normal")

    agrees = right(judge)
    agent = True
    if task == "etiology":
        named = inference.classify(agents, scan, fields).probabilities
        agent = max(named, key=lambda name: named[name]) == label
    return agrees, agent, _admitted(scan, judge, fields), agrees and all(map(right, others))


def _admitted(scan: Scan, judge: Model, fields: LungFields) -> bool:
    try:
        gate.check(scan, judge.card, fields)
    except RefusedScan:
        return False
    return True


def nearness(made: Scans, found: Tensor, train: Scans, known: Tensor, real: Sequence[Directions]) -> Nearness:
    """found, known: features of made and of training scans. real: the main directions of each family."""
    ours, theirs = sample_scans.families(made.condition), sample_scans.families(train.condition)
    greys, features = torch.zeros(len(ours)), torch.zeros(len(ours))
    which = torch.zeros(len(ours), dtype=torch.long)
    apart: list[tuple[Apart, Apart]] = []
    for family in range(len(JUDGES)):
        of, pool = ours == family, (theirs == family).nonzero()[:, 0]
        patients = [train.patients[place] for place in pool.tolist()]
        looks, seen = distances.greys(train.pixels[pool]), real[family](known[pool])
        greys[of], place = distances.nearest(distances.greys(made.pixels[of]), looks)
        features[of], _ = distances.nearest(real[family](found[of]), seen)
        which[of] = pool[place]
        chance = Generator().manual_seed(0)
        apart.append(
            (
                distances.apart(looks, patients, chance),
                distances.apart(seen, patients, chance),
            )
        )
    return Nearness(ours, greys, features, which, *(tuple(column) for column in zip(*apart, strict=True)))


def remembered_features(scans: Scans, folder: Path) -> Tensor:
    """Features of real scans, computed once."""
    known = cards.read(f"backbone-{distances.BACKBONE}").sha256, scans.pixels
    return cached("samples-features", known, lambda: distances.features(scans.pixels), folder)
