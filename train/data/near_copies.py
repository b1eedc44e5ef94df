"""Find films that two data sets share: python -m train.data.near_copies --data DATA

Kermany's films are told by their names and patients; all others only by how they look.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from core.resample import resize
from train.data import hospitals
from train.data.datasets import Case, read_films

ALIKE = 0.985  # correlation of thumbnails; copies of one film have .999, other films less than .98
THUMBNAIL = 48


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    films = hospitals.gathered(parser.parse_args().data)
    seen = thumbnails([film.case for film in films])
    with hospitals.COPIES.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["film", "copy"])
        for i, j in near_copies(seen):
            if "kermany" not in (films[i].hospital, films[j].hospital):
                writer.writerow([films[i].case.name, films[j].case.name])


def thumbnails(cases: Sequence[Case]) -> Tensor:
    """(N, THUMBNAIL ** 2), each with mean 0 and length 1, so that products are correlations."""
    parts = [cases[start : start + 512] for start in range(0, len(cases), 512)]
    seen = torch.cat([resize(read_films(part).float(), THUMBNAIL, THUMBNAIL).flatten(1) for part in parts])
    return F.normalize(seen - seen.mean(1, keepdim=True))


def near_copies(seen: Tensor) -> list[tuple[int, int]]:
    """Pairs i < j of films that look the same. seen: (N, D), from `thumbnails`."""
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(seen), 1000):
        alike = (seen[start : start + 1000] @ seen.T > ALIKE).nonzero()
        pairs += [(i + start, j) for i, j in alike.tolist() if i + start < j]
    return pairs


if __name__ == "__main__":
    main()
