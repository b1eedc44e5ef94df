"""Tumours on brain MRI slices: python -m train.outlines.brain --data DATA"""

import argparse
from collections.abc import Container, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core import cards, checkpoints
from core.anatomy import outlines
from core.card_types import Card, Training
from core.models import MobileUNet
from core.models.backbones import MEAN, STD
from core.names import BRAIN_MRI
from core.reading import images
from core.types import InputSpec, is_abnormal
from train import runs
from train.data import augment, datasets, tasks
from train.data.datasets import Case, in_split, read_films, tumour_mask
from train.data.films import region_boxes
from train.fit import loop
from train.outlines import card, learning
from train.outlines.card import Facts
from train.outlines.figures import Seen
from train.publish import provenance

ID = "brain-tumour-outline"
ENCODER = "brain-mri-mobilenet-v2"  # where the way down starts; its splits are kept
INPUT = InputSpec(size=160, channels=3, mean=MEAN, std=STD, region="head")
OFTEN = {"glioma": 3}  # few of them are outlined
UNMARKED = 0.97  # of the normal validation slices

FACTS = Facts(
    id=ID,
    title="Brain tumour outline",
    task="brain tumour outline",
    modality=BRAIN_MRI,
    labels=("background", "tumour"),
    intended_use="Outlines glioma, meningioma and pituitary tumours on single MRI slices. For teaching.",
    limitations=(
        "Learned on contrast-enhanced slices of one collection: other weightings may be marked badly or not.",
        "No patient is named in the public set: slices of one patient may stand on both sides.",
        "One slice is outlined by itself; area on a slice is no volume.",
        "Gliomas are outlined worst: few of them were outlined by hand to learn from.",
        "Normal slices of kinds that it did not learn from get marks oftener than those it was chosen by.",
        "Edges come from a grid of 80 by 80 over the head.",
        "Normal slices come from other sources than tumours: how few are marked is partly the source.",
    ),
    licence="research use: as the slices and labels that taught it (Kaggle); outlines CC BY 4.0",
    data={
        "name": "Tumour outlines of Cheng (Figshare) on brain MRI slices (Kaggle masoudnickparvar)",
        "licence": "CC BY 4.0; as on Kaggle, research use",
        "split": "published test split without twins; validation by runs of numbers and by looks",
    },
)


def main() -> None:
    arguments = parse()
    torch.manual_seed(0)
    known = gather(arguments.data)
    settings = loop.Settings(
        epochs=arguments.epochs, batch=16, learning_rate=1.5e-3, average=0.99, patience=12
    )
    publish(fit(known, settings, arguments), settings, known, arguments.data)


def fit(
    known: Sequence[Case], settings: loop.Settings, arguments: argparse.Namespace
) -> loop.Outcome[MobileUNet]:
    """The network that outlines validation tumours best.

    known: from `gather`.
    settings: how long and how fast.
    arguments: folders of the data and of the checkpoints.
    """
    learned = learned_from(in_split(known, "train"))
    held = [case for case in in_split(known, "validation") if case.label != "normal"]
    films, truth = {}, {}
    for name, cases in (("train", learned), ("validation", held)):
        films[name], truth[name] = read_films(cases).float(), load_outlines(cases, arguments.data)
    boxes = {name: region_boxes(seen, INPUT.region) for name, seen in films.items()}
    return loop.fit(
        begin(),
        cases=len(learned),
        batch_loss=lambda net, chosen, generator: learning.batch_loss(
            net, films["train"][chosen], truth["train"][chosen], boxes["train"][chosen], INPUT, generator
        ),
        validate=lambda net: {
            "dice": learning.mean_dice(
                net, films["validation"], truth["validation"], boxes["validation"], INPUT
            )
        },
        watch="dice",
        settings=settings,
        inputs={"films or outlines": [films, truth], "code": runs.code(learning, augment)},
        folder=arguments.runs / ID,
    )


