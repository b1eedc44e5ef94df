"""Readers' and the model's ROC curves, with what can be claimed from so few films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.colors import hex_to_rgb

from core.types import Curve
from pages.shared.language import later, tr
from pages.shared.views import charts

if TYPE_CHECKING:
    from core.evaluation.readers import Result

MODEL = later("model")


def curves(found: Result, drawn: Sequence[str]) -> dict[str, Curve]:
    """The model's curve, and those of these readers."""
    arms = {tr("alone"): found.alone, tr("with the model"): found.helped}
    return {
        tr(MODEL): found.model[2],
        **{f"{who} {how}": arm.curve[who] for who in drawn for how, arm in arms.items()},
    }


def figure(found: Result, lines: Mapping[str, Curve]) -> go.Figure:
    """The curves with their 95 % bands, a point for each certainty, and the model at its threshold.

    found: the study's outcome.
    lines: from `curves`.
    """
    from core.evaluation import binary  # brings scikit-learn

    drawn = charts.roc(lines, {tr(MODEL): found.point}, height=420)
    normal = found.cases - found.abnormal
    for (name, curve), pair in zip(lines.items(), charts.SERIES, strict=False):
        band = binary.roc_band(curve, normal, found.abnormal)
        red, green, blue = hex_to_rgb(charts.shade(pair))
        drawn.add_scatter(
            x=band.x,
            y=band.y,
            mode="lines",
            fill="toself",
            fillcolor=f"rgba({red}, {green}, {blue}, 0.1)",
            line={"width": 0},
            hoverinfo="skip",
            name=name,
            showlegend=False,
        )
        if name == tr(MODEL):
            continue
        drawn.add_scatter(
            x=curve.x[1:-1],
            y=curve.y[1:-1],
            mode="markers",
            marker={"color": charts.shade(pair), "size": 7},
            name=name,
            showlegend=False,
        )
    return drawn
