"""How old the patient is: as the header says, else as a person said once for the session."""

from typing import Final

import streamlit as st

from core.card_types import Card
from core.types import Scan
from pages.shared.language import later

Span = tuple[int, int]  # youngest and oldest that it may be, in whole years
ANSWERS: Final[dict[str, Span | None]] = {
    later("child"): (0, 17),
    later("adult"): (18, 150),
    later("not known"): None,
}


def span(scan: Scan) -> Span | None:
    """What is known of the age of the patient on the scan."""
    if scan.age is not None:
        return scan.age, scan.age
    return ANSWERS[st.session_state.get("age") or "not known"]


def say(answer: str | None) -> None:
    """Keep a person's answer, one of ANSWERS, for the session; None takes it back."""
    st.session_state["age"] = answer


def fits(card: Card, known: Span | None) -> bool:
    """Whether the card learned from patients of that age, as far as both are known."""
    return known is None or card.ages is None or (card.ages[0] <= known[1] and known[0] <= card.ages[1])


def matters(card: Card) -> bool:
    """Whether the card learned from children alone, or from adults alone."""
    return not all(fits(card, known) for known in ANSWERS.values())
