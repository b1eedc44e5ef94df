"""Where the lungs are. Everything about a chest film is read inside their box."""

from dataclasses import replace
from functools import cache
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from core import cards, checkpoints
from core.anatomy import shapes
from core.models import UNet
from core.resample import as_film, resize
from core.types import InputSpec, LungFields, Scan

SIZE = 128
MARGIN = 0.04  # of the film, around both lungs
SMALLEST = 0.01  # of the film; smaller islands are no lung
HULL_MARGIN = 3  # cells of the grid around the hull of both lungs, for the pleura and the sinuses
CHILDREN, ALL_AGES = "lung-fields", "lung-fields-all-ages"

# What each network made of a scan, for as long as the scan is held: gate, frame and outline ask for the same.
_seen: WeakKeyDictionary[Scan, dict[str, tuple[Tensor, Tensor]]] = WeakKeyDictionary()


def network(card_id: str = CHILDREN) -> UNet:
    """The segmenter of that card, one for all of this process."""
    return _network(card_id)


@cache
def _network(card_id: str) -> UNet:
    found = checkpoints.network(cards.read(card_id))
    assert isinstance(found, UNet)
    return found


def segmenter_of(spec: InputSpec) -> str:
    """Which segmenter a card's films are cut by: older cards keep the one they were trained with."""
    return ALL_AGES if spec.view == "native" else CHILDREN


def probabilities(films: Tensor, segmenter: nn.Module | None = None) -> Tensor:
    """films: (N, 1, H, W) in [0, 1] -> (N, SIZE, SIZE), the probability that a place is lung."""
    with torch.inference_mode():
        logits = (segmenter or network())(resize(films, SIZE, SIZE))
    return torch.sigmoid(logits[:, 0])


def features(films: Tensor) -> Tensor:
    """films: (N, 1, H, W) in [0, 1] -> (N, D): the deepest maps of the network, averaged over each quarter.

    They tell what a film looks like: trained to know lungs from everything else, they serve the gate.
    """
    with torch.inference_mode():
        return _pooled(network().encode(resize(films, SIZE, SIZE))[-1])


def _pooled(deepest: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(deepest, 2).flatten(1)


def probabilities_and_features(films: Tensor, segmenter: UNet) -> tuple[Tensor, Tensor]:
    """`probabilities` and `features` in one pass."""
    with torch.inference_mode():
        maps = segmenter.encode(resize(films, SIZE, SIZE))
        return torch.sigmoid(segmenter.decode(maps)[:, 0]), _pooled(maps[-1])


def seen(scan: Scan, card_id: str = CHILDREN) -> tuple[Tensor, Tensor]:
    """`probabilities` (SIZE, SIZE) and `features` (1, D) of a scan, computed once.

    scan: any size.
    card_id: of the segmenter that looks.
    """
    known = _seen.setdefault(scan, {})
    if card_id not in known:
        probability, found = probabilities_and_features(as_film(scan.pixels), network(card_id))
        known[card_id] = probability[0], found
    return known[card_id]


def box_of(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """(top, left, bottom, right) in fractions of the film around every island, with the margin.

    An empty mask gives the whole film.
    """
    return shapes.box_of(mask, MARGIN)


def clean(probability: Tensor) -> NDArray[np.bool_]:
    """(h, w) probabilities -> mask of the two largest islands, each at least SMALLEST of the film."""
    mask: NDArray[np.bool_] = (probability >= 0.5).numpy()
    labels, areas = shapes.islands(mask)
    keep = [i + 1 for i in np.argsort(areas)[::-1][:2] if areas[i] >= SMALLEST * mask.size]
    return np.isin(labels, keep)


def boxes(films: Tensor, segmenter: nn.Module | None = None) -> Tensor:
    """films: (N, 1, H, W) -> (N, 4), each film's box in fractions."""
    batches = (probabilities(batch.float(), segmenter) for batch in films.split(8))
    return torch.tensor([box_of(clean(probability)) for batch in batches for probability in batch])


def find(scan: Scan, card_id: str = CHILDREN) -> LungFields:
    """The lungs of a scan. Never fails: a picture without lungs gives an empty or doubtful mask.

    scan: any size.
    card_id: of the segmenter that looks.
    """
    probability, _ = seen(scan, card_id)
    coarse = measure(probability)
    height, width = scan.pixels.shape
    inside = torch.where(torch.from_numpy(coarse.mask), probability, 0.0)
    top, left, bottom, right = (edge / SIZE for edge in coarse.box)
    return replace(
        coarse,
        mask=(resize(inside[None, None], height, width)[0, 0] >= 0.5).numpy(),
        box=(top * height, left * width, bottom * height, right * width),
    )


def hull(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The part of the film that evidence may come from: the convex hull of both lungs and a margin.

    mask: (SIZE, SIZE). An empty one gives the whole film.
    """
    return shapes.hull_of(mask, HULL_MARGIN)


def hull_in(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same of a mask of any size, in that size. mask: (H, W), as `find` gives it."""
    height, width = mask.shape
    small = resize(torch.from_numpy(mask)[None, None].float(), SIZE, SIZE)[0, 0] >= 0.5
    whole = torch.from_numpy(hull(small.numpy()))[None, None].float()
    return (F.interpolate(whole, (height, width), mode="nearest")[0, 0] > 0).numpy()


def measure(probability: Tensor) -> LungFields:
    """(SIZE, SIZE) probabilities -> lungs on that grid."""
    mask = clean(probability)
    top, left, bottom, right = box_of(mask)
    middle = round((left + right) / 2 * SIZE)
    return LungFields(
        mask=mask,
        box=(top * SIZE, left * SIZE, bottom * SIZE, right * SIZE),
        share=float(mask.mean()),
        confidence=float(probability.numpy()[mask].mean()) if mask.any() else 0.0,
        sides=(float(mask[:, :middle].sum()) / mask.size, float(mask[:, middle:].sum()) / mask.size),
    )
