"""Calibrate to your place: a threshold set on normal scans of one's own. Nothing but scores stays."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core import names
from core.card_types import Card
from core.errors import OpacityError
from pages.shared import wording
from pages.shared.caches import models
from pages.shared.language import later, tr
from pages.shared.session import thresholds
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views import operating_points

if TYPE_CHECKING:
    from core.batch.local_scans import LocalScan
    from core.evaluation.local_calibration import LocalCalibration

NAME = later("calibrated here")
INVITATION = later(
    "A threshold chosen elsewhere keeps its specificity only where normal scans score as they did there. "
    "Drop normal scans of 20 patients or more, and abnormal ones if you have some: each is judged and let "
    "go, and nothing but its score stays, in this session. Scans of one patient are counted once where "
    "their names are the same up to the last _ or -."
)


@dataclass(frozen=True, slots=True)
class Drop:
    """What stays of scans that were dropped together. left_out: how many could not be judged."""

    scans: tuple[LocalScan, ...]
    left_out: int


def show(card: Card) -> None:
    """Drop, see before and after, apply. card: whose threshold is set."""
    st.write(tr(INVITATION))
    if bought := what_normals_buy(card):
        st.caption(bought)
    left, right, share = st.columns([2, 2, 1])
    for place, abnormal in ((left, False), (right, True)):
        _judge_dropped(card, place, abnormal=abnormal)
    specificity = share.number_input(
        tr("Specificity"), 0.5, 0.99, 0.9, 0.01, key=f"local-specificity-{card.id}"
    )
    scans = [scan for drop in _known(card).values() for scan in drop.scans]
    if not scans:
        return
    _offer(card, scans, specificity)
    if st.button(tr("Forget these scores"), key=f"forget-local-{card.id}"):
        _known(card).clear()
        st.rerun()


def offer_labelled(card: Card, judged: Sequence[tuple[str, bool, float]]) -> None:
    """A threshold set on labelled scans that the card has judged already.

    card: whose threshold is set.
    judged: name, whether abnormal, and score of each.
    """
    from core.batch.local_scans import LocalScan, below_classes, patients_of

    patients = patients_of(below_classes(card, [name for name, _, _ in judged]))
    scans = [
        LocalScan(abnormal, score, patient)
        for (_, abnormal, score), patient in zip(judged, patients, strict=True)
    ]
    specificity = st.number_input(
        tr("Specificity"), 0.5, 0.99, 0.9, 0.01, key=f"labelled-{card.id}", width=160
    )
    _offer(card, scans, specificity)


def _offer(card: Card, scans: Sequence[LocalScan], specificity: float) -> None:
    from core.batch import local_scans

    try:
        found = local_scans.calibrated(card, scans, specificity)
    except OpacityError as reason:
        st.warning(wording.escape_markdown(str(reason)))
        return
    _show_found(card, found)


def what_normals_buy(card: Card) -> str:
    """What normals of another hospital did for this card there, where it was measured; else nothing."""
    place, figures = names.LOCAL_PLACE, card.figures
    if names.sensitivity_at(place) not in figures:
        return ""
    bought = "; ".join(
        tr("{count} give {specificity:.2f} ({worst:.2f} in the worst twentieth of draws)").format(
            count=count,
            specificity=figures[names.specificity_at(place, count)],
            worst=figures[names.specificity_at(place, count, worst=True)],
        )
        for count in names.LOCAL_COUNTS
    )
    return tr(
        "On adults of {place}, whom it never saw, this model has an AUROC of {auroc:.2f}, and at its own "
        "threshold a specificity of {specificity:.2f}. With mean and deviation of normal films from there, "
        "{bought}; sensitivity is then {sensitivity:.2f}."
    ).format(
        place=place,
        auroc=figures[names.auroc_at(place)],
        specificity=figures[names.specificity_at(place)],
        bought=bought,
        sensitivity=figures[names.sensitivity_at(place)],
    )


def _show_found(card: Card, found: LocalCalibration) -> None:
    from core.evaluation import operating_points as points
    from core.evaluation.local_calibration import in_words

    st.markdown("\n".join(f"- {sentence}" for sentence in in_words(found, tr)))
    if st.button(tr("Use this threshold"), type="primary", key=f"apply-{card.id}"):
        operating_points.keep(card, points.calibrated(card, found, tr(NAME)))
        thresholds.choose(card, DecisionThreshold(found.threshold))
        st.rerun()


def _judge_dropped(card: Card, place: DeltaGenerator, *, abnormal: bool) -> None:
    """Judge what was dropped and let go of it: the drop zone begins anew.

    card: that judges.
    place: of the drop zone.
    abnormal: whether this is the zone for abnormal scans.
    """
    drops: int = st.session_state.setdefault("local-drops", 0)
    files = place.file_uploader(
        tr("Abnormal scans, if you have some") if abnormal else tr("Normal scans"),
        accept_multiple_files=True,
        key=f"local-{abnormal}-{card.id}-{drops}",
    )
    if files:
        _known(card)[abnormal] = _judged(card, files, abnormal=abnormal)
        st.session_state["local-drops"] = drops + 1  # a fresh key makes the uploader let go of the bytes
        st.rerun()
    if drop := _known(card).get(abnormal):
        out = tr(", {left_out} could not be").format(left_out=drop.left_out) if drop.left_out else ""
        place.caption(
            tr("{scans} judged{out}. Another drop takes their place.").format(scans=len(drop.scans), out=out)
        )


def _judged(card: Card, files: Sequence[UploadedFile], *, abnormal: bool) -> Drop:
    """The scores of the files, each file once.

    card: that judges.
    files: as dropped.
    abnormal: whether they were dropped as such.
    """
    from core.batch.local_scans import LocalScan, patients_of

    unique = {hashlib.sha256(file.getvalue()).digest(): file for file in files}
    progress = st.progress(0.0, tr("Judging the scans"))
    judged: list[tuple[str, float]] = []
    for count, file in enumerate(unique.values(), 1):
        score = models.screen(card.id, file.getvalue(), file.name).score
        progress.progress(
            count / len(unique),
            tr("{count} of {unique} scans judged").format(count=count, unique=len(unique)),
        )
        if score is not None:
            judged.append((file.name, score))
    patients = patients_of([name for name, _ in judged])
    number = {name: str(place) for place, name in enumerate(dict.fromkeys(patients))}  # no name stays
    scans = [
        LocalScan(abnormal, score, number[patient])
        for (_, score), patient in zip(judged, patients, strict=True)
    ]
    return Drop(tuple(scans), len(unique) - len(scans))


def _known(card: Card) -> dict[bool, Drop]:
    """What was dropped last, by whether it is abnormal."""
    known: dict[bool, Drop] = st.session_state.setdefault("local", {}).setdefault(card.version, {})
    return known
