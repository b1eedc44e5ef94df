"""Figures on the page: what a result looks like."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.card_types import Card
from core.names import CHEST_FILM
from core.types import Curve, OperatingPoint, is_abnormal
from pages.shared import wording
from pages.shared.language import tr
from pages.shared.session.thresholds import DecisionThreshold

# Okabe and Ito 2008: told apart by colour-blind readers. (on light, on dark)
NORMAL = ("#0072B2", "#56B4E9")
ABNORMAL = ("#D55E00", "#E69F00")
MARK = ("#1B1F22", "#FFFFFF")
ACCENT = ("#1F5F8B", "#7FB2D9")
QUIET = ("#8A9196", "#8A9196")
WORDS = ("#4A5157", "#B5BBC0")  # on axes: Streamlit's own are too pale to read
# lines that stand for models or splits, which have no colour of their own; told apart by the dash too
SERIES = (ACCENT, QUIET, ("#007A5A", "#2FBF96"), ("#A2528A", "#CC79A7"), ("#8A7300", "#E3D640"), MARK)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
PLAIN = {"displayModeBar": False}


def shade(pair: tuple[str, str]) -> str:
    """The colour that fits the theme on screen."""
    return pair[st.context.theme.type == "dark"]


def show_verdict(
    card: Card,
    *,
    score: float,
    threshold: DecisionThreshold,
    percentile: float,
    span: tuple[float, float],
    probabilities: Mapping[str, float] = wording.NO_PROBABILITIES,
) -> None:
    """The verdict in words, the score on a scale with the threshold, and where normals lie.

    score: the scan's.
    threshold: the one in use for the card.
    percentile: share of normal test scans below the score.
    span: the scores at the ends of the scale.
    probabilities: by label, where a classifier gave them.
    """
    words = wording.verdict(card, score, threshold, probabilities)
    colour = shade(ABNORMAL if is_abnormal(score, threshold.value) else NORMAL)
    figures = wording.score_and_threshold(score, threshold)
    report = card.report["test"]
    kind = tr("films") if card.modality == CHEST_FILM else tr("scans")
    above = wording.above_normals(percentile, report.n - report.abnormal, kind)
    with st.container(key=f"verdict-{card.id}"):
        st.html(
            f'<div style="color: {colour}">'
            f'<div role="status"><h2 class="opacity-verdict">{words}</h2></div>'
            f"{_scale(score, threshold, span, figures)}</div>"
            f'<p class="opacity-line">{figures}</p>'
            f'<p class="opacity-line">{above}</p>'
        )


def _scale(score: float, threshold: DecisionThreshold, span: tuple[float, float], figures: str) -> str:
    """The score as a bar, the threshold as a line on it, and shaded what lies too close to call."""
    low, high = span
    upper = threshold.value if threshold.upper is None else threshold.upper
    place, line, end = (
        100 * float(np.clip((value - low) / (high - low), 0, 1)) for value in (score, threshold.value, upper)
    )
    band = f'<div class="refer" style="left: {line:.1f}%; width: {end - line:.1f}%"></div>' * (end > line)
    return (
        f'<div class="opacity-scale" role="img" aria-label="{figures.lower()}">'
        f'<div class="fill" style="width: {place:.1f}%"></div>{band}'
        f'<div class="threshold" style="left: {line:.1f}%; background: {shade(MARK)}"></div></div>'
    )


def span_of(scores: Sequence[float]) -> tuple[float, float]:
    """From zero, or the lowest score, to the 99th percentile: a few outliers must not flatten the rest."""
    low, high = min(0.0, *scores), float(np.quantile(scores, 0.99))
    return low, (1.0 if 0.5 < high <= 1 else high)


def histogram(
    labels: Sequence[int],
    scores: Sequence[float],
    *,
    names: tuple[str, str],
    threshold: float,
    scan: float | None = None,
    height: int = 220,
) -> go.Figure:
    """Scores by class, with the threshold and the scan on screen.

    labels: 0 normal, 1 abnormal.
    scores: one per label.
    names: of the two classes.
    threshold: to mark.
    scan: the score of the one on screen, if any.
    height: in pixels.
    """
    low, high = span_of(scores)
    edges = np.linspace(low, high, 41)
    figure = go.Figure()
    for label, pair, pattern in ((0, NORMAL, ""), (1, ABNORMAL, "/")):
        chosen = np.clip([s for s, t in zip(scores, labels, strict=True) if t == label], low, high)
        counts, _ = np.histogram(chosen, edges)
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts / max(len(chosen), 1),
            name=f"{tr(names[label])} ({len(chosen)})",
            marker={"color": shade(pair), "pattern": {"shape": pattern, "solidity": 0.25}},
            opacity=0.75,
            hovertemplate=tr("score") + " %{x:.2f}: %{y:.1%}<extra></extra>",
        )
    figure.add_vline(
        x=threshold,
        line={"color": shade(ACCENT), "width": 2},
        annotation={"text": tr("threshold {threshold:.2f}").format(threshold=threshold), "yanchor": "bottom"},
    )
    if scan is not None:
        figure.add_vline(
            x=float(np.clip(scan, low, high)),
            line={"color": shade(MARK), "width": 2, "dash": "dot"},
            annotation={"text": tr("this scan"), "yanchor": "top"},
        )
    figure.update_layout(barmode="overlay", bargap=0.05)
    quiet = _quiet(figure, height, x=tr("score"), y=tr("share of class"), percent="y")
    # the legend a line higher: right above the plot stands the threshold
    return quiet.update_layout(legend={"y": 1.16}, margin={"t": 44})


def roc(
    curves: Mapping[str, Curve],
    points: Mapping[str, OperatingPoint],
    *,
    height: int = 320,
    corner: bool = False,
) -> go.Figure:
    """Receiver operating characteristics, one line per name, each with its operating point.

    curves: at most six, by name.
    points: operating points, by the same names.
    height: in pixels.
    corner: only where few false alarms are raised and most is found.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": shade(QUIET), "dash": "dot", "width": 1},
        showlegend=False,
    )
    for (name, curve), pair, dash in zip(curves.items(), SERIES, DASHES, strict=False):
        line = {"color": shade(pair), "dash": dash, "width": 2}
        figure.add_scatter(x=curve.x, y=curve.y, mode="lines", line=line, name=tr(name))
        if name in points:
            point = points[name]
            figure.add_scatter(
                x=[1 - point.specificity],
                y=[point.sensitivity],
                mode="markers",
                marker={"color": shade(pair), "size": 10, "line": {"color": shade(MARK), "width": 1}},
                name=tr("{name} at the threshold").format(name=tr(name)),
                showlegend=False,
            )
    _quiet(figure, height, x=tr("1 - specificity"), y=tr("sensitivity"), percent="xy")
    edge = 0.4 if corner else 1.0
    figure.update_xaxes(range=[-0.02 * edge, edge])
    figure.update_yaxes(range=[1 - edge, 1 + 0.02 * edge])
    return figure


