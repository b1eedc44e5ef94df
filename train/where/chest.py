"""Teach a chest card to judge by opacities: python -m train.where.chest --data DATA

It stands on a card that is there, frozen. Labels say whether a film shows any opacity; outlines of
even-numbered COVID films and boxes of training patients say where.
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional as F

from core import checkpoints, inference
from core.card_types import Card
from core.inference import Model
from core.models import LungEvidence, local_evidence
from core.names import WORST_SOURCE
from train import runs
from train.data import hospitals
from train.data.datasets import Case, evenly_spaced
from train.data.hospitals import Film
from train.data.tasks import ALL_AGES, load_cases
from train.hospitals.publish import Held, write
from train.outlines import chest as outlines
from train.outlines.chest import Known
from train.publish import classifier_card
from train.publish.provenance import Trained
from train.where import local
from train.where.local import Lesson

BELOW = "pneumonia-all-ages-dinov2"
ID, TITLE = "pneumonia-all-ages-local", "All ages, judged place by place"
GRID = 16  # places a side
MOST = {"nih352": 200, "rsna128": 200}  # films of each label of a source: NIH's are the hardest
OTHERS = 100  # of each label of any other source
PART = 200  # films whose maps are one file
REMARKS = (
    "Part of its answer is the hottest evidence of any place, which its map shows; the rest is what "
    f"{BELOW} says of the whole film, which no map shows.",
    "Outlines of COVID-19 and boxes of lung opacity taught it where to look: it may miss other disease.",
    f"It stands on {BELOW}, which learned on all hospitals, and is ranked by what that one lost on a "
    "hospital left out.",
)


def main() -> None:
    arguments = parse()
    torch.set_num_threads(1)
    below = inference.load(BELOW)
    assert isinstance(below.card, Card)
    cases = load_cases(ALL_AGES, arguments.data, seed=0)
    held = Held(ALL_AGES, [case for case in cases if case.split != "train"], {})
    learned = look(below, films_to_learn(arguments.data), arguments)
    seen = look(below, films_of(held.cases, arguments.data), arguments)
    network, minutes = taught(below, learned, arguments)
    odds = weigh(network, *answers(network, seen), held.truth, held.validation)
    taught_by = [replace(one.film.case, split="train") for one in learned]
    trained = Trained(
        card_id=ID,
        model="lung-evidence",
        arguments={"of": below.card.version, "classes": len(ALL_AGES.labels)},
        input=below.card.input,
        network=network,
        cases=[*taught_by, *held.cases],
        settings={"epochs": arguments.epochs, "batch": local.BATCH, "films of a label": OTHERS, **MOST},
        minutes=minutes,
    )
    card = classifier_card.draft_classifier_card(trained, ALL_AGES, TITLE, remarks=REMARKS)
    # a head taught without a hospital would be flattered by what lies under it, which knew them all
    worst = {WORST_SOURCE: below.card.figures[WORST_SOURCE]}
    write(replace(card, gate=below.card.gate), network, held, F.pad(odds[:, None], (1, 0)), worst)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where maps are kept")
    parser.add_argument("--epochs", type=int, default=5)
    return parser.parse_args()


def films_to_learn(root: Path) -> list[Film]:
    """Training films, as many of each label of a source, and outlined ones with even numbers."""
    kinds: dict[tuple[str, str], list[Film]] = defaultdict(list)
    for film in films_of(load_cases(ALL_AGES, root, seed=0), root):
        if film.case.split == "train":
            kinds[film.source, film.label].append(film)
    some = [film for kind in sorted(kinds) for film in evenly_spaced(kinds[kind], MOST.get(kind[0], OTHERS))]
    return some + [film for film in outlines.chosen(root)["train"] if film.source == "lesions"]


def films_of(cases: Sequence[Case], root: Path) -> list[Film]:
    known = {film.case.name: film for film in hospitals.table(root)}
    return [known[case.name] for case in cases]


def look(below: Model, films: Sequence[Film], arguments: argparse.Namespace) -> list[Known]:
    """Maps and outlines; in parts, so that a look that was broken off goes on."""
    return [
        one
        for start in range(0, len(films), PART)
        for one in outlines.look(below, films[start : start + PART], arguments)
    ]


def taught(below: Model, known: Sequence[Known], arguments: argparse.Namespace) -> tuple[LungEvidence, float]:
    """A network on the maps of the one below, and its minutes; learned once, then kept."""
    torch.manual_seed(0)
    network = LungEvidence(of=below.card.version, classes=len(ALL_AGES.labels))
    checkpoints.load_dependencies(network)

    def learn() -> tuple[dict[str, Tensor], float]:
        started = time.monotonic()
        local.learn(network, lesson_of(known), often(known), arguments.epochs)
        own = {name: value for name, value in network.state_dict().items() if not name.startswith("base.")}
        return own, (time.monotonic() - started) / 60

    films = [one.film.case.name for one in known]
    inputs = [below.card.version, films, arguments.epochs, runs.code(local, local_evidence)]
    state, minutes = runs.cached("places", inputs, learn, arguments.runs / ID)
    network.load_state_dict(state, strict=False)
    return network.eval(), minutes


def lesson_of(known: Sequence[Known]) -> Lesson:
    marks = torch.stack([(one.outline > 0.5).float() for one in known])
    return Lesson(
        [torch.stack([one.maps for one in known])],
        F.adaptive_avg_pool2d(marks, GRID)[:, 0],
        torch.tensor([int(one.film.label != "normal") for one in known]),
        marks.flatten(1).any(1),
    )


def often(known: Sequence[Known]) -> Tensor:
    """(N,): every source and label as often."""
    kinds = [(one.film.source, one.film.label) for one in known]
    count = Counter(kinds)
    return torch.tensor([1 / count[kind] for kind in kinds])


@torch.inference_mode()
def answers(network: LungEvidence, known: Sequence[Known]) -> tuple[Tensor, Tensor]:
    """Log odds (N,) of the places, and of the whole films."""
    rows = []
    for one in known:
        maps = one.maps[None].float()
        said = network.places(network.joined([maps])), network.base_classifier().head(maps)
        rows.append([logits[0, 1] - logits[0, 0] for logits in said])
    places, film = torch.tensor(rows).T
    return places, film


def weigh(network: LungEvidence, places: Tensor, film: Tensor, truth: Tensor, chosen: Tensor) -> Tensor:
    """How much places and whole film count, and a shift: probabilities hold where chosen (Platt 1999).

    network: is changed in place.
    places, film: (N,) log odds.
    truth: (N,), 0 or 1.
    chosen: (N,), the validation films, with the prior that they have.
    Returns (N,) log odds as the network now gives them.
    """
    both = torch.stack([places, film], 1)
    found = LogisticRegression(C=np.inf).fit(both[chosen], truth[chosen])
    (by_place, by_film), shift = torch.tensor(found.coef_[0]).float(), float(found.intercept_[0])
    with torch.no_grad():
        network.scale.add_(by_place.log())
        network.shift.mul_(by_place).add_(shift)
        network.film.copy_(by_film)
    return both @ torch.stack([by_place, by_film]) + shift


if __name__ == "__main__":
    main()
