"""Fit detectors that learn in one pass over normal scans: python -m train.fitted --data DATA patchcore ..."""

import argparse
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor

from core import checkpoints
from core.detectors import (
    DETECTORS,
    DetailAlone,
    Detector,
    FeatureDetector,
    FittedDetector,
    LungOpacity,
    Mahalanobis,
    MeanFilm,
)
from core.models.backbones import MEAN, SIDE, STD
from core.preprocess import normalise, stretch
from core.resample import crop
from core.types import InputSpec
from train.data import augment, sources
from train.data.regions import place_weights
from train.data.sources import SOURCES, Normals, Source
from train.new.request import require_one_process
from train.publish.detector_card import CONTROLS, cache_features, draft_detector_card, publish_detector
from train.publish.provenance import Trained
from train.synthesis.validation_lesions import drawn_lesions, lesion_aurocs

PAIRED_FILMS = 40  # films shown with and without a change; the mean difference needs no more


@dataclass(frozen=True, slots=True)
class DetectorRecipe:
    """A detector in DETECTORS, and the arguments that it is built with."""

    model: str
    arguments: Mapping[str, bool | int | float | str]


DETECTOR_RECIPES = {
    "detail": DetectorRecipe("detail", {"size": SIDE}),
    "detail-lungs": DetectorRecipe("detail", {"size": SIDE, "top": 0.08, "bottom": 0.08, "side": 0.08}),
    "mean-film": DetectorRecipe("mean-film", {"size": 64}),
    "detail-alone": DetectorRecipe("detail-alone", {"size": 64}),
    "dense": DetectorRecipe("dense", {"size": SIDE}),
    "mahalanobis-dinov2": DetectorRecipe("mahalanobis", {"backbone": "dinov2-vits14"}),
    "mahalanobis-resnet50": DetectorRecipe("mahalanobis", {"backbone": "resnet50"}),
    "patchcore": DetectorRecipe("patchcore", {"backbone": "dinov2-vits14"}),
}
# lesions in heads are smaller than opacities, and deeper maps shrug off how a slice was taken
HEAD_RECIPES = {
    "patchcore": DetectorRecipe(
        "patchcore", {"backbone": "dinov2-vits14", "patches": 2500, "share": 0.02, "depth": 1}
    ),
}


def main() -> None:
    arguments = parse()
    require_one_process("train.fitted")
    source = SOURCES[arguments.source]
    cases = sources.load_cases(source, arguments.data, arguments.seed)
    normals = sources.load_normals(source, cases, ("train", "calibration"))
    for name in arguments.names:
        started = time.monotonic()
        recipe = (HEAD_RECIPES if source.region == "head" else DETECTOR_RECIPES).get(
            name, DETECTOR_RECIPES[name]
        )
        network = DETECTORS[recipe.model](**recipe.arguments)
        spec = input_spec(name, source)
        with torch.inference_mode():
            fit_detector(network, source, normals, spec, arguments.seed)
        if arguments.validate_only:
            figures = lesion_aurocs(network, drawn_lesions(source, tuple(cases), split="calibration"), spec)
            print(name, "  ".join(f"{figure} {value:.4f}" for figure, value in figures.items()), flush=True)
            continue
        trained = Trained(
            card_id=f"{arguments.source}-{name}",
            model=recipe.model,
            arguments=recipe.arguments,
            input=spec,
            network=network,
            cases=cases,
            minutes=(time.monotonic() - started) / 60,
            seed=arguments.seed,
        )
        publish_detector(draft_detector_card(trained, source), network, source, cases)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="+", choices=sorted(DETECTOR_RECIPES), metavar="NAME", help=", ".join(DETECTOR_RECIPES)
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--source", choices=sorted(SOURCES), default="chest")
    parser.add_argument(
        "--validate-only",
        "--rehearse",
        action="store_true",
        help="print the AUROC on drawn lesions; write nothing",
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def input_spec(name: str, source: Source) -> InputSpec:
    """What backbones were pretrained on; the yardstick looks at the whole film, as it was found."""
    if name == "detail":
        return InputSpec(size=SIDE, channels=1, mean=(0.0,), std=(1.0,), region="whole")
    if name in CONTROLS:
        return InputSpec(size=64, channels=1, mean=(0.5,), std=(0.25,), region=source.region)
    return InputSpec(size=SIDE, channels=3, mean=MEAN, std=STD, region=source.region)


def fit_detector(network: Detector, source: Source, normals: Normals, spec: InputSpec, seed: int) -> None:
    """Fit on training normals, calibrate the map on others.

    network: it is changed.
    source: says which region.
    normals: the splits train and calibration.
    spec: what the network is fed.
    seed: of changes.
    """
    if not isinstance(network, FittedDetector):
        raise SystemExit("This detector learns by gradient descent. Use train.detector.")
    checkpoints.load_dependencies(network)
    cache_features(network)
    films, boxes = normals.films["train"], normals.boxes["train"]
    chosen = torch.linspace(0, len(films) - 1, min(PAIRED_FILMS, len(films))).long()
    pairs = Pairs(films[chosen].float(), boxes[chosen], spec, seed)
    train = sources.batches(films, boxes, spec)
    if isinstance(network, FeatureDetector | LungOpacity | DetailAlone | MeanFilm):
        network.set_spatial_weights(place_weights(source, normals))
    if isinstance(network, Mahalanobis):
        network.fit(train, pairs.changes())
    else:
        network.fit(train)
    network.calibrate(sources.batches(normals.films["calibration"], normals.boxes["calibration"], spec))


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The same normal films before and after a change, 16 at a time."""

    films: Tensor
    boxes: Tensor
    spec: InputSpec
    seed: int

    def changes(self) -> Iterator[tuple[Tensor, Tensor]]:
        """As taken, and under each acquisition shift or in a jittered crop."""
        generator = Generator().manual_seed(self.seed)
        for films, boxes in zip(self.films.split(16), self.boxes.split(16), strict=True):
            x = crop(films, boxes, self.spec.size)
            before = normalise(stretch(x), self.spec)
            for change in augment.ACQUISITION_SHIFTS.values():
                yield before, normalise(stretch(change(stretch(x), generator)), self.spec)
            moved, angle = augment.jitter_boxes(boxes, generator)
            yield before, normalise(stretch(crop(films, moved, self.spec.size, angle=angle)), self.spec)


if __name__ == "__main__":
    main()
