"""The films of the page Screen and what a person said of each: held while other pages are open."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import streamlit as st

from core.batch.labels import TableRow

ROOM: Final = 2**30  # bytes of files that a worklist holds


@dataclass(frozen=True, slots=True)
class File:
    """A film as it was dropped. file_id: its own, also among films of one name."""

    name: str
    file_id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """What a person said of one film. agrees: with which verdict; None before anything was said."""

    agrees: bool | None = None
    verdict: str = ""
    note: str = ""


def files() -> list[File]:
    """In the order in which they were dropped."""
    held: list[File] = st.session_state.setdefault("worklist", [])
    return held


def take(dropped: Iterable[File]) -> list[str]:
    """Hold the films; gives the names of those that there is no room for."""
    room = ROOM - sum(len(file.data) for file in files())
    left: list[str] = []
    for file in dropped:
        room -= len(file.data)
        if room >= 0:
            files().append(file)
        else:
            left.append(file.name)
    return left


def table() -> list[TableRow]:
    """The labels that came with them."""
    rows: list[TableRow] = st.session_state.get("worklist-table", [])
    return rows


def take_table(rows: list[TableRow]) -> None:
    """Hold these labels in the place of others."""
    st.session_state["worklist-table"] = rows


def mark(file_id: str) -> Mark:
    """What was said of the film."""
    found: Mark = _marks().get(file_id, Mark())
    return found


def say(file_id: str, mark: Mark) -> None:
    """Keep what is said of the film."""
    _marks()[file_id] = mark


def clear() -> None:
    """Let go of all films, their results, labels and marks."""
    for name in ("worklist", "worklist-table", "worklist-marks", "screened", "study"):
        st.session_state.pop(name, None)


def has_work() -> bool:
    """Whether anything would be lost with the session that a person made."""
    return bool(_marks() or st.session_state.get("notes") or st.session_state.get("study"))


def _marks() -> dict[str, Mark]:
    marks: dict[str, Mark] = st.session_state.setdefault("worklist-marks", {})
    return marks
