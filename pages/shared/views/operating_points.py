"""Operating points on the page: the policies' aims, the named ones, and what each costs."""

from dataclasses import asdict, replace
from datetime import UTC, datetime

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.card_types import Card, Policy
from core.errors import NoUsefulThreshold, OpacityError
from core.evaluation import operating_points
from core.evaluation.operating_points import NamedPoint
from pages.shared import sentences, wording
from pages.shared.caches import scores
from pages.shared.components.threshold_panel import PanelState
from pages.shared.language import tr
from pages.shared.numbering import numbered
from pages.shared.session import thresholds
from pages.shared.session.clinic import Clinic
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views import charts


def pick_policies(clinic: Clinic) -> dict[str, Policy]:
    """The policies by their button's name, with the arguments a person may change; cost goes by the panel's
    dials."""
    deviations, sensitivity, specificity, alarms = st.columns(4)
    k = deviations.number_input(tr("k (mean + k std)"), 0.0, 6.0, 1.0, 0.5, key="policy-k")
    found = sensitivity.number_input(tr("Sensitivity"), 0.5, 1.0, 0.95, 0.01, key="policy-sensitivity")
    spared = specificity.number_input(tr("Specificity"), 0.5, 1.0, 0.95, 0.01, key="policy-specificity")
    alpha = alarms.number_input(tr("Conformal alpha"), 0.01, 0.5, 0.1, 0.01, key="policy-alpha")
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
    """The card's own threshold, the chosen one and the named ones, on both splits, once they differ."""
    values = [(tr("card's own"), card.threshold), (tr("now"), state.threshold)]
    values += [(point.name, point.threshold) for point in _named(card)]
    if {value for _, value in values} == {card.threshold}:
        return
    st.subheader(tr("Before and after"))
    names = numbered(name for name, _ in values)
    rows = {
        f"{name}, {tr(split)}": scores.operating_point(card.id, split, threshold, name)
        for name, (_, threshold) in zip(names, values, strict=True)
        for split in ("validation", "test")
    }
    st.dataframe(charts.metrics(rows), hide_index=True)


def show_chips(card: Card) -> None:
    """The card's own threshold and the named ones, one click each: every page then judges by it."""
    cuts = {tr(sentences.OWN_THRESHOLD): DecisionThreshold(card.threshold)}
    cuts |= {point.name: DecisionThreshold(point.threshold, point.upper) for point in _named(card)}
    if len(cuts) == 1:
        return
    now, key = thresholds.current(card), f"chips-{card.id}"
    # Set anew in each run: a hand on the panel moves the threshold too.
    st.session_state[key] = next((name for name, cut in cuts.items() if cut == now), None)
    st.pills(
        tr("Saved thresholds"),
        list(cuts),
        key=key,
        on_change=lambda: thresholds.choose(card, cuts.get(st.session_state[key] or "", now)),
    )


def show_saving(card: Card, state: PanelState) -> None:
    """Name the current point, take the named ones away as a file, or bring them back."""
    named = _named(card)
    name, save, away, back = st.columns([2, 1, 1, 2], vertical_alignment="bottom")
    title = name.text_input(tr("Name this threshold"), max_chars=60, key=f"name-{card.id}")
    if save.button(tr("Save"), disabled=not title, width="stretch"):
        keep(card, _point(card, state, title))
        st.rerun()
    away.download_button(
        tr("Export"),
        operating_points.export(named),
        file_name=f"{card.id}-operating-points.json",
        mime="application/json",
        disabled=not named,
        width="stretch",
    )
    file = back.file_uploader(tr("Import operating points"), type="json", key=f"import-{card.id}")
    if file is None:
        st.session_state.pop("import-told", None)
    else:
        _import(card, file)
    if told := st.session_state.get("import-told"):
        st.success(told)


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
    before = _named(card)
    kept = [*before, *(point for point in found if point not in before)]
    names = numbered(point.name for point in kept)
    st.session_state.points[card.id] = [
        replace(point, name=name) for point, name in zip(kept, names, strict=True)
    ]
    st.session_state["import-told"] = wording.imported(names[len(before) :], of=len(found))
    st.rerun()


def keep(card: Card, point: NamedPoint) -> None:
    """List the point on page Thresholds, in the place of one with the same name."""
    others = [known for known in _named(card) if known.name != point.name]
    st.session_state.points[card.id] = [*others, point]


def show_in_use(card: Card, threshold: DecisionThreshold) -> None:
    """Beside a verdict: which named threshold it was judged by, if it was one."""
    if threshold == DecisionThreshold(card.threshold):
        return
    for point in _named(card):
        if DecisionThreshold(point.threshold, point.upper) == threshold:
            on = (
                ""
                if point.local is None
                else tr(", set on {normals} normal scans of your own").format(normals=point.local.normals)
            )
            st.caption(
                wording.escape_markdown(
                    tr("Judged by the threshold '{name}'{on}.").format(name=point.name, on=on)
                )
            )


def origin(card: Card, threshold: DecisionThreshold) -> str:
    """Where a threshold comes from, in words."""
    for point in _named(card):
        if DecisionThreshold(point.threshold, point.upper) == threshold:
            return tr("saved as '{name}'").format(name=point.name)
    if threshold == DecisionThreshold(card.threshold):
        return tr("the model's own, chosen on validation by {name}").format(name=card.policy.name)
    return tr("chosen by hand in this session")


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
        upper=state.upper,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
