"""Operating points on the page: the policies' aims, the named ones, and what each costs."""

from dataclasses import asdict, replace
from datetime import UTC, datetime

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.card_types import Card, Policy
from core.errors import NoUsefulThreshold, OpacityError
from core.evaluation import operating_points
from core.evaluation.operating_points import NamedPoint
from pages.shared import wording
from pages.shared.caches import scores
from pages.shared.components.threshold_panel import PanelState
from pages.shared.numbering import numbered
from pages.shared.session import thresholds
from pages.shared.session.clinic import Clinic
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views import charts


def pick_policies(clinic: Clinic) -> dict[str, Policy]:
    """The policies by their button's name, with the arguments a person may change; cost goes by the panel's
    dials."""
    deviations, sensitivity, specificity, alarms = st.columns(4)
    k = deviations.number_input("k (mean + k std)", 0.0, 6.0, 1.0, 0.5, key="policy-k")
    found = sensitivity.number_input("Sensitivity", 0.5, 1.0, 0.95, 0.01, key="policy-sensitivity")
    spared = specificity.number_input("Specificity", 0.5, 1.0, 0.95, 0.01, key="policy-specificity")
    alpha = alarms.number_input("Conformal alpha", 0.01, 0.5, 0.1, 0.01, key="policy-alpha")
    policies = (
        Policy("smoothed-youden"),
        Policy("youden"),
        Policy("f1"),
        Policy("mean-k-std", {"k": k}),
        Policy("target-sensitivity", {"target": found}),
        Policy("target-specificity", {"target": spared}),
        Policy("conformal", {"alpha": alpha}),
        Policy("conformal-groups", {"alpha": alpha}),
        Policy("cost", asdict(clinic)),
    )
    return {wording.policy(policy): policy for policy in policies}


def threshold_or_reason(card: Card, policy: Policy) -> float | str:
    """Where the policy values on validation, or why it cannot."""
    try:
        return scores.policy_threshold(card.id, policy)
    except NoUsefulThreshold as reason:
        return str(reason)


def show_table(card: Card, state: PanelState) -> None:
    """The card's own threshold, the chosen one and the named ones, on both splits."""
    values = [("card's own", card.threshold), ("now", state.threshold)]
    values += [(point.name, point.threshold) for point in _named(card)]
    names = numbered(name for name, _ in values)
    rows = {
        f"{name}, {split}": scores.operating_point(card.id, split, threshold, name)
        for name, (_, threshold) in zip(names, values, strict=True)
        for split in ("validation", "test")
    }
    st.dataframe(charts.metrics(rows), hide_index=True)


def show_saving(card: Card, state: PanelState) -> None:
    """Name the current point, take the named ones away as a file, or bring them back."""
    named = _named(card)
    name, save, away, back = st.columns([2, 1, 1, 2], vertical_alignment="bottom")
    title = name.text_input("Name this threshold", max_chars=60, key=f"name-{card.id}")
    if save.button("Save", disabled=not title, width="stretch"):
        keep(card, _point(card, state, title))
        st.rerun()
    away.download_button(
        "Export",
        operating_points.export(named),
        file_name=f"{card.id}-operating-points.json",
        mime="application/json",
        disabled=not named,
        width="stretch",
    )
    file = back.file_uploader("Import operating points", type="json", key=f"import-{card.id}")
    if file is not None:
        _import(card, file)


def _import(card: Card, file: UploadedFile) -> None:
    """Add a file's points to those that are named, once: the uploader holds it in every later run too."""
    imported: set[str] = st.session_state.setdefault("imported", set())
    if file.file_id in imported:
        return
    try:
        found = operating_points.read(file.getvalue(), card)
    except OpacityError as problem:
        st.error(wording.escape_markdown(str(problem)))
        return
    imported.add(file.file_id)
    kept = [*_named(card), *(point for point in found if point not in _named(card))]
    names = numbered(point.name for point in kept)
    st.session_state.points[card.id] = [
        replace(point, name=name) for point, name in zip(kept, names, strict=True)
    ]
    st.rerun()


def keep(card: Card, point: NamedPoint) -> None:
    """List the point on page Thresholds, in the place of one with the same name."""
    others = [known for known in _named(card) if known.name != point.name]
    st.session_state.points[card.id] = [*others, point]


def show_use(card: Card) -> None:
    """Take a named threshold: every page then judges by it."""
    named = {point.name: point for point in _named(card)}
    if not named:
        return
    pick, use = st.columns([4, 1], vertical_alignment="bottom")
    name = pick.selectbox("Named thresholds", list(named), key=f"named-{card.id}")
    if use.button("Use it", key=f"use-{card.id}", width="stretch"):
        thresholds.choose(card, DecisionThreshold(named[name].threshold))
        st.rerun()


def show_in_use(card: Card, threshold: DecisionThreshold) -> None:
    """Beside a verdict: which named threshold it was judged by, if it was one."""
    for point in _named(card):
        if point.threshold == threshold.value:
            on = "" if point.local is None else f", set on {point.local.normals} normal scans of your own"
            st.caption(wording.escape_markdown(f"Judged by the threshold '{point.name}'{on}."))


def origin(card: Card, threshold: DecisionThreshold) -> str:
    """Where a threshold comes from, in words."""
    for point in _named(card):
        if (point.threshold, point.upper) == (threshold.value, threshold.upper):
            return f"saved as '{point.name}'"
    if threshold == DecisionThreshold(card.threshold):
        return f"the model's own, chosen on validation by {card.policy.name}"
    return "chosen by hand in this session"


def _named(card: Card) -> list[NamedPoint]:
    """Those of these weights: scores of earlier ones meant something else."""
    named: list[NamedPoint] = st.session_state.setdefault("points", {}).setdefault(card.id, [])
    return [point for point in named if point.sha256 == card.sha256]


def _point(card: Card, state: PanelState, title: str) -> NamedPoint:
    return NamedPoint(
        name=title,
        card=card.id,
        sha256=card.sha256,
        policy=state.policy,
        split="validation",
        threshold=state.threshold,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
