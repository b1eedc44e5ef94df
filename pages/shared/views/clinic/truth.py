"""Each model on every source that it was measured on: the table of truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.names import CALIBRATION_SLOPE
from pages.shared import wording
from pages.shared.caches import scores
from pages.shared.language import later, tr

if TYPE_CHECKING:
    from core.evaluation.by_source import SourceRow
    from core.evaluation.clustered import Rate

NONE = "\u2013"  # a hyphen alone would begin a list in Markdown
CAPTION = later(
    "At each card's own threshold, home first; the worst source is bold, by the mean of sensitivity and "
    "specificity. Home: validation holds scans of that source. Intervals are clustered by patient. "
    "Calibration slope: 1 where probabilities hold, below 1 where they are too sure."
)


def show_defaults() -> None:
    """The models that the tasks open with."""
    _show([_named(row) for row in scores.default_sources()])


def show_card(card_id: str) -> None:
    """One model. card_id: its card's."""
    _show([_marked(row, _figures(row)) for row in scores.sources(card_id)])


def _show(lines: Sequence[dict[str, str]]) -> None:
    st.table(lines, hide_index=True, border="horizontal")
    st.caption(tr(CAPTION))


def _named(row: SourceRow) -> dict[str, str]:
    # in one column: on a phone the figures are to be seen without scrolling far
    return _marked(row, {tr("model"): f"{wording.task(row.task)}: {row.title}", **_figures(row)})


def _figures(row: SourceRow) -> dict[str, str]:
    return {
        tr("source"): tr("{source}, home").format(source=row.source) if row.home else row.source,
        tr("scans, abnormal"): f"{row.n}, {row.abnormal}",
        "AUC": NONE if row.auc is None else wording.with_interval(row.auc, row.auc_interval or (0.0, 1.0)),
        tr("sensitivity"): _share(row.sensitivity),
        tr("specificity"): _share(row.specificity),
        tr(CALIBRATION_SLOPE): NONE if row.slope is None else f"{row.slope:.2f}",
    }


def _marked(row: SourceRow, line: dict[str, str]) -> dict[str, str]:
    return {name: f"**{text}**" for name, text in line.items()} if row.worst else line


def _share(rate: Rate | None) -> str:
    return NONE if rate is None else wording.with_interval(rate.value, rate.interval)
