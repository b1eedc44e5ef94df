"""Shared by all tests: where real data may lie, and a drawn film."""

import os
from pathlib import Path

import pytest

from core.reading import images
from core.types import Scan
from tests.phantoms.chest import chest, png


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder with the public data sets, named by OPACITY_DATA."""
    folder = os.environ.get("OPACITY_DATA")
    if not folder:
        pytest.skip("OPACITY_DATA names no folder with the public data sets")
    return Path(folder)


@pytest.fixture(scope="session")
def drawn() -> Scan:
    """A drawn chest film, read from PNG bytes."""
    return images.read(png(chest(opacity=0.4)), "drawn.png")
