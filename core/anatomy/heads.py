"""Where the head is on a slice: its box, and what lies well inside it. No network: heads stand out of air."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.anatomy import shapes
from core.resample import resize

SIZE = 112
CORNER = 8  # pixels; the darkest corner shows what air looks like
ABOVE_AIR = 0.1  # of the range between air and the brightest hundredth
OPENING = 2  # pixels; arcs of the table, frames and letters are thinner than twice this
WHITEST, NEAR = 0.995, 0.97  # quantile of grey values, and how close to it white begins
MARGIN = 0.02  # of the film
SMALLEST = 0.02  # of the film; a smaller island is no head


def masks(films: Tensor) -> Tensor:
    """films: (N, 1, H, W) -> (N, SIZE, SIZE) bool, heads with all that is in them; empty without a head."""
    small = resize(films.float(), SIZE, SIZE)[:, 0].numpy()
    return torch.from_numpy(np.stack([_head(film) for film in small]))


def boxes(films: Tensor) -> Tensor:
    """films: (N, 1, H, W) -> (N, 4), each head's box in fractions; the whole film where no head is found."""
    return torch.tensor([shapes.box_of(mask, MARGIN) for mask in masks(films).numpy()])


def white_share(films: Tensor) -> Tensor:
    """films: (N, 1, H, W) -> (N,), the share of the head about as white as its whitest places.

    Windows for brain cut bone off at white; on MRI few places are so bright.
    """
    small = resize(films.float(), SIZE, SIZE)[:, 0]
    inside = masks(films)
    whitest = torch.quantile(small.flatten(1), WHITEST, dim=1).view(-1, 1, 1)
    white = (small >= NEAR * whitest) & inside
    return white.sum((1, 2)) / inside.sum((1, 2)).clamp_min(1)


def _head(film: NDArray[np.float32]) -> NDArray[np.bool_]:
    """film: (SIZE, SIZE)."""
    corners = [film[rows, columns] for rows in _ENDS for columns in _ENDS]
    air = min(float(np.median(corner)) for corner in corners)
    bright = float(np.quantile(film, 0.99))
    tissue = film > air + ABOVE_AIR * (bright - air)
    labels, areas = shapes.islands(shapes.opened(tissue, OPENING))
    if not len(areas) or areas.max() < SMALLEST * film.size:
        return np.zeros_like(tissue)
    return shapes.filled(labels == 1 + areas.argmax())


_ENDS = (slice(0, CORNER), slice(-CORNER, None))
