"""All samples of a modality as a labelled worklist, to try the page Screen without files."""

import streamlit as st

from core import samples
from core.batch.labels import ABNORMAL, TableRow
from core.card_types import Card
from core.errors import CardError
from core.samples import Sample
from pages.shared.language import later, tr
from pages.shared.session.worklist import File
from pages.shared.views import sample_strip
from pages.shared.views.screening import judging
from pages.shared.wording import escape_markdown

# what a condition is by the labels of a card that tells its kinds apart
KINDS = {"tumour": {"glioma", "meningioma", "pituitary"}}
INVITATION = later(
    "Or use these samples. A model made them and they show nobody; "
    "each is labelled with the condition asked for."
)
CAUTION = later(
    "{} synthetic samples, labelled with the condition that was asked for. Figures on them show how the page "
    "works, not how good the model is."
)


def load(card: Card) -> tuple[list[File], list[TableRow]]:
    """The whole set with a table of its labels, once somebody asked for it; nothing before."""
    if not st.session_state.get("screening-samples"):
        return [], []
    files: list[File] = []
    table: list[TableRow] = []
    for sample in all_samples(card):
        try:
            files.append(File(sample.name, sample.sha256, samples.read(sample)))
        except CardError as fault:
            st.error(escape_markdown(str(fault)))
        else:
            table.append(TableRow(sample.name, label_of(sample, card), {"made as": sample.condition}))
    caution, removal = st.columns([4, 1], vertical_alignment="center")
    caution.caption(tr(CAUTION).format(len(files)))
    removal.button(tr("Remove the samples"), on_click=_remove, width="stretch")
    return files, table


def offer(card: Card) -> None:
    """On an empty page: what the set looks like, and one click that judges all of it."""
    number = len(all_samples(card))
    if not number:
        return
    st.caption(tr(INVITATION))
    st.button(tr("Read all {number} synthetic samples").format(number=number), on_click=_read_all)
    sample_strip.show([sample for sample in sample_strip.selection(card.modality) if sample.synthetic])


def all_samples(card: Card) -> list[Sample]:
    """The synthetic samples that the card may judge, without those made hard on purpose."""
    of_modality = sample_strip.of_modality(card.modality)
    return [sample for sample in of_modality if sample.synthetic and not sample.hard]


def label_of(sample: Sample, card: Card) -> str:
    """The condition in the card's words; empty when the card has no word for it."""
    if sample.condition == card.labels[0]:
        return card.labels[0]
    if card.kind == "detector":
        return sample.condition
    if KINDS.get(sample.condition, set()) >= set(card.labels[1:]):
        return ABNORMAL
    words = set(sample.condition.split())
    return next((label for label in card.labels[1:] if set(label.split()) <= words), "")


def _read_all() -> None:
    st.session_state["screening-samples"] = True
    judging.start()


def _remove() -> None:
    st.session_state["screening-samples"] = False
