"""What a card costs to use: megabytes on disk, milliseconds on this machine."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core import cards
from core.card_types import Card
from core.cards import WEIGHTS, AnyCard
from core.errors import MissingWeights
from core.types import LungFields, Scan

SIDE = 1024  # pixels, about what a film has
WARM_UP, REPEATS = 2, 9
DEPENDENCIES = ("backbone", "of", "members")  # arguments that name other cards' networks


def megabytes(card: Card, root: Path = WEIGHTS) -> float:
    """Size of the weights in 10^6 bytes, with those of its backbone or base or of an ensemble's members.

    A vote of known cases counts these as well.

    Raises UnknownName or MissingWeights where one of them is not there.
    """
    files = [root / name / "model.safetensors" for name in folders(card, root)]
    if card.model == "knn":
        files.append(root / str(card.arguments["of"]).partition("@")[0] / "embeddings.npz")
    total = 0
    for file in files:
        if not file.is_file():
            raise MissingWeights(f"{file} is missing. {card.id} cannot be used without it.")
        total += file.stat().st_size
    return total / 1e6


def folders(card: AnyCard, root: Path = WEIGHTS) -> set[str]:
    """The folders in weights/ that the card's network is made of. Raises UnknownName."""
    found = {card.id}
    named = (str(card.arguments.get(name, "")).split() for name in DEPENDENCIES)
    for name in (name for names in named for name in names):
        base = name.partition("@")[0] if "@" in name else f"backbone-{name}"
        found |= folders(cards.read(base, root), root)
    return found


def milliseconds(
    read: Callable[[], object], *, repeats: int = REPEATS, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Median time of one call, after some that warm it up: the first is slower than all later ones.

    read: what is timed.
    repeats: calls that are timed.
    clock: seconds, rising.
    """
    for _ in range(WARM_UP):
        read()
    times = []
    for _ in range(repeats):
        start = clock()
        read()
        times.append(clock() - start)
    return 1000 * statistics.median(times)


def synthetic_scan() -> tuple[Scan, LungFields]:
    """A picture of nothing, and where lungs would be in it: time depends on neither."""
    y, x = np.mgrid[0 : 1 : SIDE * 1j, 0 : 1 : SIDE * 1j]
    pixels = ((np.sin(20 * x) * np.cos(20 * y) + 1) / 2).astype(np.float32)
    inside = (slice(SIDE // 5, 4 * SIDE // 5),) * 2
    mask = np.zeros((SIDE, SIDE), dtype=np.bool_)
    mask[inside] = True
    box = (SIDE / 5, SIDE / 5, 4 * SIDE / 5, 4 * SIDE / 5)
    return Scan(pixels, digest="", name="drawn"), LungFields(mask, box, 0.36, 1.0, (0.18, 0.18))
