"""Read a scan, judge it, show why. No user interface lives here.

load       a card's network: load("pneumonia-cnn")
read       a file's bytes as a scan: read(data, "film.png")
classify   class probabilities, score and verdict
detect     anomaly score and map
explain    a heat map of what moved a classifier

What they raise is an OpacityError; core.errors draws the tree. `import core` alone loads no torch.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from core.errors import (
    AlteredWeights,
    CardError,
    MissingWeights,
    OpacityError,
    RefusedScan,
    UnknownName,
    UnreadableImage,
)

if TYPE_CHECKING:
    from core.inference import classify, detect, explain, load
    from core.reading.images import read

__all__ = [
    "AlteredWeights",
    "CardError",
    "MissingWeights",
    "OpacityError",
    "RefusedScan",
    "UnknownName",
    "UnreadableImage",
    "classify",
    "detect",
    "explain",
    "load",
    "read",
]

# Before torch loads: threads that wait must not spin, or two sessions on two cores starve each other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_HOMES = {
    "classify": "core.inference",
    "detect": "core.inference",
    "explain": "core.inference",
    "load": "core.inference",
    "read": "core.reading.images",
}
# Modules by the names they had before they moved: scripts outside this project import them so.
_MOVED = {"images": "core.reading.images", "screening": "core.batch.screening"}


def __getattr__(name: str) -> Any:
    """What needs torch is imported when it is asked for (PEP 562)."""
    if name in _MOVED:
        return import_module(_MOVED[name])
    if name not in _HOMES:
        raise AttributeError(f"module 'core' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
