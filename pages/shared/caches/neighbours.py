"""What the Neighbours page keeps: known cases for all sessions, what a scan's neighbours say for its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.card_types import Card
from core.errors import OpacityError
from core.reading import images
from core.types import Scan
from pages.shared import thumbnails
from pages.shared.caches import models
from pages.shared.caches.models import of_card

if TYPE_CHECKING:
    from core.neighbours import Index, Vote

PICTURES = 256  # small pictures of known cases kept, for all sessions together
WIDTH = 320  # pixels of one of them, shown at half that


@of_card(st.cache_resource(show_spinner="Loading the known cases, once for all sessions ..."))
def index(card_id: str) -> Index:
    """Raises CardError."""
    from core import neighbours

    return neighbours.read(models.card(card_id))


@of_card(
    st.cache_data(
        show_spinner="Looking for similar cases ...", scope="session", max_entries=models.RESULTS_KEPT
    )
)
def vote_and_places(card_id: str, digest: str, _scan: Scan) -> tuple[Vote, dict[str, tuple[float, float]]]:
    """The neighbours' vote, and where the scan lies on each layout.

    card_id: of a card with known cases.
    digest: the scan's.
    _scan: the scan itself.
    """
    from core import inference, neighbours

    card, known = models.card(card_id), index(card_id)
    fields = models.lungs(digest, _scan=_scan) if card.input.region == "lungs" else None
    query = inference.embed(models.model(card_id), _scan, fields)
    places = {name: neighbours.place(known, query, name) for name in known.layouts}
    return neighbours.vote(known, query, card, digest), places


@of_card(st.cache_data(show_spinner=False))
def predicted_labels(card_id: str, threshold: float) -> list[str]:
    """The label that the card's network gives each known case, in the order of the index."""
    from core import neighbours

    return neighbours.predicted_labels(index(card_id), models.card(card_id).labels, threshold)


@of_card(st.cache_data(show_spinner=False))
def share_with_nearer_case(card_id: str, similarity: float) -> float:
    """Share of validation scans that have a known case at least as similar as that."""
    from core import neighbours

    usual = neighbours.validation_similarities(index(card_id))
    return float((usual >= similarity).mean())


def card_with_index(card: Card) -> Card | None:
    """The card whose known cases stand in for this one's: itself, its base network's, or the task's first."""
    indexed = [other for other in models.every_card() if other.known is not None and other.kind == card.kind]
    reads = str(card.arguments.get("of", "")).partition("@")[0]
    named = {other.id: other for other in indexed}
    fitting = [other for other in indexed if other.task == card.task]
    return named.get(card.id) or named.get(reads) or next(iter(fitting), None)


@st.cache_data(show_spinner=False, max_entries=PICTURES)
def picture(folder: str, path: str, digest: int) -> str | None:
    """A known case as a small picture in a data address; None where `case` has none.

    folder: of the public data sets.
    path: of the file in it.
    digest: the first eight bytes of the sha256 of its file.
    """
    found = case(folder, path, digest)
    if found is None:
        return None
    return thumbnails.address(found.pixels, WIDTH)


def case(folder: str, path: str, digest: int) -> Scan | None:
    """A known case itself; None when the folder does not hold it, or another film under its name.

    folder: as whoever runs the server has set it, never a visitor.
    path: from a checked file of weights/, so that no other file can be asked for.
    digest: the first eight bytes of the sha256 of its file.
    """
    file = Path(folder) / path
    try:
        scan = images.read(file.read_bytes(), file.name)
    except (OSError, OpacityError):
        return None
    return scan if int(scan.digest[:16], 16) == digest else None


def forget() -> None:
    """Drop everything that this session derived from scans."""
    vote_and_places.clear()
