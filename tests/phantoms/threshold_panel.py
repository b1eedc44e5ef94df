"""The threshold panel alone, on made-up scores: what browser tests and the benchmark serve."""

import numpy as np
import streamlit as st

from core.card_types import Policy
from core.errors import OpacityError
from core.evaluation.operating_points import Layer, layer
from core.evaluation.thresholds import choose
from pages.shared.components.threshold_panel import threshold_panel

POLICIES = {
    "Youden": Policy("youden"),
    "F1": Policy("f1"),
    "Mean + 1 SD": Policy("mean-k-std", {"k": 1.0}),
    "Sensitivity 95 %": Policy("target-sensitivity", {"target": 0.95}),
    "Specificity 95 %": Policy("target-specificity", {"target": 0.95}),
    "Cost 5 : 1": Policy("cost", {"missed_cost": 5.0}),
    "Conformal 5 %": Policy("conformal", {"alpha": 0.05}),
    "Conformal 0.1 %": Policy("conformal", {"alpha": 0.001}),
}


def made_up(normal: int, abnormal: int, shift: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores in (0, 1); a tenth of the cases are rounded, so that there are ties."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [normal, abnormal])
    logits = np.where(
        labels == 1, rng.normal(2.2, 1.7, labels.size), rng.normal(-2.6 + shift, 1.5, labels.size)
    )
    scores = 1 / (1 + np.exp(-logits))
    tied = rng.random(labels.size) < 0.1
    return labels, np.where(tied, scores.round(1), scores.round(6))


def sets(size: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    if size == "large":
        return {"test": made_up(5000, 5000, 0.0, 1)}
    return {"validation": made_up(240, 400, 0.0, 2), "test": made_up(234, 390, 0.9, 1)}


@st.cache_data
def counted(size: str) -> dict[str, Layer]:
    return {name: layer(*values) for name, values in sets(size).items()}


@st.cache_data
def policies(size: str) -> dict[str, float | str]:
    labels, scores = next(iter(sets(size).values()))
    found: dict[str, float | str] = {}
    for name, policy in POLICIES.items():
        try:
            found[name] = choose(policy, labels, scores)
        except OpacityError as error:
            found[name] = str(error)
    return found


def go() -> None:
    st.session_state["at"] = float(st.session_state["typed"])


def main() -> None:
    st.set_page_config(layout="wide")
    size = st.query_params.get("size", "small")
    scan = st.query_params.get("scan", "film-03.png")
    st.session_state.setdefault("at", 0.41)
    st.text_input("Go to", key="typed", on_change=go)
    state = threshold_panel(
        counted(size),
        threshold=st.session_state["at"],
        key="panel",
        finding=st.query_params.get("finding", "pneumonia"),
        policies=policies(size),
        broken={"Youden": "broke its promise: specificity 0.90, on test 0.78"},
        card_threshold=0.41,
        scan=(scan, 0.9312),
        score_name="P(abnormal)",
    )
    st.session_state["at"] = state.threshold
    st.caption(f"Server: {state.threshold!r} by {state.policy}, upper {state.upper!r}")


if __name__ == "__main__":
    main()
