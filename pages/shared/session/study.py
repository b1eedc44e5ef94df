"""A reader study in this session: who reads which films in which order, and what was answered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import streamlit as st

if TYPE_CHECKING:
    from core.evaluation.readers import Reading

Stage = Literal["alone", "helped"]
STAGES: tuple[Stage, Stage] = ("alone", "helped")


@dataclass(slots=True)
class Study:
    """reader: as the person signs. orders: of film ids, another for each stage, drawn from the seed.

    answers: certainty and seconds by stage and film. shown: film on screen and since when. card: version of
    the model that helps. others: what readers of other sessions answered.
    """

    reader: str
    card: str
    orders: dict[Stage, list[str]]
    answers: dict[Stage, dict[str, tuple[int, float]]] = field(
        default_factory=lambda: {"alone": {}, "helped": {}}
    )
    shown: tuple[Stage, str, float] | None = None
    others: tuple[Reading, ...] = ()


def current() -> Study | None:
    """The one that was begun."""
    study: Study | None = st.session_state.get("study")
    return study


def begin(reader: str, card: str, films: Sequence[str], seed: int) -> None:
    """Draw both orders.

    reader: as the person signs.
    card: version of the model that helps.
    films: ids.
    seed: of the orders.
    """
    rng = np.random.default_rng(seed)
    orders = {stage: [films[place] for place in rng.permutation(len(films))] for stage in STAGES}
    st.session_state["study"] = Study(reader, card, orders)


def end() -> None:
    """Let go of it."""
    st.session_state.pop("study", None)


def next_film(study: Study) -> tuple[Stage, str] | None:
    """What is to be read now; None once all is read. Its clock runs from when it was first shown."""
    for stage in STAGES:
        for film in study.orders[stage]:
            if film not in study.answers[stage]:
                if study.shown is None or study.shown[:2] != (stage, film):
                    study.shown = (stage, film, time.monotonic())
                return stage, film
    return None


def answer(study: Study, stage: Stage, film: str, certainty: int) -> None:
    """Keep an answer, once: a click that comes late finds its film answered.

    study: the one in hand.
    stage: alone or helped.
    film: id.
    certainty: as core.evaluation.readers counts it.
    """
    if film in study.answers[stage] or study.shown is None or study.shown[:2] != (stage, film):
        return
    study.answers[stage][film] = certainty, time.monotonic() - study.shown[2]
