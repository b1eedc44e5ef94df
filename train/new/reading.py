"""Every film of a set read once: what can be read, at film size, and what cannot."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from core.batch import folders
from core.errors import DataSetError, UnreadableImage
from core.reading import images
from core.resample import as_film
from train.data.datasets import Case


@dataclass(frozen=True, slots=True, eq=False)
class FilmSet:
    """Readable cases in order, row by row. films: (N, 1, FILM_SIZE, FILM_SIZE) in [0, 1], half precision.

    sizes: (N, 2), height and width in pixels of the file. digests: sha256 of the files. unreadable: names
    with the reason.
    """

    cases: tuple[Case, ...]
    films: Tensor
    sizes: NDArray[np.int64]
    digests: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...] = ()

    def chosen(self, rows: Sequence[int], cases: Sequence[Case]) -> "FilmSet":
        """Those rows, under these cases."""
        return FilmSet(
            tuple(cases),
            self.films[list(rows)],
            self.sizes[list(rows)],
            tuple(self.digests[row] for row in rows),
            self.unreadable,
        )


def read(cases: Sequence[Case]) -> FilmSet:
    """Read every file as the app does. Raises DataSetError where none can be read."""
    kept, films, sizes, digests, unreadable = [], [], [], [], []
    for case in tqdm(cases, desc="reading films", unit="film", mininterval=5):
        try:
            data = folders.read(case.path)
            pixels = images.read(data, case.name).pixels
        except (UnreadableImage, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            unreadable.append((case.name, reason or "cannot be opened"))
            continue
        kept.append(case)
        films.append(as_film(pixels)[0].half())
        sizes.append(pixels.shape)
        digests.append(hashlib.sha256(data).hexdigest())
    if not kept:
        name, reason = unreadable[0]
        raise DataSetError(f"None of the {len(cases)} files can be read. The first, {name}: {reason}")
    return FilmSet(tuple(kept), torch.stack(films), np.array(sizes), tuple(digests), tuple(unreadable))
