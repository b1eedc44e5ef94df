"""Scores that one after the other is asked for: of this scan by other models, of other scans by this one."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from core.card_types import Card
from core.errors import CardError, RefusedScan
from core.types import Scan
from pages.shared.caches import models

Asked = tuple[Card, Scan]


def known() -> dict[tuple[str, str], float | None]:
    """What was found in this session, by card's version and scan's digest; None where the card refuses."""
    found: dict[tuple[str, str], float | None] = st.session_state.setdefault("verdicts", {})
    return found


def unknown(asked: Iterable[Asked]) -> list[Asked]:
    """Those that still have to be found."""
    return [(card, scan) for card, scan in asked if (card.version, scan.digest) not in known()]


def find(card: Card, scan: Scan, *, keep_model: bool) -> None:
    """Ask the card about the scan.

    card: the one to ask.
    scan: with its pixels.
    keep_model: whether the network stays loaded for all sessions; dozens of them would fill the memory.
    """
    from core import gate, inference

    try:
        model = models.model(card.id) if keep_model else inference.load(card.id)
        fields = models.lungs(scan.digest, _scan=scan)
        gate.check(scan, card, fields)
    except (RefusedScan, CardError):
        known()[card.version, scan.digest] = None
    else:
        known()[card.version, scan.digest] = inference.judge(model, scan, fields).score
