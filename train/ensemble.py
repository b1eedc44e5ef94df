"""Make one detector of several: python -m train.ensemble --data DATA [CARD CARD ...]

The members are named, or all that are fed alike: no scan has a say in who takes part. Choosing them by drawn
lesions was tried, and took those that see drawn lesions and little else.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from core import cards, checkpoints
from core.card_types import Card
from core.detectors import DetectorEnsemble
from core.types import InputSpec
from train.data import sources
from train.data.sources import SOURCES, Source
from train.fitted import input_spec
from train.publish.detector_card import cache_features, draft_detector_card, publish_detector
from train.publish.provenance import Trained

NAMED = (
    "Its members were named, not chosen by scores: fine detail and frozen features complete each other, as "
    "was reported of this data before. Their own test figures and those of combinations were known by then."
)
ALL_MEMBERS = "Every detector that is fed alike takes part with the same weight; nothing was chosen."


def main() -> None:
    arguments = parse()
    source = SOURCES[arguments.source]
    cases = sources.load_cases(source, arguments.data, arguments.seed)
    spec = input_spec("", source)
    members = matching_detectors(cards.shipped(), arguments.members, source, spec)
    if len(members) < 2:
        raise SystemExit(f"Fewer than two detectors of {source.task} that are fed alike: {members}.")
    held = sources.load_normals(source, cases, ("calibration", "validation"))
    names = " ".join(f"{card.id}@{card.sha256[:12]}" for card in members)
    network = DetectorEnsemble(members=names)
    checkpoints.load_dependencies(network)
    cache_features(network)
    films = torch.cat(list(held.films.values()))
    boxes = torch.cat(list(held.boxes.values()))
    with torch.inference_mode():
        network.fit(sources.batches(films, boxes, spec))
    how = NAMED if arguments.members else ALL_MEMBERS
    trained = Trained(
        card_id=arguments.id or f"{arguments.source}-ensemble",
        model="ensemble",
        arguments={"members": names},
        input=spec,
        network=network,
        cases=cases,
        seed=arguments.seed,
    )
    card = draft_detector_card(trained, source)
    publish_detector(replace(card, limitations=(how, *card.limitations)), network, source, cases)


def matching_detectors(
    every: Iterable[Card], names: Sequence[str], source: Source, spec: InputSpec
) -> list[Card]:
    """The detectors that see this source's scans as `spec` says; no ensembles.

    every: all cards.
    names: of those wanted; empty for all.
    source: gives the task.
    spec: what members have to be fed.
    """
    return [
        card
        for card in every
        if (card.kind, card.task, card.input) == ("detector", source.task, spec)
        and card.model != "ensemble"
        and (not names or card.id in names)
    ]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("members", nargs="*", metavar="CARD", help="all that are fed alike when left out")
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--source", choices=sorted(SOURCES), default="chest")
    parser.add_argument("--id", help="name of the folder in weights/; SOURCE-ensemble when left out")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
