"""Judge trained networks by their error given detail: python -m train.given_detail --data DATA CARD ..."""

import argparse
from dataclasses import replace
from pathlib import Path

from safetensors.torch import load

from core import cards
from core.card_types import Card
from core.detectors import DETECTORS, TrainedDetector
from core.detectors.error_given_detail import ReconstructionDetector
from train.data import sources
from train.data.sources import SOURCES
from train.fit.error_given_detail import fit_given_detail
from train.publish import provenance
from train.publish.detector_card import publish_detector
from train.publish.texts import LIMITATIONS
from train.synthesis.validation_lesions import drawn_lesions, lesion_aurocs


def main() -> None:
    arguments = parse()
    source = SOURCES[arguments.source]
    cases = sources.load_cases(source, arguments.data, arguments.seed)
    normals = sources.load_normals(source, cases, ("train", "calibration"))
    for name in arguments.cards:
        card, network = with_regression(name)
        said = (*LIMITATIONS[card.model], *source.limitations)
        fit_given_detail(network, source, normals, card.input)
        if arguments.validate_only:
            drawn = drawn_lesions(source, tuple(cases), split="calibration")
            print(name, lesion_aurocs(network, drawn, card.input), flush=True)
            continue
        publish_detector(replace(card, limitations=said), network, source, cases)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cards", nargs="+", metavar="CARD")
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--source", choices=sorted(SOURCES), default="chest")
    parser.add_argument("--seed", type=int, default=0, help="of the splits: as the networks were trained")
    parser.add_argument(
        "--validate-only", action="store_true", help="print the AUROC on drawn lesions; write nothing"
    )
    return parser.parse_args()


def with_regression(name: str) -> tuple[Card, ReconstructionDetector]:
    """The card and its trained network with a regression that is still to be fitted.

    Raises SystemExit for a card that rebuilds nothing.
    """
    card = cards.read(name)
    if not isinstance(card, Card) or card.kind != "detector":
        raise SystemExit(f"{name} is no detector.")
    arguments = {**card.arguments, "given_detail": True}
    network = DETECTORS[card.model](**arguments) if card.model in REBUILDING else None
    if not isinstance(network, ReconstructionDetector):
        raise SystemExit(f"{name} rebuilds nothing. Choose a card of: {', '.join(REBUILDING)}.")
    trained = {key: tensor.float() for key, tensor in load(cards.weights(card)).items()}
    network.load_state_dict(network.state_dict() | trained)
    return replace(card, arguments=arguments, commit=provenance.commit()), network.eval()


TRAINED = (name for name, kind in DETECTORS.items() if issubclass(kind, TrainedDetector))
REBUILDING = [name for name in TRAINED if issubclass(DETECTORS[name], ReconstructionDetector)]

if __name__ == "__main__":
    main()
