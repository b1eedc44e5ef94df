"""The scan that a command names."""

import argparse

from core.reading import images
from core.types import Scan, View


def read(options: argparse.Namespace) -> Scan:
    """The file, as its frame, window and polarity are asked for."""
    view = View(None if options.frame is None else options.frame - 1, options.window)
    scan = images.read(options.file.read_bytes(), options.file.name, view)
    return images.turned_back(scan) if options.turn_back else scan
