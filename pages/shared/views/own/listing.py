"""A person's own models: listed, compared, removed."""

from collections.abc import Sequence

import streamlit as st

from core import cards
from core.card_types import Card
from core.errors import CardError
from pages.shared import sentences, wording
from pages.shared.caches import models
from pages.shared.language import tr
from pages.shared.views import charts

CURVES = 6  # lines that a person can tell apart


def show() -> None:
    """The section on page Models."""
    st.header(tr("Your models"))
    own = [card for card in models.every_card() if card.origin == "own"]
    if not own:
        st.caption(tr(sentences.NO_OWN_MODELS))
        st.code(sentences.TRAIN_LINE, language=None)
        return
    st.dataframe(
        [_row(card) for card in own],
        hide_index=True,
        column_config={"AUC": st.column_config.NumberColumn(format="%.3f")},
        key="own-models",
    )
    st.caption(tr(sentences.OWN_MODELS_COMPARED))
    _show_curves(own)
    _offer_removal(own)


def _row(card: Card) -> dict[str, str | float | int]:
    report = card.report["test"]
    point = report.points[0]
    return {
        tr("model"): card.id,
        tr("kind"): card.kind,
        tr("classes"): ", ".join(card.labels),
        "AUC": report.auc,
        tr("95 % interval"): wording.interval(report.auc_interval),
        tr("sensitivity"): wording.with_interval(point.sensitivity, point.sensitivity_interval),
        tr("specificity"): wording.with_interval(point.specificity, point.specificity_interval),
        tr("test scans"): report.n,
        tr("learned from"): sum(int(n) for name, n in card.data.items() if name.startswith("train ")),
    }


def _show_curves(own: Sequence[Card]) -> None:
    reports = {card.id: card.report["test"] for card in own[:CURVES]}
    st.plotly_chart(
        charts.roc(
            {name: report.roc for name, report in reports.items()},
            {name: report.points[0] for name, report in reports.items()},
        ),
        config=charts.PLAIN,
        alt=tr("ROC curves on the test films of {reports}, each with its threshold").format(
            reports=", ".join(reports)
        ),
        key="own-curves",
    )


def _offer_removal(own: Sequence[Card]) -> None:
    """A button, and one question before anything goes."""
    choice, button = st.columns([3, 1], vertical_alignment="bottom")
    name = choice.selectbox(tr("Remove"), [card.id for card in own], key="own-remove")
    if button.button(tr("Remove this model"), width="stretch", key="own-remove-ask"):
        st.session_state["own-doomed"] = name
    if st.session_state.get("own-doomed") != name:
        return
    st.warning(
        tr("{name} and all that was measured of it will be deleted from this machine.").format(name=name)
    )
    yes, no = st.columns(2)
    if yes.button(tr("Yes, remove {name}").format(name=name), width="stretch", key="own-remove-yes"):
        _remove(name)
    if no.button(tr("Keep it"), width="stretch", key="own-remove-no"):
        del st.session_state["own-doomed"]
        st.rerun()


def _remove(name: str) -> None:
    try:
        cards.remove(name)
    except CardError as fault:
        st.error(wording.escape_markdown(str(fault)))
    except OSError as fault:
        st.error(
            wording.escape_markdown(
                tr("{name} cannot be removed: {strerror}.").format(name=name, strerror=fault.strerror)
            )
        )
    else:
        del st.session_state["own-doomed"]
        st.rerun()