def publish(
    outcome: loop.Outcome[MobileUNet], settings: loop.Settings, known: Sequence[Case], root: Path
) -> None:
    """Write the card, measured on all slices held out, by kind of tumour, and as the page shows them.

    outcome, settings: of the training.
    known: from `gather`.
    root: folder with the public data sets.
    """
    data = checkpoints.pack(outcome.network)
    training = Training(
        command=provenance.command(),
        settings=asdict(settings),
        curve=outcome.curve,
        minutes=round(outcome.minutes, 1),
        parameters=provenance.parameters(outcome.network),
    )
    count = {split: len(in_split(known, split)) for split in ("train", "validation", "test")}
    draft = card.draft(
        replace(FACTS, data={**FACTS.data, **count}),
        model="mobile-unet",
        arguments={},
        spec=INPUT,
        training=training,
        weights=data,
    )
    stored = checkpoints.unpack(draft, data)
    seen = {split: seen_by(stored, in_split(known, split), root) for split in ("validation", "test")}
    by_kind = {
        f"test, {kind}": seen_by(
            stored, [c for c in in_split(known, "test") if c.label in (kind, "normal")], root
        )
        for kind in ("glioma", "meningioma", "pituitary")
    }
    by_kind[f"test, where {ENCODER} sees a tumour"] = seen_by(
        stored, in_split(known, "test"), root, only=called_abnormal()
    )
    card.publish(draft, data, {**seen, **by_kind}, unmarked=UNMARKED)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go")
    return parser.parse_args()


def gather(root: Path) -> list[Case]:
    """Outlined tumours and normal slices, in the splits that the classifier below was trained with.

    There, slices numbered near each other, and normals that look alike, stay on one side; test slices with a
    twin to learn from are left out.
    """
    cases = tasks.load_cases(tasks.TASKS["brain-mri"], root, seed=0)
    return [case for case in cases if case.label == "normal" or tumour_mask(root, case).is_file()]


def learned_from(cases: Sequence[Case]) -> list[Case]:
    """Each outlined slice, rare kinds several times, and every other normal one."""
    tumours = [case for case in cases if case.label != "normal" for _ in range(OFTEN.get(case.label, 1))]
    return tumours + [case for case in cases if case.label == "normal"][::2]


def load_outlines(cases: Sequence[Case], root: Path) -> Tensor:
    """(N, 1, FILM_SIZE, FILM_SIZE), 1 inside the tumour; empty for normal slices."""
    return datasets.read_masks([None if c.label == "normal" else tumour_mask(root, c) for c in cases])


def seen_by(
    network: nn.Module, cases: Sequence[Case], root: Path, only: Container[str] | None = None
) -> Seen:
    """What the network makes of slices, as the app reads them.

    network: that outlines.
    cases: with an outline, or normal.
    root: folder with the public data sets.
    only: names of cases that are outlined at all; the others get no mark.
    """
    found, truth, normal = [], [], []
    for case in cases:
        scan = images.read(case.path.read_bytes(), case.name)
        probability = outlines.probability(scan, network, INPUT)
        if only is not None and case.name not in only:
            probability = np.zeros_like(probability)
        if case.label == "normal":
            normal.append(probability)
            continue
        found.append(probability)
        path = tumour_mask(root, case)
        truth.append(images.read(path.read_bytes(), path.name).pixels > 0.5)
    return Seen(found, truth, normal)


def called_abnormal() -> set[str]:
    """The held-out slices on which the classifier sees a tumour: on the page, those are outlined unasked."""
    classifier = cards.read(ENCODER)
    assert isinstance(classifier, Card)
    table = cards.scores(classifier)
    called = is_abnormal(table.score, classifier.threshold)
    return {name for name, ill in zip(table.case, called, strict=True) if ill}


def begin() -> MobileUNet:
    """A new network, its way down as the classifier of the same slices learned it."""
    network = MobileUNet()
    taught = checkpoints.network(cards.read(ENCODER))
    own = network.state_dict()
    network.load_state_dict(own | {k: v for k, v in taught.state_dict().items() if k in own})
    return network


if __name__ == "__main__":
    main()
