"""Pictures of the films on the worklist: of this session alone."""

import streamlit as st

from core.errors import OpacityError
from core.reading import images
from core.types import Scan
from pages.shared import thumbnails

SIDE = 96  # pixels; shown at half that
SCANS_KEPT = 3
THUMBNAILS_KEPT = 2000


@st.cache_data(show_spinner=False, scope="session", max_entries=SCANS_KEPT)
def scan(file_id: str, name: str, _data: bytes) -> Scan:
    """The film, decoded. Raises OpacityError.

    file_id: of the film, which is the cache's key.
    name: of the film.
    _data: its bytes.
    """
    return images.read(_data, name)


@st.cache_data(show_spinner=False, scope="session", max_entries=THUMBNAILS_KEPT)
def thumbnail(file_id: str, _data: bytes) -> str:
    """The film as a small picture in a data address; empty where it cannot be read.

    file_id: of the film, which is the cache's key.
    _data: its bytes.
    """
    try:
        return thumbnails.address(images.read(_data, "film").pixels, SIDE)
    except OpacityError:
        return ""


def forget() -> None:
    """Drop all of them."""
    scan.clear()
    thumbnail.clear()
