"""Where lesions are on the scans on screen: kept per session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import cards
from core.card_types import SegmenterCard
from core.types import Scan
from pages.shared.caches.models import MAPS_KEPT

if TYPE_CHECKING:
    from core.anatomy.outlines import Outline
    from core.evaluation.localisation import Word


@st.cache_resource(show_spinner=False)
def offered() -> tuple[SegmenterCard, ...]:
    """All cards that outline."""
    return cards.outlining()


@st.cache_data(show_spinner="Outlining ...", scope="session", max_entries=MAPS_KEPT)
def outline(card_id: str, sha256: str, digest: str, _scan: Scan) -> Outline:
    """What the card marks.

    card_id, sha256: of the card and its weights.
    digest: the scan's, which is the cache's key.
    _scan: the scan itself.
    """
    from core.anatomy import outlines

    return outlines.find(_scan, card_id)


@st.cache_data(show_spinner=False)
def worth(card_id: str, sha256: str, table: str) -> Word | None:
    """What the probabilities of a card that outlines are worth for finding disease; None where unmeasured.

    card_id, sha256: of the card and its weights.
    table: what the row is called on the card.
    """
    from core.evaluation import localisation

    card = next(each for each in offered() if each.id == card_id)
    return localisation.word(card.localisation, table)


def forget() -> None:
    """Drop everything that this session derived from scans."""
    outline.clear()
