"""Make one detector of several: python -m train.ensemble --data DATA [--all] [CARD CARD ...]

Of the detectors named, or of all that are fed alike, it takes those whose mean does best on lesions drawn
into calibration normals: no sick film has a say. With --all it takes every one, and nothing is chosen.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import torch

from core import cards, checkpoints
from core.cards import REHEARSED
from core.detectors import Detector, Ensemble
from core.types import Card, InputSpec
from train import sources
from train.detector_card import draft, publish, remember
from train.fitted import input_of
from train.rehearsal import Rehearsal, rehearsal, scored, separated
from train.sources import SOURCES, Source

MOST = 5  # members
WORTH = 0.002  # that another member must add

CHOSEN = (
    "Members are those whose mean finds drawn lesions best, no sick film having a say. They were chosen from "
    "{pool}, whose own test figures were known by then."
)
EVERYONE = "Every detector that is fed alike takes part with the same weight; nothing was chosen."


def main() -> None:
    arguments = parse()
    source = SOURCES[arguments.source]
    cases = sources.gather(source, arguments.data, arguments.seed)
    spec = input_of("", source)
    pool = [card for card in cards.every() if _fits(card, source, spec)]
    if arguments.members:
        pool = [card for card in pool if card.id in arguments.members]
    if arguments.all:
        members, how = pool, EVERYONE
    else:
        members = choose(pool, rehearsal(source, tuple(cases), split="calibration"), spec)
        how = CHOSEN.format(pool=", ".join(card.title for card in pool))
    if len(members) < 2:
        raise SystemExit(f"Fewer than two detectors of {source.task} that are fed alike: {members}.")
    held = sources.normals(source, cases, ("calibration", "validation"))
    names = " ".join(f"{card.id}@{card.sha256[:12]}" for card in members)
    network = Ensemble(members=names)
    checkpoints.complete(network)
    remember(network)
    films = torch.cat(list(held.films.values()))
    boxes = torch.cat(list(held.boxes.values()))
    with torch.inference_mode():
        network.fit(sources.batches(films, boxes, spec))
    card = draft(
        arguments.id or f"{arguments.source}-ensemble",
        "ensemble",
        {"members": names},
        source,
        spec,
        cases,
        network,
        seed=arguments.seed,
    )
    publish(replace(card, limitations=(how, *card.limitations)), network, source, cases)


def _fits(card: Card, source: Source, spec: InputSpec) -> bool:
    return card.task == source.task and card.input == spec and card.model != "ensemble"


def choose(pool: Sequence[Card], acted: Rehearsal, spec: InputSpec) -> list[Card]:
    """The members whose mean score, in standard deviations of normals, parts lesions from normals best."""
    normal = np.array(acted.kind) == "normal"
    columns = []
    for card in pool:
        network = checkpoints.network(card)
        assert isinstance(network, Detector)
        remember(network)
        scores = scored(network, acted, spec)
        columns.append((scores - scores[normal].mean()) / scores[normal].std())
        print(f"{card.id}: {separated(scores, acted.kind)[REHEARSED]:.4f}", flush=True)
    best: tuple[int, ...] = ()
    reached = 0.0
    for count in range(1, min(MOST, len(pool)) + 1):
        tried = {
            members: separated(np.mean([columns[i] for i in members], axis=0), acted.kind)[REHEARSED]
            for members in combinations(range(len(pool)), count)
        }
        members = max(tried, key=lambda members: tried[members])
        print(f"{tried[members]:.4f}", " ".join(pool[i].id for i in members), flush=True)
        if tried[members] > reached + WORTH:
            best, reached = members, tried[members]
    return [pool[i] for i in best]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("members", nargs="*", metavar="CARD", help="ids to choose from; all when left out")
    parser.add_argument("--all", action="store_true", help="take every one, choose none")
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--source", choices=sorted(SOURCES), default="chest")
    parser.add_argument("--id", help="name of the folder in weights/; SOURCE-ensemble when left out")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
