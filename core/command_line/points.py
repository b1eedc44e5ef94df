"""The operating point that a command names."""

import argparse
import sys
from pathlib import Path

from core.card_types import Card
from core.errors import UnknownName
from core.evaluation import operating_points


def threshold_of(options: argparse.Namespace, card: Card) -> float | None:
    """The threshold of the named operating point, or None for the card's own."""
    file, name = options.operating_point, options.point
    if file is None and name is not None:
        file, name = Path(name), None
    if file is None:
        return None
    points = operating_points.read(file.read_bytes(), card)
    chosen = [point for point in points if name in (None, point.name)]
    if len(chosen) != 1:
        names = ", ".join(repr(point.name) for point in points)
        raise UnknownName(f"{file.name} holds {names}: choose one with --operating-point FILE --point NAME.")
    if chosen[0].upper is not None:
        print("The point's refer band is for the pages: here scans in it count as abnormal.", file=sys.stderr)
    return chosen[0].threshold
