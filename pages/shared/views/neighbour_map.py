"""The map of known cases: who lies beside whom, and the scan among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from core.card_types import Card
from pages.shared.caches import neighbours
from pages.shared.language import later, tr
from pages.shared.views import charts
from pages.shared.views.charts import shade

if TYPE_CHECKING:
    from core.neighbours import Index, Vote

MAX_POINTS = 6000  # points; more only lie on top of each other
COLOURS = (later("class"), later("prediction"), later("error"))
BACKGROUND = ("#FFFFFF", "#0E1113")  # and the letters on the mark
CLASSES = (charts.NORMAL, charts.ABNORMAL, charts.SERIES[3], charts.SERIES[4], charts.SERIES[2])
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")
RIGHT, FALSE_ALARM, MISSED, WRONG_CLASS = (
    later("right"),
    later("false alarm"),
    later("missed"),
    later("wrong class"),
)
OUTCOMES = {
    RIGHT: (charts.QUIET, "circle"),
    FALSE_ALARM: (charts.ABNORMAL, "diamond"),
    MISSED: (charts.SERIES[3], "square"),
    WRONG_CLASS: (charts.SERIES[4], "triangle-up"),
}
TOOLS = {
    "displayModeBar": True,
    "displaylogo": False,
    "modeBarButtonsToRemove": ["autoScale2d", "toImage", "zoom2d"],
}


def pick(index: Index) -> tuple[str, str]:
    """Which layout, and what colour stands for."""
    layouts = list(index.layouts)
    with st.container(horizontal=True):
        layout = st.segmented_control(tr("Map"), layouts, default=layouts[0], required=True)
        colour = st.segmented_control(
            tr("Colour"), COLOURS, default=COLOURS[0], required=True, format_func=tr
        )
    return layout, colour


def show(
    card: Card, index: Index, threshold: float, scan: tuple[Vote, Mapping[str, tuple[float, float]]] | None
) -> list[int]:
    """Draw it, and return the rows that a person has marked with lasso, box or click.

    card: the one whose cases are drawn.
    index: its known cases.
    threshold: of its network.
    scan: the vote of its neighbours and its place on each layout, if there is a scan.
    """
    layout, colour = pick(index)
    groups = grouped(card, index, neighbours.predicted_labels(card.id, threshold), colour)
    figure = draw(index, layout, groups)
    if scan is not None:
        vote, places = scan
        rows = vote.neighbours.rows
        add_scan(figure, index.layouts[layout][rows], rows.tolist(), places[layout])
    event = st.plotly_chart(
        figure,
        key=f"map-{card.id}-{layout}-{colour}",
        on_select="rerun",
        selection_mode=("points", "box", "lasso"),
        config=TOOLS,
        alt=tr("{known} known cases, similar ones side by side, coloured by {colour}").format(
            known=len(index.case), colour=tr(colour)
        )
        + (tr(", with the scan among them") if scan is not None else ""),
    )
    st.caption(
        tr(
            "Near each other: similar to the network. Long distances mean little. Hollow marks are "
            "validation scans, which do not "
            "vote. Mark cases with lasso, box or click to list them."
        )
    )
    return marked(event["selection"]["points"])


def marked(points: Sequence[Mapping[str, Any]]) -> list[int]:
    """The rows among the points that were selected; the scan itself is none."""
    data = [point.get("customdata") for point in points]
    return sorted({int(row[0] if isinstance(row, list) else row) for row in data if row is not None})


def grouped(
    card: Card, index: Index, called: Sequence[str], colour: str
) -> dict[str, tuple[list[int], tuple[str, str], str]]:
    """Rows, colours and symbol of each group, by its name.

    card: the one whose cases are drawn.
    index: its known cases.
    called: the network's label of each case.
    colour: what colour stands for, one of COLOURS.
    """
    if colour == "error":
        names = [
            outcome(card, str(true), predicted) for true, predicted in zip(index.label, called, strict=True)
        ]
        looks = OUTCOMES
    else:
        names = [str(name) for name in index.label] if colour == "class" else list(called)
        looks = dict(zip(card.labels, zip(CLASSES, SYMBOLS, strict=True), strict=False))
    rows: dict[str, list[int]] = {name: [] for name in looks}
    for row, name in enumerate(names):
        rows[name].append(row)
    return {name: (rows[name], *looks[name]) for name in looks if rows[name]}


def outcome(card: Card, true: str, called: str) -> str:
    """Whether the network is right about a case, and if not, how."""
    normal = card.labels[0]
    if true == called:
        return RIGHT
    if true == normal:
        return FALSE_ALARM
    return MISSED if called == normal else WRONG_CLASS


def draw(
    index: Index, layout: str, groups: Mapping[str, tuple[list[int], tuple[str, str], str]]
) -> go.Figure:
    """One trace per group, thinned alike to what can be told apart.

    index: the known cases.
    layout: which of its maps.
    groups: rows, colours and symbol by name.
    """
    figure, places = go.Figure(), index.layouts[layout]
    step = -(-len(index.case) // MAX_POINTS)
    for name, (rows, colours, symbol) in groups.items():
        # the legend has the first one's symbol: training cases lead
        shown = sorted(rows, key=lambda row: index.split[row] != "train")[::step]
        solid = np.where(index.split[shown] == "train", symbol, f"{symbol}-open")
        figure.add_scattergl(
            x=places[shown, 0],
            y=places[shown, 1],
            mode="markers",
            name=f"{tr(name)} ({len(rows)})",
            customdata=shown,
            text=[f"{index.case[row]}<br>{tr(str(index.label[row]))}" for row in shown],
            hovertemplate="%{text}<extra></extra>",
            marker={"color": shade(colours), "symbol": solid, "size": 5, "opacity": 0.7},
        )
    figure.update_layout(
        height=560,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "yanchor": "top", "y": -0.01, "x": 0, "itemsizing": "constant"},
        dragmode=False if uses_touch() else "lasso",
        hovermode="closest",
    )
    bare = {"visible": False, "showgrid": False, "zeroline": False}
    figure.update_xaxes(**bare)
    figure.update_yaxes(**bare, scaleanchor="x")
    return figure


def add_scan(
    figure: go.Figure, around: NDArray[np.float32], rows: Sequence[int], place: tuple[float, float]
) -> None:
    """The scan as a labelled mark, its neighbours ringed.

    figure: the map.
    around: (k, 2), where the neighbours lie.
    rows: their rows of the index.
    place: where the scan lies.
    """
    ring = {"symbol": "circle-open", "size": 9, "color": shade(charts.MARK), "line": {"width": 1}}
    figure.add_scatter(
        x=around[:, 0],
        y=around[:, 1],
        mode="markers",
        name=tr("nearest ({rows})").format(rows=len(rows)),
        customdata=list(rows),
        hoverinfo="skip",
        marker=ring,
    )
    figure.add_annotation(
        x=place[0],
        y=place[1],
        text=f"<b>{tr('this scan')}</b>",
        ax=0,
        ay=-70,
        font={"color": shade(BACKGROUND), "size": 14},
        bgcolor=shade(charts.MARK),
        borderpad=4,
        arrowcolor=shade(charts.MARK),
        arrowwidth=2,
        arrowhead=6,
        arrowsize=2,
    )


def uses_touch() -> bool:
    """Whether the visitor has a phone or tablet: there a stroke over the map must move the page."""
    agent = st.context.headers.get("User-Agent") or ""
    return "Mobi" in agent or "Android" in agent
