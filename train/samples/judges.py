"""What the shipped gate and classifiers say of made scans, and how near each comes to a real one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor

from core import cards, gate, inference, resample
from core.anatomy import lungs
from core.card_types import Card
from core.errors import RefusedScan
from core.inference import Model
from core.models import backbones
from core.names import BRAIN_MRI, CHEST_FILM
from core.reading import images
from core.types import LungFields, Scan
from train.runs import cached, code
from train.samples import distances, files
from train.samples import scans as sample_scans
from train.samples.distances import PatientDistances, PrincipalAxes
from train.samples.scans import CONDITIONS, Scans

CLASSIFIERS = {CHEST_FILM: "pneumonia-ensemble", BRAIN_MRI: "brain-mri-mobilenet-v2"}
AGENT_CLASSIFIER = "etiology-ensemble"  # tells bacterial from viral films, as far as films show it


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
class NearestTraining:
    """Distances to the nearest training scan of the same modality, (N,) each, and which scan it is.

    family: (N,), 0 for films and 1 for slices. apart: the same between real patients, per modality.
    """

    family: Tensor
    greys: Tensor
    features: Tensor
    which: Tensor
    greys_apart: tuple[PatientDistances, ...]
    features_apart: tuple[PatientDistances, ...]

    def copies(self) -> Tensor:
        """(N,): nearer to a training scan than real patients' scans are to one another, in either way."""
        greys = torch.tensor([apart.nearest for apart in self.greys_apart])[self.family]
        features = torch.tensor([apart.nearest for apart in self.features_apart])[self.family]
        return (self.greys < greys) | (self.features < features)


def modality_of(condition: int) -> str:
    return tuple(CLASSIFIERS)[int(sample_scans.family_of(torch.tensor([condition]))[0])]


def judge_scans(made: Scans) -> Verdicts:
    """Read each scan from the bytes that a file would hold, as the app does."""
    judges = {name: inference.load(card) for name, card in CLASSIFIERS.items()}
    juries = {name: task_classifiers(judge.card) for name, judge in judges.items()}
    agents = inference.load(AGENT_CLASSIFIER)
    rows = [
        _verdict(scan, int(condition), judges[name], juries[name], agents)
        for scan, condition in zip(made.pixels, made.condition, strict=True)
        for name in [modality_of(int(condition))]
    ]
    return Verdicts(*(torch.tensor(column) for column in zip(*rows, strict=True)))


def task_classifiers(card: Card) -> list[Model]:
    """Every classifier of the card's task that a person may choose."""
    return [
        inference.load(other.id)
        for other in cards.shipped()
        if other.task == card.task and not other.yardstick
    ]


def _verdict(
    pixels: Tensor, condition: int, judge: Model, others: Sequence[Model], agents: Model
) -> tuple[bool, bool, bool, bool]:
    task, label = CONDITIONS[condition]
    scan = images.read(files.png_bytes(files.to_uint8(pixels)), "made.png")
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


def nearest_training(
    made: Scans, found: Tensor, train: Scans, known: Tensor, real: Sequence[PrincipalAxes]
) -> NearestTraining:
    """How near each made scan comes to a training scan of its family.

    made, train: the scans.
    found, known: (N, D), their features.
    real: principal axes of real scans, by family.
    """
    ours, theirs = sample_scans.family_of(made.condition), sample_scans.family_of(train.condition)
    greys, features = torch.zeros(len(ours)), torch.zeros(len(ours))
    which = torch.zeros(len(ours), dtype=torch.long)
    apart: list[tuple[PatientDistances, PatientDistances]] = []
    for family in range(len(CLASSIFIERS)):
        of, pool = ours == family, (theirs == family).nonzero()[:, 0]
        patients = [train.patients[place] for place in pool.tolist()]
        looks, seen = distances.standardised_pixels(train.pixels[pool]), real[family](known[pool])
        greys[of], place = distances.nearest_neighbours(distances.standardised_pixels(made.pixels[of]), looks)
        features[of], _ = distances.nearest_neighbours(real[family](found[of]), seen)
        which[of] = pool[place]
        chance = Generator().manual_seed(0)
        apart.append(
            (
                distances.patient_distances(looks, patients, chance),
                distances.patient_distances(seen, patients, chance),
            )
        )
    return NearestTraining(
        ours, greys, features, which, *(tuple(column) for column in zip(*apart, strict=True))
    )


def cached_features(scans: Scans, folder: Path) -> Tensor:
    """Features of real scans, computed once."""
    made_by = code(distances.backbone_features, backbones, resample)
    known = cards.read(f"backbone-{distances.BACKBONE}").sha256, scans.pixels, made_by
    return cached("samples-features", known, lambda: distances.backbone_features(scans.pixels), folder)
