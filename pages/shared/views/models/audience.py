"""For whom a model is wanted, which one to take, and why."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core import names
from core.card_types import Card
from core.ranking import BY_PLACE
from pages.shared import sentences, wording
from pages.shared.caches import models, scores
from pages.shared.language import later, tr
from pages.shared.numbering import numbered
from pages.shared.session import age, chosen, deep_link
from pages.shared.session.age import Span

AUDIENCES: Final[dict[str, tuple[str, Span | None]]] = {
    later("children, chest film"): (names.CHEST_FILM, age.ANSWERS["child"]),
    later("adults, chest film"): (names.CHEST_FILM, age.ANSWERS["adult"]),
    later("brain MRI"): (names.BRAIN_MRI, None),
    later("head CT"): (names.HEAD_CT, None),
}
KEYS: Final = ("models-for", "models-task")


def pick() -> tuple[Card, list[Card]]:
    """The card that the address or the session asks for, and all cards of its audience and task.

    Yardsticks come last. The address names the audience's card once one is selected.
    """
    cards = models.offered()
    asked = next((card for card in cards if card.id == deep_link.card()), chosen.current(cards))
    for key, value in zip(KEYS, (_audience(asked), asked.task), strict=True):
        st.session_state.setdefault(key, value)
    whom, what = st.columns([2, 3])
    whom.segmented_control(
        tr("For whom"), list(AUDIENCES), required=True, format_func=tr, key=KEYS[0], persist_state="session"
    )
    audience: str = st.session_state[KEYS[0]]
    fitting = [card for card in cards if _fits(card, audience)]
    tasks = list(dict.fromkeys(card.task for card in fitting))
    if st.session_state[KEYS[1]] not in tasks:
        st.session_state[KEYS[1]] = tasks[0]
    listed = dict(zip(tasks, numbered(map(wording.task, tasks)), strict=True))
    task = what.segmented_control(
        tr("Task"),
        tasks,
        required=True,
        format_func=lambda name: f"{listed[name]} ({sum(card.task == name for card in fitting)})",
        key=KEYS[1],
        persist_state="session",
    )
    of_task = [card for card in fitting if card.task == task]
    return (asked if asked in of_task else of_task[0]), of_task


def _audience(card: Card) -> str:
    return next(name for name in AUDIENCES if _fits(card, name))


def _fits(card: Card, audience: str) -> bool:
    modality, span = AUDIENCES[audience]
    return card.modality == modality and age.fits(card, span)


def show_recommended(cards: Sequence[Card]) -> None:
    """The card that Diagnose or Anomaly opens with for them, and why. cards: of one task, yardsticks last."""
    first, rivals = cards[0], sum(not card.yardstick for card in cards)
    if first.yardstick:
        st.caption(tr("This task has yardsticks only: there is no model to choose."))
        return
    words, use = st.columns([3, 1], vertical_alignment="center")
    with words:
        told = tr("Recommended: {title}").format(title=wording.escape_html(first.title))
        st.html(f'<p class="opacity-choice opacity-recommended">{told}</p>')
        st.write(_why(first, rivals))
        st.caption(_told_without_disease(first))
    with use:
        offer_use(first, key="use-recommended")


def _why(card: Card, rivals: int) -> str:
    """By what it stands first. rivals: how many models there are, itself included."""
    figures = card.figures
    of = tr("First of {rivals}").format(rivals=rivals) if rivals > 1 else tr("The only one")
    test = f"{wording.auc(card.report['test'])}."
    if names.WORST_SOURCE in figures:
        worst = figures[names.WORST_SOURCE]
        if card.model in BY_PLACE:
            told = tr(
                "{of}: the network below it, with each source left out of its training in turn, has AUC "
                "{worst:.3f} on the worst; this card says where. {test}"
            )
        else:
            told = tr(
                "{of}: with each source left out of training in turn, AUC {worst:.3f} on the worst. {test}"
            )
        return told.format(of=of, worst=worst, test=test)
    if card.kind == "classifier":
        return tr("{of} by the AUC on validation, {auc:.3f}. {test}").format(
            of=of, auc=card.report["validation"].auc, test=test
        )
    if card.model == "ensemble":
        return tr("{of}: detectors that judge by different means come before each of them. {test}").format(
            of=of, test=test
        )
    drawn = figures.get(names.AUROC_DRAWN_LESIONS)
    found = (
        ""
        if drawn is None
        else tr(": AUROC {drawn:.3f} for lesions drawn into normal scans").format(drawn=drawn)
    )
    return f"{of}{found}. {test}"


def _told_without_disease(card: Card) -> str:
    """What plain cues reach on the same test scans, as far as known."""
    border, source = card.figures.get(names.auc_by("border")), scores.source_only_auc(card.id)
    said = []
    if border is not None:
        said.append(
            tr("The border of the same scans, with nothing else of them, has an AUC of {auc:.3f}.").format(
                auc=border
            )
        )
    if source is not None:
        said.append(
            tr("Guessing by the public set that a scan is from has an AUC of {auc:.3f}.").format(auc=source)
        )
    return " ".join(said) or tr(sentences.NO_PLAIN_CUES)


def offer_use(card: Card, *, key: str) -> None:
    """A button that takes the model for all pages and goes where it is asked.

    card: to take.
    key: of this place on the page.
    """
    if st.button(tr("Use this model"), type="primary", key=key):
        chosen.choose(card.id)
        st.switch_page("pages/diagnose.py" if card.kind == "classifier" else "pages/anomaly.py")


def name_in_address(card: Card) -> None:
    """Loading the page again, or a link, opens with this card."""
    st.query_params["card"] = card.id
