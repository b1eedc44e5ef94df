"""A person's films, drawn: no two alike, in folders of their own names."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tests.phantoms.chest import chest, png

SIDE = 128


def film(seed: int, opacity: float = 0.0) -> NDArray[np.float32]:
    """(SIDE, SIDE): the drawn chest of somebody larger or smaller, standing a little elsewhere."""
    rng = np.random.default_rng(seed)
    scale, shift = rng.uniform(0.85, 1.1, 2), rng.uniform(-0.07, 0.07, 2) * SIDE
    drawn = chest(SIDE, opacity=opacity, seed=seed)
    middle = (1 - scale) * SIDE / 2 + shift
    moved = ndimage.affine_transform(drawn, np.diag(scale), middle, order=1, mode="nearest")
    return np.clip(moved, 0, 1).astype(np.float32)


def fill(root: Path, **classes: tuple[int, float]) -> Path:
    """A folder with a sub-folder per class: how many films, and how opaque the base of a lung is."""
    seed = 0
    for name, (count, opacity) in classes.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            seed += 1
            (root / name / f"p{seed:03}_{number}.png").write_bytes(png(film(seed, opacity)))
    return root
