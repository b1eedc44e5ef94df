"""A linear head on a frozen network, learned from a person's own films."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace

import torch
from torch import Generator, Tensor

from core import cards, checkpoints
from core.card_types import Card
from core.errors import DataSetError, NoUsefulThreshold, UnknownName
from core.models.backbones import MEAN, SIDE, STD
from core.models.base import Classifier
from core.models.frozen import LinearHead, LinearProbe, PooledHead, StandardisedHead
from core.preprocess import align, denormalise, normalise, stretch
from core.reading import images
from core.resample import crop
from core.types import InputSpec
from train import probe, runs
from train.data import augment
from train.data.datasets import Case, in_split
from train.data.films import WHOLE
from train.data.tasks import Task
from train.fit import calibration, loop
from train.fit.frozen_features import SPLITS, Features, mean_lungs
from train.fit.views import SHIFTS
from train.new.request import MADE_FROM, Prepared
from train.publish import classifier_card, report
from train.publish.provenance import Trained

BACKBONE = "dinov2-vits14"
COPIES = 4  # times that each training film is looked at, augmented anew
BATCH = 16
STEPS = 8  # of each epoch, at least, however few the films
SETTINGS = loop.Settings(epochs=40, learning_rate=1e-3, weight_decay=1.0, average=0.98, bf16=False)


def make(prepared: Prepared) -> Card:
    """Train, choose the threshold, measure and write the card. Goes on where an earlier call was stopped.

    Raises NoUsefulThreshold, and writes nothing, where the head does no better than chance.
    """
    torch.manual_seed(prepared.request.seed)
    network, spec = build(prepared)
    features = extract(prepared, network, spec)
    network.standardise(features["train"].views[""])
    train = len(features["train"].truth)
    settings = replace(SETTINGS, batch=min(256, max(1, train // STEPS)), seed=prepared.request.seed)
    # a folder of its own for these very features, so that no other run's checkpoint is gone on from
    known = runs.digest(features, asdict(settings), network.state_dict())[:16]
    folder = prepared.request.runs / f"new-{prepared.request.name}-{known}"
    outcome = probe.train_head(network, features, settings, folder)
    best, validation = outcome.network.cpu().eval(), features["validation"]
    logits = probe.head_logits(best, validation.views[""])
    # films that the head tells apart without a fault would make it as sure as one likes
    temperature = max(1.0, calibration.fit_temperature(logits, validation.truth))
    calibration.fold_temperature(best, temperature)
    trained = Trained(
        card_id=prepared.request.name,
        model="linear-head" if isinstance(network, LinearHead) else "probe",
        arguments=_arguments(network, len(prepared.labels)),
        input=spec,
        network=best,
        cases=prepared.films.cases,
        settings={**asdict(settings), MADE_FROM: prepared.known_by},
        curve=outcome.curve,
        minutes=outcome.minutes,
        seed=settings.seed,
    )
    figures = calibration.calibration_metrics(logits, validation.truth, temperature)
    return publish(prepared, trained, figures)


def build(prepared: Prepared) -> tuple[StandardisedHead, InputSpec]:
    """A fresh head on the frozen network, and what that is fed."""
    classes, base = len(prepared.labels), prepared.request.base
    head: StandardisedHead
    if not base:
        head = LinearProbe(of=BACKBONE, classes=classes)
        spec = InputSpec(SIDE, 3, MEAN, STD, prepared.region)
    else:
        card = cards.read(base)
        if not isinstance(card, Card) or card.kind != "classifier":
            raise UnknownName(f"{base} is no classifier: name one with --base, or leave it out.")
        spec, of = card.input, f"{base}@{card.sha256[:12]}"
        below = checkpoints.network(card)
        if not isinstance(below, Classifier):
            raise UnknownName(f"{base} asks several networks: name a card of a single one with --base.")
        with torch.inference_mode():
            width = below.features(torch.zeros(1, spec.channels, spec.size, spec.size)).shape[1]
        head = LinearHead(of=of, width=width, classes=classes)
    checkpoints.load_dependencies(head)
    for parameter in head.base.parameters():
        parameter.requires_grad_(False)
    return head, spec


def _arguments(network: StandardisedHead, classes: int) -> dict[str, int | str]:
    width = {"width": len(network.mean)} if isinstance(network, LinearHead) else {}
    return {"of": network.of, "classes": classes, **width}


def extract(prepared: Prepared, network: StandardisedHead, spec: InputSpec) -> dict[str, Features]:
    """What the frozen network sees in the films, read from an earlier run where there was one.

    prepared: gives films and splits.
    network: it gets its spatial weights.
    spec: what it is fed.
    """
    cases = {split: in_split(prepared.films.cases, split) for split in SPLITS}
    if isinstance(network, LinearProbe) and prepared.region == "lungs":
        rows = [row for row, case in enumerate(prepared.films.cases) if case.split == "train"]
        shown = prepared.films.films[rows]
        network.set_spatial_weights(mean_lungs(shown, WHOLE.expand(len(shown), -1)))

    def compute() -> dict[str, tuple[Tensor, dict[str, Tensor]]]:
        with torch.inference_mode():
            train, validation = (aligned(cases[split], spec) for split in SPLITS)
            generator = Generator().manual_seed(prepared.request.seed)
            copies = [
                pooled(network, spec, (_augmented(part, generator) for part in train.split(BATCH)))
                for _ in range(COPIES)
            ]
            views = {
                name: pooled(network, spec, (stretch(change(part)) for part in validation.split(BATCH)))
                for name, change in SHIFTS.items()
            }
            seen = [pooled(network, spec, iter(part.split(BATCH))) for part in (train, validation)]
            return {
                "train": (torch.stack(copies), {"": seen[0]}),
                "validation": (torch.empty(0), {"": seen[1], **views}),
            }

    place = network.place if isinstance(network, LinearProbe) else None
    known = network.of, network.base.state_dict(), place, spec, prepared.known_by, COPIES
    saved = runs.cached("own-features", known, compute, prepared.request.runs)
    truth = {
        split: torch.tensor([prepared.labels.index(case.label) for case in cases[split]]) for split in SPLITS
    }
    return {split: Features(*saved[split], truth=truth[split]) for split in SPLITS}


def aligned(cases: Sequence[Case], spec: InputSpec) -> Tensor:
    """(N, 1, size, size), what the app would show the network, in about [0, 1]."""
    scans = (images.read(case.path.read_bytes(), case.name) for case in cases)
    return torch.cat([denormalise(align(scan, spec)[0], spec) for scan in scans])


def _augmented(x: Tensor, generator: Generator) -> Tensor:
    """Crop, flip, sharpness, exposure, erasing, as for every classifier that ships."""
    boxes, angle = augment.jitter_boxes(WHOLE.expand(len(x), -1), generator)
    x = augment.random_flip(crop(x, boxes, x.shape[-1], angle=angle), generator)
    x = stretch(augment.random_acquisition(x, generator))
    return augment.random_erasing(augment.random_exposure(x, generator), generator)


def pooled(network: StandardisedHead, spec: InputSpec, parts: Iterator[Tensor]) -> Tensor:
    """(N, W), what the head learns from.

    network: frozen network and head.
    spec: what it is fed.
    parts: (n, 1, size, size) each, in about [0, 1].
    """
    return torch.cat([network.pool(network.features(normalise(part, spec)).float()) for part in parts])


def publish(prepared: Prepared, trained: Trained[PooledHead], figures: Mapping[str, float]) -> Card:
    """Score validation and test as the app does, and write the folder.

    prepared: the films.
    trained: the network and how it came about.
    figures: measured already.
    """
    request = prepared.request
    stands_on = request.base or BACKBONE
    task = Task(
        name=request.task or request.name,
        labels=prepared.labels,
        modality=request.modality,
        region=prepared.region,
        cases=lambda _: list(prepared.films.cases),
        data={
            "name": "own films",
            "licence": "not published",
            "split": "by patient where known, and by looks",
        },
        intended_use=f"Own model: tells {' and '.join(prepared.labels)} apart on {request.modality}s. "
        "Not for clinical use.",
        limitations=(f"Only the head was trained; it stands on {stands_on}.",),
        licence="not published",
    )
    draft = classifier_card.draft_classifier_card(trained, task, f"Own: {request.name}")
    draft = replace(
        draft,
        origin="own",
        data={**draft.data, **prepared.findings.data()},
        figures={**figures, **prepared.findings.figures()},
    )
    packed = report.pack(draft, trained.network)
    scores = report.score_cases(packed, prepared.films.cases)
    try:
        return report.publish_card(packed, scores)
    except NoUsefulThreshold as error:
        held = len(in_split(prepared.films.cases, "validation"))
        raise DataSetError(
            f"No card was written: on {held} validation films the head does no better than chance. "
            "Add films, look at the labels, or try another --base."
        ) from error
