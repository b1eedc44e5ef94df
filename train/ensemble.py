"""Make one detector of several: python -m train.ensemble --data DATA chest-lesions-dinov2 chest-padim ..."""

import argparse
from pathlib import Path

import torch

from core import cards, checkpoints
from core.detectors import Ensemble
from core.types import Card
from train import sources
from train.detector_card import draft, publish, remember
from train.sources import SOURCES


def main() -> None:
    arguments = parse()
    source = SOURCES[arguments.source]
    members = [cards.read(name) for name in arguments.members]
    inputs = {card.input for card in members if isinstance(card, Card) and card.kind == "detector"}
    if len(inputs) != 1:
        raise SystemExit("Members must be detectors that are fed alike.")
    spec = inputs.pop()
    cases = sources.gather(source, arguments.data, arguments.seed)
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
    publish(card, network, source, cases)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("members", nargs="+", metavar="CARD", help="ids of detectors that are fed alike")
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--source", choices=sorted(SOURCES), default="chest")
    parser.add_argument("--id", help="name of the folder in weights/; SOURCE-ensemble when left out")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