def lines(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    x: str,
    y: str,
    threshold: float | None = None,
    height: int = 260,
) -> go.Figure:
    """Named lines over a common axis.

    curves: x and y by name.
    x: the horizontal axis' title.
    y: the vertical axis' title.
    threshold: to mark, if any.
    height: in pixels.
    """
    figure = go.Figure()
    for (name, (xs, ys)), pair, dash in zip(curves.items(), SERIES, DASHES, strict=False):
        figure.add_scatter(
            x=xs, y=ys, mode="lines", name=tr(name), line={"color": shade(pair), "dash": dash, "width": 2}
        )
    if threshold is not None:
        figure.add_vline(x=threshold, line={"color": shade(ACCENT), "width": 2})
    return _quiet(figure, height, x=x, y=y, percent="")


def _quiet(figure: go.Figure, height: int, *, x: str, y: str, percent: str) -> go.Figure:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 24, "b": 8},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        hovermode="closest",
    )
    words = {"color": shade(WORDS), "size": 13}
    figure.update_annotations(font=words)
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(tickfont=words, title_font=words)
    figure.update_xaxes(
        title=x, zeroline=False, fixedrange=True, tickformat=".0%" if "x" in percent else None
    )
    figure.update_yaxes(
        title=y, zeroline=False, fixedrange=True, tickformat=".0%" if "y" in percent else None
    )
    return figure


def confusion(point: OperatingPoint, names: tuple[str, str]) -> list[dict[str, str | int]]:
    """The confusion matrix as table rows."""
    return [
        {
            tr("true label"): tr(names[1]),
            tr("read as abnormal"): point.true_positives,
            tr("read as normal"): point.false_negatives,
        },
        {
            tr("true label"): tr(names[0]),
            tr("read as abnormal"): point.false_positives,
            tr("read as normal"): point.true_negatives,
        },
    ]


def metrics(points: Mapping[str, OperatingPoint]) -> list[dict[str, str]]:
    """One row per named operating point, with 95 % intervals."""
    return [
        {
            "": tr(name),
            tr("threshold"): f"{point.threshold:.3f}",
            tr("sensitivity"): wording.with_interval(point.sensitivity, point.sensitivity_interval),
            tr("specificity"): wording.with_interval(point.specificity, point.specificity_interval),
            tr("accuracy"): wording.with_interval(point.accuracy, point.accuracy_interval),
            tr("PPV"): _rate(point.ppv),
            tr("NPV"): _rate(point.npv),
            "F1": _rate(point.f1),
            tr("missed"): tr("{part} of {whole}").format(
                part=point.false_negatives,
                whole=point.true_positives + point.false_negatives,
            ),
            tr("false alarms"): tr("{part} of {whole}").format(
                part=point.false_positives,
                whole=point.false_positives + point.true_negatives,
            ),
        }
        for name, point in points.items()
    ]


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
