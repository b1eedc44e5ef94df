"""The samples' own card: whether they look real to the models, and whether they copy a training scan."""

from collections.abc import Mapping

import streamlit as st

from core import samples
from core.errors import CardError
from core.samples import SamplesCard
from pages.shared import sentences
from pages.shared.language import tr
from pages.shared.wording import escape_markdown


def show() -> None:
    """Figures of the samples that ship, or that there are none."""
    try:
        card = samples.card()
    except CardError as fault:
        st.error(escape_markdown(str(fault)))
        return
    if card is None:
        st.info(tr(sentences.NO_SAMPLES).format(samples.COMMAND))
        return
    st.header(tr("How real they are"))
    figures, limits = st.columns(2, gap="medium")
    with figures:
        st.table(_table(card), hide_index=True, border="horizontal", alt=tr("Figures of the samples"))
    with limits:
        st.markdown("\n".join(f"- {escape_markdown(limit)}" for limit in card.limitations))
        judges = ", ".join(
            tr("{modality} by {card}").format(modality=tr(f"{modality}s"), card=found.card)
            for modality, found in card.agreement.items()
        )
        st.caption(
            tr(
                "Fresh: samples before any selection, classified: {judges}. Fréchet: distance between the "
                "features of many samples and of held-out real scans; smaller is more similar. Nearest: "
                "distance to the most similar training scan. {choosing} Made by {model}, code {commit}."
            ).format(
                judges=judges, choosing=escape_markdown(card.choosing), model=card.model, commit=card.commit
            )
        )
        st.caption(tr(sentences.HARD_SAMPLES))
        st.code(card.command, language=None)


def _table(card: SamplesCard) -> list[dict[str, str]]:
    """One row per figure, one column per modality."""
    columns = {modality: _figures(card, modality) for modality in card.agreement}
    names = dict.fromkeys(name for column in columns.values() for name in column)
    return [
        {"": name, **{modality: column.get(name, "") for modality, column in columns.items()}}
        for name in names
    ]


def _figures(card: SamplesCard, modality: str) -> dict[str, str]:
    fresh, measures = card.agreement[modality].fresh, card.nearest[modality]
    return {
        tr("fresh scans"): f"{fresh['n']:.0f}",
        tr("classified as intended"): f"{fresh['agrees']:.1%}",
        tr("pass the gate"): f"{fresh['admitted']:.1%}",
        **{
            tr("Fréchet, {name}").format(name=name): f"{far:.1f}"
            for name, far in card.frechet[modality].items()
            if name != "n"
        },
        **{name: text for measure, found in measures.items() for name, text in _near(measure, found).items()},
    }


def _near(measure: str, found: Mapping[str, float | Mapping[str, float]]) -> dict[str, str]:
    """The shipped sample that is nearest to any training scan, and what it is compared with."""
    least = {
        name if isinstance(far, float) else tr("shipped samples, the nearest of all"): (
            far if isinstance(far, float) else min(far.values())
        )
        for name, far in found.items()
    }
    return {f"{measure}: {name}": f"{far:.3f}" for name, far in least.items()}
