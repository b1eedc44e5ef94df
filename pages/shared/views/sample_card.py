"""The samples' own card: whether they look real to the models, and whether they copy a training scan."""

from collections.abc import Mapping

import streamlit as st

from core import samples
from core.errors import CardError
from core.samples import SamplesCard
from pages.shared import sentences
from pages.shared.wording import escape_markdown


def show() -> None:
    """Figures of the samples that ship, or that there are none."""
    try:
        card = samples.card()
    except CardError as fault:
        st.error(escape_markdown(str(fault)))
        return
    if card is None:
        st.info(sentences.NO_SAMPLES.format(samples.COMMAND))
        return
    st.header("How real they are")
    figures, limits = st.columns(2, gap="medium")
    with figures:
        st.table(_table(card), hide_index=True, border="horizontal", alt="Figures of the samples")
    with limits:
        st.markdown("\n".join(f"- {escape_markdown(limit)}" for limit in card.limitations))
        judges = ", ".join(f"{modality}s by {found.card}" for modality, found in card.agreement.items())
        st.caption(
            f"Fresh: samples before any selection, classified: {judges}. Fréchet: distance between the "
            "features of many samples and of held-out real scans; smaller is more similar. Nearest: distance "
            f"to the most similar training scan. {escape_markdown(card.choosing)} Made by {card.model}, "
            f"code {card.commit}."
        )
        st.caption(sentences.HARD_SAMPLES)
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
        "fresh scans": f"{fresh['n']:.0f}",
        "classified as intended": f"{fresh['agrees']:.1%}",
        "pass the gate": f"{fresh['admitted']:.1%}",
        **{f"Fréchet, {name}": f"{far:.1f}" for name, far in card.frechet[modality].items() if name != "n"},
        **{name: text for measure, found in measures.items() for name, text in _near(measure, found).items()},
    }


def _near(measure: str, found: Mapping[str, float | Mapping[str, float]]) -> dict[str, str]:
    """The shipped sample that is nearest to any training scan, and what it is compared with."""
    least = {
        name if isinstance(far, float) else "shipped samples, the nearest of all": (
            far if isinstance(far, float) else min(far.values())
        )
        for name, far in found.items()
    }
    return {f"{measure}: {name}": f"{far:.3f}" for name, far in least.items()}
