"""What a threshold policy promised where it was chosen, and what it kept elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.card_types import Card, Policy
from pages.shared import sentences, wording
from pages.shared.caches import scores
from pages.shared.language import tr

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
    return tr("broke its promise: {rate} {promised:.2f}, on test {kept:.2f}").format(
        rate=tr(rate), promised=getattr(promise, rate), kept=kept.value
    )


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
        alt=tr("What each policy promised on validation and kept on test and in each source"),
    )
    chosen = wording.chosen_by(card, scores.training_normals(card.id))
    own = tr("The card's own threshold was {chosen}; the others by the same scans.").format(chosen=chosen)
    st.caption(f"{tr(sentences.PROMISES)} {own}")


def _rows(promise: Promise) -> list[dict[str, str]]:
    """What was promised, then what each place kept. A test of one set alone is one place."""
    name = wording.policy(promise.policy)
    places = promise.kept if len(promise.kept) > 2 else promise.kept[:1]
    promised = {rate: getattr(promise, rate) for rate in RATES}
    return [
        {
            tr("policy"): name,
            tr("on"): tr("promised, threshold {threshold:.3g}").format(threshold=promise.threshold),
            **{tr(rate): "-" if value is None else f"{value:.3f}" for rate, value in promised.items()},
            "": tr("broken") if promise.broken else tr("kept"),
        },
        *(
            {
                tr("policy"): name,
                tr("on"): tr(kept.source),
                **{tr(rate): _kept(getattr(kept, rate)) for rate in RATES},
                "": "",
            }
            for kept in places
        ),
    ]


def _kept(rate: Rate | None) -> str:
    return (
        "-"
        if rate is None
        else tr("{rate} of {n}").format(rate=wording.with_interval(rate.value, rate.interval), n=rate.n)
    )
