"""What a threshold policy promised where it was chosen, and what it kept elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.card_types import Card, Policy
from pages.shared import sentences, wording
from pages.shared.caches import scores

if TYPE_CHECKING:
    from core.evaluation.clustered import Rate
    from core.evaluation.promises import Promise

RATES = ("sensitivity", "specificity")


def broken(card: Card, policies: Sequence[Policy]) -> dict[str, str]:
    """By button's name, the words for a promise that the card's own test broke."""
    found = scores.promises(card.id, tuple(policies))
    return {wording.policy(promise.policy): _shortfall(promise) for promise in found if promise.broken}


def _shortfall(promise: Promise) -> str:
    """The rate that fell furthest short."""
    rate = max(promise.shortfall, key=lambda name: promise.shortfall[name])
    kept: Rate = getattr(promise.kept[0], rate)
    return f"broke its promise: {rate} {getattr(promise, rate):.2f}, on test {kept.value:.2f}"


def show(card: Card, policies: Sequence[Policy] | None = None) -> None:
    """The table of promises and of what each source saw of them.

    card: whose scores.
    policies: the usual ones when None.
    """
    found = scores.promises(card.id, None if policies is None else tuple(policies))
    st.dataframe(
        [row for promise in found for row in _rows(promise)],
        hide_index=True,
        height="content",
        key=f"promises-{card.id}",
        alt="What each policy promised on validation and kept on test and in each source",
    )
    chosen = wording.chosen_by(card, scores.training_normals(card.id))
    st.caption(f"{sentences.PROMISES} The card's own threshold was {chosen}; the others by the same scans.")


def _rows(promise: Promise) -> list[dict[str, str]]:
    """What was promised, then what each place kept. A test of one set alone is one place."""
    name = wording.policy(promise.policy)
    places = promise.kept if len(promise.kept) > 2 else promise.kept[:1]
    promised = {rate: getattr(promise, rate) for rate in RATES}
    return [
        {
            "policy": name,
            "on": f"promised, threshold {promise.threshold:.3g}",
            **{rate: "-" if value is None else f"{value:.3f}" for rate, value in promised.items()},
            "": "broken" if promise.broken else "kept",
        },
        *(
            {
                "policy": name,
                "on": kept.source,
                **{rate: _kept(getattr(kept, rate)) for rate in RATES},
                "": "",
            }
            for kept in places
        ),
    ]


def _kept(rate: Rate | None) -> str:
    return "-" if rate is None else f"{wording.with_interval(rate.value, rate.interval)} of {rate.n}"
