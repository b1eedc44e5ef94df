"""Tumours on brain MRI slices: python -m train.outlines.brain --data DATA"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from core import cards, checkpoints
from core.models import MobileUNet
from core.models.backbones import MEAN, STD
from core.types import InputSpec
from train import runs
from train.data import augment, datasets, tasks
from train.data.datasets import Case, in_split, read_films
from train.data.films import region_boxes
from train.fit import loop
from train.outlines import learning

ID = "brain-tumour-outline"
ENCODER = "brain-mri-mobilenet-v2"  # where the way down starts; its splits are kept
INPUT = InputSpec(size=160, channels=3, mean=MEAN, std=STD, region="head")
OFTEN = {"glioma": 3}  # few of them are outlined


def main() -> None:
    arguments = parse()
    torch.manual_seed(0)
    known = gather(arguments.data)
    learned = learned_from(in_split(known, "train"))
    held = [case for case in in_split(known, "validation") if case.label != "normal"]
    films, truth = {}, {}
    for name, cases in (("train", learned), ("validation", held)):
        films[name], truth[name] = read_films(cases).float(), load_outlines(cases, arguments.data)
    boxes = {name: region_boxes(seen, INPUT.region) for name, seen in films.items()}
    outcome = loop.fit(
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
        settings=loop.Settings(
            epochs=arguments.epochs, batch=16, learning_rate=1.5e-3, average=0.99, patience=12
        ),
        inputs={"films or outlines": [films, truth], "code": runs.code(learning, augment)},
        folder=arguments.runs / ID,
    )
    print(outcome.minutes)


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
    return [case for case in cases if case.label == "normal" or outline_of(case, root).is_file()]


def outline_of(case: Case, root: Path) -> Path:
    return (root / "brain_mri_masks" / case.name).with_suffix(".png")


def learned_from(cases: Sequence[Case]) -> list[Case]:
    """Each outlined slice, rare kinds several times, and every other normal one."""
    tumours = [case for case in cases if case.label != "normal" for _ in range(OFTEN.get(case.label, 1))]
    return tumours + [case for case in cases if case.label == "normal"][::2]


def load_outlines(cases: Sequence[Case], root: Path) -> Tensor:
    """(N, 1, FILM_SIZE, FILM_SIZE), 1 inside the tumour; empty for normal slices."""
    return datasets.read_masks([None if c.label == "normal" else outline_of(c, root) for c in cases])


def begin() -> MobileUNet:
    """A new network, its way down as the classifier of the same slices learned it."""
    network = MobileUNet()
    taught = checkpoints.network(cards.read(ENCODER))
    own = network.state_dict()
    network.load_state_dict(own | {k: v for k, v in taught.state_dict().items() if k in own})
    return network


if __name__ == "__main__":
    main()
