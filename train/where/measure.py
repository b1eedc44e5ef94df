"""The maps of a card, and those that know nothing, on scans whose disease is outlined."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from core.anatomy import outlines, shapes
from core.card_types import Localisation
from core.detectors import Detector
from core.evaluation import localisation
from core.explainers.ensemble import heat_map
from core.inference import Model
from core.models import AnyClassifier, Classifier
from core.preprocess import align, to_scan_space
from core.resample import resize
from core.types import FloatArray, Frame
from train.where.outlined import SIDE, Mask, Outlined

MAP = "map"  # a detector's, as its scale is called on the card
PROBABILITY = "probability"  # of a card that outlines
FRAME = 64  # side of an outline in the frame of its region


def localise(model: Model, scans: Sequence[Outlined], methods: Sequence[str]) -> dict[str, Localisation]:
    """The figures of a card's maps, by name.

    model: a classifier or a detector with its card.
    scans: those that choose and those that are reported.
    methods: names in EXPLAINERS; a detector has its one map.
    """
    maps: dict[str, list[FloatArray]] = defaultdict(list)
    for outlined in tqdm(scans, model.card.id, unit="scan", mininterval=10):
        for name, heat in maps_of(model, outlined, methods):
            maps[name].append(heat)
    return {name: compare(heats, scans) for name, heats in maps.items()}


def localise_outlines(card_id: str, scans: Sequence[Outlined]) -> dict[str, Localisation]:
    """The figures of a card that outlines: of how probably each place is lesion.

    card_id: of that card.
    scans: those that choose and those that are reported.
    """
    card, network = outlines.load(card_id)
    heats = []
    for outlined in tqdm(scans, card_id, unit="scan", mininterval=10):
        x, frame = align(outlined.scan, card.input, outlined.lungs)
        with torch.inference_mode():
            heats.append(to_scan_space(torch.sigmoid(network(x))[0, 0], _shrunk(frame)))
    return {PROBABILITY: compare(heats, scans)}


def blind(scans: Sequence[Outlined]) -> dict[str, Localisation]:
    """The figures of maps that know nothing of the film but where its lungs, or its head, are."""
    frames = [frame_of(outlined.region) for outlined in scans]
    others = localisation.mean_of_others([_inside(o.outline, f) for o, f in zip(scans, frames, strict=True)])
    maps = {
        localisation.EVEN: [outlined.region.astype(np.float32) for outlined in scans],
        localisation.MEAN_OUTLINE: [
            to_scan_space(torch.from_numpy(other), frame) for other, frame in zip(others, frames, strict=True)
        ],
        localisation.CENTRE: [localisation.centre(outlined.region) for outlined in scans],
    }
    return {name: compare(heats, scans) for name, heats in maps.items()}


def compare(heats: Sequence[FloatArray], scans: Sequence[Outlined]) -> Localisation:
    """heats: (SIDE, SIDE) of each scan."""
    pairs = [(heat, outlined.outline) for heat, outlined in zip(heats, scans, strict=True)]
    chooses = [outlined.chooses for outlined in scans]
    return localisation.compare(
        [pair for pair, chosen in zip(pairs, chooses, strict=True) if chosen],
        [pair for pair, chosen in zip(pairs, chooses, strict=True) if not chosen],
    )


def frame_of(region: Mask) -> Frame:
    """The region's box on the small grid; the whole of it for an empty region."""
    top, left, bottom, right = (round(edge * SIDE) for edge in shapes.box_of(region, 0))
    return Frame(box=(top, left, bottom, right), shape=(SIDE, SIDE))


def _inside(outline: Mask, frame: Frame) -> Mask:
    top, left, bottom, right = (int(edge) for edge in frame.box)
    cut = torch.from_numpy(outline[top:bottom, left:right]).float()
    return (resize(cut[None, None], FRAME, FRAME)[0, 0] >= 0.5).numpy()


def maps_of(model: Model, outlined: Outlined, methods: Sequence[str]) -> Iterator[tuple[str, FloatArray]]:
    """Name and heat (SIDE, SIDE) of each of the card's maps of one scan.

    A classifier explains the abnormal label that it finds most probable, as the app does unasked.
    """
    x, frame = align(outlined.scan, model.card.input, outlined.lungs)
    small = _shrunk(frame)
    network = model.network
    if isinstance(network, Detector):
        with torch.inference_mode():
            yield MAP, to_scan_space(network.score(x).map[0], small)
        return
    assert isinstance(network, AnyClassifier)
    if isinstance(network, Classifier):
        network = SeenOnce(network)
    with torch.inference_mode():
        target = 1 + int(network(x)[0, 1:].argmax())
    for name in methods:
        yield name, to_scan_space(heat_map(network, x, target, name), small)


def _shrunk(frame: Frame) -> Frame:
    """The same part of the scan on the small grid, a place wide at least."""
    height, width = (SIDE / length for length in frame.shape)
    top, left, bottom, right = frame.box
    box = (top * height, left * width, bottom * height, right * width)
    ends = (max(box[2], round(box[0]) + 1), max(box[3], round(box[1]) + 1))
    return Frame(box=(box[0], box[1], *ends), shape=(SIDE, SIDE))


class SeenOnce(Classifier):
    """A classifier that passes each scan through its features once, however many methods ask."""

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network
        self.steps = network.steps  # type: ignore[method-assign]
        self.seen: tuple[Tensor, Tensor] | None = None

    def features(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            return self.network.features(x)
        if self.seen is None or self.seen[0] is not x:
            self.seen = x, self.network.features(x)
        return self.seen[1].clone()  # methods ask for gradients at what they are given

    def head(self, f: Tensor) -> Tensor:
        return self.network.head(f)


def merged(
    known: Mapping[str, Mapping[str, Localisation]], found: Mapping[str, Mapping[str, Localisation]]
) -> dict[str, dict[str, Localisation]]:
    """What a card holds now: new rows in the place of old ones, set by set."""
    return {name: {**known.get(name, {}), **rows} for name, rows in found.items()}
