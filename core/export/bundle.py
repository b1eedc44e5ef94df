"""The part of reading a scan that fits into an exported file: contrast, normalisation, network, score."""

import torch
from torch import Tensor, nn

from core.detectors import Detector, DetectorEnsemble, FeatureDetector
from core.inference import Model
from core.preprocess import FEWEST, cut, cut_native, normalise, soft_edge
from core.types import InputSpec, Scan

LOW, HIGH = 0.01, 0.99  # percentiles that become 0 and 1, as in preprocess.stretch

REGIONS = {
    "whole": "the whole film",
    "lungs": "the box around both lungs",
    "head": "the box around the head",
}


class Bundle(nn.Module):
    """From what was cut out of a scan to its score.

    image: (1, 1, size, size) in [0, 1]. hull: the same size, 1 inside the hull of both lungs; of native
    views only. Gives the score (1,), and of a classifier the probabilities (1, K) too.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.network, self.spec = model.network, model.card.input
        self.below = nn.ModuleList(_unregistered(model.network))

    def forward(self, image: Tensor, hull: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        x = _native(image, hull, self.spec) if hull is not None else _stretched(image)
        x = normalise(x, self.spec)
        if isinstance(self.network, Detector):
            return self.network.score(x).score
        probabilities = torch.softmax(self.network(x), dim=1)
        return probabilities[:, 1:].sum(1), probabilities


def _unregistered(network: nn.Module) -> list[nn.Module]:
    """Networks that a detector keeps out of its state dict; the file needs their weights."""
    if isinstance(network, FeatureDetector):
        return [network.loaded_backbone()]
    if isinstance(network, DetectorEnsemble):
        return [part for member in network.loaded_members() for part in (member, *_unregistered(member))]
    return []


def inputs(scan: Scan, spec: InputSpec) -> tuple[Tensor, ...]:
    """What the file is fed for this scan: (image,), or (image, hull) of a native view."""
    if spec.view == "native":
        image, hull, _ = cut_native(scan, spec)
        return image, hull
    return (cut(scan, spec)[0],)


def outside(spec: InputSpec) -> list[str]:
    """What the caller does before, in order."""
    region, size = REGIONS[spec.region], spec.size
    if spec.view == "native":
        return [
            "Grey in [0, 1], bright is dense.",
            "The lung mask is found on the film brought to 224 x 224 pixels (card lung-fields-all-ages).",
            f"image: {region} of the scan's own pixels, brought to {size} x {size} with antialiasing.",
            "hull: the convex hull of that mask, cut out by the same box.",
        ]
    return [
        "Grey in [0, 1], bright is dense.",
        "The film is brought to 224 x 224 pixels, bilinear with antialiasing; its aspect is given up.",
        f"image: {region} of it, brought to {size} x {size} (core.resample.crop).",
    ]


def _stretched(image: Tensor) -> Tensor:
    few = image.flatten(1)[:, ::7]
    return _between(image, few, torch.ones_like(few, dtype=torch.bool))


def _native(image: Tensor, hull: Tensor, spec: InputSpec) -> Tensor:
    few, inside = image[..., ::3, ::3].flatten(1), hull[..., ::3, ::3].flatten(1) > 0.5
    x = _between(image, few, inside | (inside.sum(1, keepdim=True) < FEWEST))
    return x * soft_edge(hull) if spec.outside == "black" else x


def _between(image: Tensor, values: Tensor, inside: Tensor) -> Tensor:
    """As preprocess.stretch and stretch_inside, by a sort: ONNX has no quantile.

    values, inside: (1, M).
    """
    ordered = torch.where(inside, values, torch.inf).sort(dim=1).values
    last = (inside.sum(1, keepdim=True) - 1).float()
    low, high = (_at(ordered, share * last)[..., None, None] for share in (LOW, HIGH))
    return ((image - low) / (high - low).clamp_min(1e-3)).clamp(-0.2, 1.2)


def _at(ordered: Tensor, place: Tensor) -> Tensor:
    """The value at a place between two."""
    below, above = (ordered.gather(1, each.long()) for each in (place.floor(), place.ceil()))
    return below + (above - below) * (place - place.floor())
