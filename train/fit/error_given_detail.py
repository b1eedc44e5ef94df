"""Learn what error normal scans have at a place with that much detail."""

from collections.abc import Iterator

import torch
from torch import Tensor

from core.detectors.error_given_detail import ReconstructionDetector
from core.types import InputSpec
from train.data import sources
from train.data.regions import place_weights
from train.data.sources import Normals, Source


def fit_given_detail(
    network: ReconstructionDetector, source: Source, normals: Normals, spec: InputSpec
) -> None:
    """Regress error on detail over training normals, standardise what is left over by others.

    network: trained; with `given` set, which is changed.
    source: says which region.
    normals: the splits train and calibration.
    spec: what the network is fed.
    """
    assert network.given is not None

    def maps(split: str) -> Iterator[tuple[Tensor, Tensor]]:
        for x in sources.batches(normals.films[split], normals.boxes[split], spec):
            yield network.error_and_detail(x)

    network.given.set_region(place_weights(source, normals))
    with torch.inference_mode():
        network.given.fit(maps("train"))
        network.given.calibrate(maps("calibration"))
