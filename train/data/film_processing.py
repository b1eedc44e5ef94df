"""What film readers and archives do to a film, as augmentations, with OpenCV; for recipes that name them.

Films that are changed stay within [0, 1].
"""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from train.data.augment import bernoulli, uniform

FILTERS = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA, cv2.INTER_LANCZOS4)
LEVELS = 2**16 - 1  # CLAHE of OpenCV counts grey values in 8 or 16 bits


def random_clahe(x: Tensor, generator: Generator, *, chance: float = 0.5) -> Tensor:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994), as many film readers apply it.

    x: (N, 1, H, W), near [0, 1].
    generator: of the choice, the clip limit (1 to 4) and the tiles (4, 8 or 12 a side).
    chance: of each film to be changed.
    """
    limits = uniform(generator, (len(x),), 1, 4).tolist()
    tiles = (4 * torch.randint(1, 4, (len(x),), generator=generator)).tolist()

    def equalise(film: NDArray[np.float32], place: int) -> NDArray[np.float32]:
        clahe = cv2.createCLAHE(limits[place], (tiles[place], tiles[place]))
        found = clahe.apply((film * LEVELS).round().astype(np.uint16))
        return found.astype(np.float32) / np.float32(LEVELS)

    return _some(x, bernoulli(generator, len(x), chance), equalise)


def random_resampling(x: Tensor, generator: Generator, *, chance: float = 0.5) -> Tensor:
    """Make films smaller and bring them back, each way with a filter drawn at random.

    Which filter an archive or export used leaves a trace that tells public sets apart.

    x: (N, 1, H, W), near [0, 1].
    generator: of the choice, the filters and the sizes (0.4 to 0.9 of the film).
    chance: of each film to be changed.
    """
    sizes = uniform(generator, (len(x),), 0.4, 0.9).tolist()
    filters = torch.randint(len(FILTERS), (len(x), 2), generator=generator).tolist()
    height, width = x.shape[-2:]

    def resample(film: NDArray[np.float32], place: int) -> NDArray[np.float32]:
        small = (max(1, round(width * sizes[place])), max(1, round(height * sizes[place])))
        down, up = (FILTERS[index] for index in filters[place])
        back = cv2.resize(cv2.resize(film, small, interpolation=down), (width, height), interpolation=up)
        return np.clip(back, 0, 1).astype(np.float32)  # cubic and Lanczos overshoot

    return _some(x, bernoulli(generator, len(x), chance), resample)


FILM_PROCESSING: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "clahe": random_clahe,
    "resampling": random_resampling,
}


def _some(
    x: Tensor, chosen: Tensor, change: Callable[[NDArray[np.float32], int], NDArray[np.float32]]
) -> Tensor:
    result = x.clone()
    for place in chosen.nonzero().flatten().tolist():
        film = x[place, 0].float().clamp(0, 1).cpu().numpy()
        result[place, 0] = torch.from_numpy(change(film, place)).to(x)
    return result
