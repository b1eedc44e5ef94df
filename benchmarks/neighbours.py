"""One query among 100,000 known cases, four ways: python -m benchmarks.neighbours

Prints the times and writes its part of docs/benchmarks.md. Needs requirements-dev.txt.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor
from torch.nn import functional as F

from benchmarks import sections
from core import neighbours

HEADING = "Neighbours"
CASES, NEAREST, WANTED = 100_000, 50, 50.0  # the last in milliseconds
WIDTHS = (256, 1024)
CENTRES = 200  # embeddings come in clusters; without any, no approximate search would find a thing
LISTS, VISITED = (
    316,
    16,
)  # of faiss's approximate index: the square root of the cases, and the lists looked at
APP = "this project: torch, single precision"

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Timing:
    """One way at one width. found: share of the exact answer's rows. megabytes: of what is searched."""

    width: int
    way: str
    milliseconds: float
    found: float
    megabytes: float


def main() -> None:
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    faiss.omp_set_num_threads(arguments.threads)
    timings = [timing for width in WIDTHS for timing in race(width, arguments.queries)]
    lines = report(timings, arguments.threads)
    print("\n".join(lines))
    sections.write(HEADING, lines)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--queries", type=int, default=20, help="the median of their times counts")
    return parser.parse_args()


def drawn(width: int, queries: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Unit vectors in clusters: (CASES, width) known ones, and (queries, width) new ones beside them."""
    generator = Generator().manual_seed(seed)
    centres = torch.randn(CENTRES, width, generator=generator)
    member = torch.randint(CENTRES, (CASES + queries,), generator=generator)
    points = centres[member] + torch.randn(len(member), width, generator=generator)
    points = F.normalize(points, dim=1)
    return points[:CASES], points[CASES:]


def race(width: int, queries: int) -> list[Timing]:
    """All ways on the same vectors."""
    known, asked = drawn(width, queries)
    half = known.half()
    exact = [neighbours.nearest(known, query, NEAREST).rows for query in asked]
    single, double = 4 * known.numel() / 1e6, 2 * known.numel() / 1e6
    array = known.numpy()

    def in_numpy(query: Tensor) -> Rows:
        similarity = array @ query.numpy()
        best = np.argpartition(-similarity, NEAREST)[:NEAREST]
        return best[np.argsort(-similarity[best])]

    ways: dict[str, tuple[Callable[[Tensor], Rows], float]] = {
        APP: (lambda query: neighbours.nearest(known, query, NEAREST).rows, single),
        "torch, half precision": (
            lambda query: (half @ query.half()).float().topk(NEAREST).indices.numpy(),
            double,
        ),
        "numpy, single precision": (in_numpy, single),
    } | {
        f"faiss {version('faiss-cpu')}, {name}": (searched(index, array), megabytes)
        for name, (index, megabytes) in faiss_indices(width, single, double).items()
    }
    return [timed(width, name, way, megabytes, asked, exact) for name, (way, megabytes) in ways.items()]


def faiss_indices(width: int, single: float, double: float) -> dict[str, tuple[faiss.Index, float]]:
    """Empty indices by name, and how large they grow."""
    product = faiss.METRIC_INNER_PRODUCT
    lists = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, LISTS, product)
    lists.nprobe = VISITED
    return {
        "flat": (faiss.IndexFlatIP(width), single),
        "flat, half precision": (
            faiss.IndexScalarQuantizer(width, faiss.ScalarQuantizer.QT_fp16, product),
            double,
        ),
        f"{VISITED} of {LISTS} lists": (lists, single),
    }


def searched(index: faiss.Index, known: NDArray[np.float32]) -> Callable[[Tensor], Rows]:
    index.train(known)
    index.add(known)
    return lambda query: index.search(query.numpy()[None], NEAREST)[1][0]


def timed(
    width: int, name: str, way: Callable[[Tensor], Rows], megabytes: float, asked: Tensor, exact: list[Rows]
) -> Timing:
    way(asked[0])  # the first one sets things up
    spent, found = [], []
    for query, right in zip(asked, exact, strict=True):
        begun = time.perf_counter()
        rows = way(query)
        spent.append(time.perf_counter() - begun)
        found.append(len(np.intersect1d(rows, right)) / NEAREST)
    return Timing(width, name, 1e3 * float(np.median(spent)), float(np.mean(found)), megabytes)


def report(timings: list[Timing], threads: int) -> list[str]:
    """The table as lines of Markdown, and whether the app's way is quick enough."""
    rows = [
        f"| {t.width} | {t.way} | {t.milliseconds:.1f} | {t.found:.3f} | {t.megabytes:.0f} |" for t in timings
    ]
    slowest = max(t.milliseconds for t in timings if t.way == APP)
    return [
        f"The {NEAREST} nearest of {CASES:,} embeddings, {threads} threads on {sections.processor()}, torch "
        f"{torch.__version__}: median per query. Found: share of the exact answer. Made by "
        "`python -m benchmarks.neighbours`.",
        "",
        f"Wanted: under {WANTED:g} ms. Here: {slowest:.1f} ms at most, "
        f"{'reached' if slowest < WANTED else 'missed'}, exact, with nothing to build or keep beside the "
        "embeddings and no further dependency. Cards keep thousands of cases; for many more, faiss's lists "
        "would be the way to go on.",
        "",
        "| Width | Way | ms | Found | MB |",
        "|---|---|---|---|---|",
        *rows,
    ]


if __name__ == "__main__":
    main()
