"""Drag a threshold and see at once what it costs: histogram, ROC, precision-recall, confusion, prices.

Everything that moves with the finger is computed in the browser. The server hears of it once, on release.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.evaluation.operating_points import Layer
from pages.shared import language
from pages.shared.components import DOM, LANGUAGE, joined
from pages.shared.language import later, tr

CARD_POLICY = later("Card's own")
_BINS = 48
_HERE = Path(__file__).parent
_SCRIPTS = (
    "numbers",
    "chart_parts",
    "words",
    "cuts",
    "drag",
    "glide",
    "told",
    "histogram",
    "curves",
    "tables",
    "clinic",
    "price",
    "layout",
    "panel",
)
_STYLES = ("panel", "charts", "tables")

_mount = st.components.v2.component(
    "threshold_panel",
    css="\n".join((_HERE / f"{name}.css").read_text(encoding="utf-8") for name in _STYLES),
    js=joined([DOM, LANGUAGE, *(_HERE / f"{name}.js" for name in _SCRIPTS)]),
)


@dataclass(frozen=True, slots=True)
class PanelState:
    """What a person has chosen. Scans are abnormal from `threshold`, or referred from it up to `upper`.

    policy: the button it came from, "cost" for the minimum of the cost curve, "manual" when dragged.
    missed_cost: of one missed case, in false alarms.
    """

    threshold: float
    upper: float | None
    policy: str
    prevalence: float
    missed_cost: float


def threshold_panel(
    data: Mapping[str, Layer],
    *,
    threshold: float,
    key: str,
    finding: str,
    policies: Mapping[str, float | str] | None = None,
    broken: Mapping[str, str] = MappingProxyType({}),
    policy: str = "manual",
    upper: float | None = None,
    card_threshold: float | None = None,
    scan: tuple[str, float] | None = None,
    prevalence: float = 0.1,
    missed_cost: float = 5.0,
    score_name: str = later("score"),
    on_change: Callable[[PanelState], None] = lambda _: None,
) -> PanelState:
    """Show the panel and return what it stands at.

    data: one or two layers by name; the threshold is chosen on the first and priced on the last.
    threshold: where it stands at first. Later the person's hand rules, until the page passes
        another one than it passed and was given before: then the panel glides there.
    key: of this place on the page.
    finding: what abnormal films are suspicious for.
    policies: by name, the threshold, or the reason why there is none.
    broken: by name, what a policy promised and did not keep; its button says so.
    policy: the one that gave the first threshold.
    upper: end of the band that is referred, None without one.
    card_threshold: the card's own, for a button of its own.
    scan: name and score of the current one.
    prevalence: of abnormal scans where it will be used.
    missed_cost: of one missed case, in false alarms.
    score_name: what the axis says.
    on_change: takes what a hand chose before anything else runs: leaving the page at once loses nothing.
    """
    given = PanelState(threshold, upper, policy, prevalence, missed_cost)
    state, version, sequence = _agreed(key, given)
    edges = _edges(data)
    _mount(
        key=key,
        data={
            "layers": [_layer(name, layer, edges) for name, layer in data.items()],
            "edges": edges.tolist(),
            "policies": [
                {**_policy(name, value), "broken": broken.get(name, "")}
                for name, value in (policies or {}).items()
            ],
            "card_policy": tr(CARD_POLICY),
            "card_threshold": card_threshold,
            "scan": {"name": scan[0], "score": scan[1]} if scan else None,
            "finding": finding,
            "score_name": tr(score_name),
            **language.for_component("threshold_panel"),
            **asdict(state),
            "prevalence_given": prevalence,
            "missed_cost_given": missed_cost,
            "version": version,
            "sequence": sequence,
        },
        on_chosen_change=lambda: _hear(key, on_change),
    )
    return state


def _hear(key: str, on_change: Callable[[PanelState], None]) -> None:
    """Hand on what the browser sent, if it is newer than what the panel stands at."""
    if chosen := _chosen(st.session_state.get(key), after=st.session_state[f"{key}-memory"]["sequence"]):
        on_change(chosen[0])


def _agreed(key: str, given: PanelState) -> tuple[PanelState, int, int]:
    """What the panel stands at, how often the page has moved it, and the browser's last number."""
    memory = st.session_state.setdefault(f"{key}-memory", {"version": 0, "sequence": 0, "seen": ()})
    chosen = _chosen(st.session_state.get(key), after=memory["sequence"])
    known = (*memory["seen"], _cut(chosen[0])) if chosen else memory["seen"]
    if memory["seen"] and _cut(given) not in known:
        memory["version"] += 1
        memory["sequence"] = chosen[1] if chosen else memory["sequence"]
        chosen = None
    state, sequence = chosen or (given, memory["sequence"])
    memory["seen"] = (_cut(given), _cut(state))
    return state, memory["version"], sequence


def _cut(state: PanelState) -> tuple[float, float | None]:
    return state.threshold, state.upper


def _chosen(value: Any, *, after: int) -> tuple[PanelState, int] | None:
    """What the browser sent last, and its running number; None when it sent nothing newer."""
    sent = value.get("chosen") if isinstance(value, Mapping) else None
    if not isinstance(sent, Mapping):
        return None
    try:
        upper = None if sent["upper"] is None else float(sent["upper"])
        state = PanelState(
            threshold=float(sent["threshold"]),
            upper=upper,
            policy=str(sent["policy"]),
            prevalence=float(sent["prevalence"]),
            missed_cost=float(sent["missed_cost"]),
        )
        sequence = int(sent["sequence"])
    except (KeyError, TypeError, ValueError):
        return None
    numbers = (state.threshold, state.prevalence, state.missed_cost, upper or 0.0)
    return (state, sequence) if sequence > after and all(map(math.isfinite, numbers)) else None


def _edges(data: Mapping[str, Layer]) -> NDArray[np.float64]:
    """Bins over all layers' scores. A tail longer than the rest of the scores goes into the last bin."""
    scores = np.concatenate([layer.at for layer in data.values()])
    low, high = float(scores.min()), float(scores.max())
    inner_low, inner_high = np.quantile(scores, [0.005, 0.995])
    body = float(inner_high - inner_low)
    if body > 0:
        low, high = max(low, inner_low - body / 2), min(high, inner_high + body / 2)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, _BINS + 1)


def _layer(name: str, layer: Layer, edges: NDArray[np.float64]) -> dict[str, Any]:
    inside = np.clip(layer.at, edges[0], edges[-1])

    def bins(reached: NDArray[np.int64]) -> list[int]:
        counts, _ = np.histogram(inside, edges, weights=np.diff(reached, prepend=0))
        return [int(count) for count in counts]

    return {
        "name": name,
        "at": layer.at.tolist(),
        "tp": layer.true_positives.tolist(),
        "fp": layer.false_positives.tolist(),
        "abnormal": layer.abnormal,
        "normal": layer.normal,
        "auc": layer.auc,
        "auc_interval": list(layer.auc_interval),
        "bins": {"abnormal": bins(layer.true_positives), "normal": bins(layer.false_positives)},
        "band": {
            "fpr": layer.band.false_positive_rate.tolist(),
            "low": layer.band.low.tolist(),
            "high": layer.band.high.tolist(),
        },
        "digest": layer.digest,
    }


def _policy(name: str, value: float | str) -> dict[str, Any]:
    if isinstance(value, str):
        return {"name": name, "threshold": None, "reason": value}
    return {"name": name, "threshold": float(value), "reason": ""}
