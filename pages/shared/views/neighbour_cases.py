"""The nearest known cases: verdicts, tables and pictures."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import streamlit as st

from core.card_types import Card
from core.types import Prediction, Scan, is_abnormal
from pages.shared import sentences, wording
from pages.shared.caches import models, neighbours
from pages.shared.components.scan_viewer import scan_viewer
from pages.shared.language import tr
from pages.shared.session import reading
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views import charts
from pages.shared.wording import escape_markdown

if TYPE_CHECKING:
    from core.neighbours import Index, Vote

PICTURED = 6  # cases shown as pictures; the tables hold all
OUTSIDE_THE_MAP = 0.99  # of validation scans have a case nearer, from which on a scan lies outside the map
THREE = st.column_config.NumberColumn(format="%.3f")
SHARE = st.column_config.NumberColumn(format="%.1f%%")


def pick_card_with_map(card: Card) -> Card | None:
    """The card whose cases are shown, None without any. Tells the reader when it is not the chosen one."""
    found = neighbours.card_with_index(card)
    if found is None:
        st.info(
            tr(
                "No model for {task} has a map of its training scans. "
                "Choose another task, or make a map with: python -m train.index --data DATA --card {id}"
            ).format(task=wording.task(card.task), id=card.id)
        )
    elif found.id != card.id:
        st.caption(
            tr("{title} has no map: shown are the map and the verdict of {other}.").format(
                title=card.title, other=found.title
            )
        )
    return found


def data_folder() -> str:
    """Where the public data sets lie on the machine that runs the app; empty when none is set."""
    return os.environ.get("OPACITY_DATA", "")


def show_answer(card: Card, threshold: DecisionThreshold, scan: Scan | None, folder: str) -> str:
    """Beside the map: the verdicts and the nearest cases.

    card: the one whose cases are drawn.
    threshold: the one in use for it.
    scan: the one on screen, if any.
    folder: of the public data sets, empty without one.
    Returns the digest of the scan to draw, if any.
    """
    if scan is None:
        st.info(wording.invitation(card.modality))
        return ""
    if refusal := models.refusal(card.id, scan.digest, _scan=scan):
        reading.show_refusal(card, scan, refusal)
        return ""
    prediction = models.prediction(card.id, scan.digest, _scan=scan)
    reading.record(card, scan, score=prediction.score, threshold=threshold.value)
    vote, _ = neighbours.vote_and_places(card.id, scan.digest, _scan=scan)
    show_verdicts(card, prediction, threshold, vote)
    show_nearest(card, neighbours.index(card.id), vote, folder)
    return scan.digest


def show_verdicts(card: Card, prediction: Prediction, threshold: DecisionThreshold, vote: Vote) -> None:
    """What the neighbours say, what the network says, and whether they agree.

    card: the one whose cases vote.
    prediction: of its network.
    threshold: the one in use for the network.
    vote: of the neighbours.
    """
    from core.neighbours import known_cases  # brings torch, loaded by now

    known = known_cases(card)
    own = DecisionThreshold(known.threshold)
    number = len(vote.neighbours.rows)
    _show_verdict(tr("By its neighbours"), card, vote.score, own, vote.shares)
    st.html(
        '<p class="opacity-line">'
        + tr("{share:.2f} of the votes of the {number} nearest, threshold {threshold:.2f}").format(
            share=vote.score, number=number, threshold=own.value
        )
        + "</p>"
    )
    _show_verdict(tr("By the network"), card, prediction.score, threshold, prediction.probabilities)
    told = wording.score_and_threshold(prediction.score, DecisionThreshold(threshold.value))
    st.html(f'<p class="opacity-line">{told}</p>')
    usual = tr("{agreement:.0f}% of validation scans").format(agreement=100 * known.agreement)
    words = [
        wording.verdict(card, vote.score, own, vote.shares),
        wording.verdict(card, prediction.score, threshold, prediction.probabilities),
    ]
    if words[0] == words[1]:
        st.caption(tr("Both agree. On normal against abnormal they do on {usual}.").format(usual=usual))
    else:
        st.warning(
            tr(
                "They disagree. By the neighbours: {vote}. By the network: {network}. "
                "They agree on {usual}: look twice at this one."
            ).format(vote=words[0], network=words[1], usual=usual)
        )


def _show_verdict(
    source: str, card: Card, score: float, threshold: DecisionThreshold, shares: Mapping[str, float]
) -> None:
    colour = charts.shade(charts.ABNORMAL if is_abnormal(score, threshold.value) else charts.NORMAL)
    st.html(
        f'<p class="opacity-line">{source}</p>'
        f'<p class="opacity-verdict" style="color: {colour}" role="status">'
        f"{wording.verdict(card, score, threshold, shares)}</p>"
    )


def show_nearest(card: Card, index: Index, vote: Vote, folder: str) -> None:
    """The cases that vote, the nearest first, as pictures beside the scan where they may be shown.

    card: the one whose cases they are.
    index: its known cases.
    vote: of the neighbours.
    folder: of the public data sets, empty without one.
    """
    rows = vote.neighbours.rows.tolist()
    st.subheader(tr("Nearest cases"))
    nearer = neighbours.share_with_nearer_case(card.id, float(vote.neighbours.similarity[0]))
    if nearer >= OUTSIDE_THE_MAP:
        st.warning(
            tr(
                "Unlike any known case: {percent} of validation scans have a nearer one. "
                "Its place on the map and the vote are unreliable."
            ).format(percent=wording.percent(nearer))
        )
    if vote.itself is not None:
        name = escape_markdown(_short(index, vote.itself))
        st.caption(
            tr("This file is itself a known case, {name}, {label}: it has no vote here.").format(
                name=name, label=tr(str(index.label[vote.itself]))
            )
        )
    _show_pictures(card, index, rows, folder, opens=True)
    st.dataframe(
        [
            {
                tr("true label"): tr(str(index.label[row])),
                tr("similarity"): near,
                tr("vote"): 100 * weight,
                tr("case"): _short(index, row),
            }
            for row, near, weight in zip(
                rows, vote.neighbours.similarity.tolist(), vote.weights.tolist(), strict=True
            )
        ],
        hide_index=True,
        height=300,
        column_config={tr("similarity"): THREE, tr("vote"): SHARE},
    )


def show_marked(card: Card, index: Index, rows: Sequence[int], folder: str) -> None:
    """The cases that a person marked on the map: their mix of classes, and the list.

    card: the one whose cases they are.
    index: its known cases.
    rows: the marked ones.
    folder: of the public data sets, empty without one.
    """
    counts = Counter(str(index.label[row]) for row in rows)
    mix = ", ".join(f"{counts[name]} {tr(name)} ({counts[name] / len(rows):.0%})" for name in card.labels)
    st.subheader(tr("Marked cases"))
    st.write(
        tr("{rows} of {known} known cases: {mix}.").format(rows=len(rows), known=len(index.case), mix=mix)
    )
    st.dataframe(
        [
            {
                tr("true label"): tr(str(index.label[row])),
                tr("network's score"): 1 - float(index.probabilities[row, 0]),
                tr("split"): tr(str(index.split[row])),
                tr("case"): _short(index, row),
            }
            for row in rows
        ],
        hide_index=True,
        height=300,
        column_config={tr("network's score"): THREE},
    )
    _show_pictures(card, index, rows, folder)


def _show_pictures(
    card: Card, index: Index, rows: Sequence[int], folder: str, *, opens: bool = False
) -> None:
    """The first cases as pictures to click on; the one that was clicked opens beside the scan.

    card: the one whose cases they are.
    index: its known cases.
    rows: the cases, in their order.
    folder: of the public data sets, empty without one.
    opens: whether there is a scan to open them beside.
    """
    if not folder:
        return
    found = {row: neighbours.picture(folder, *_file(index, row)) for row in rows[:PICTURED]}
    shown = {row: picture for row, picture in found.items() if picture is not None}
    if not shown:
        st.caption(tr(sentences.NO_PICTURES))
        return
    with st.container(horizontal=True, gap="small", key=f"samples-cases-{opens}"):
        for row, picture in shown.items():
            label = f"![]({picture}) **{tr(str(index.label[row]))}** {escape_markdown(_short(index, row))}"
            if st.button(label, key=f"case-{opens}-{row}", type="tertiary", disabled=not opens):
                st.session_state["case-open"] = (card.id, row)


def show_beside(card: Card, scan: Scan, folder: str) -> None:
    """The scan and the case that was clicked, each in a viewer of its own; nothing before a click.

    card: the one whose cases they are.
    scan: the one on screen.
    folder: of the public data sets.
    """
    owner, row = st.session_state.get("case-open", ("", 0))
    if owner != card.id or not folder:
        return
    index = neighbours.index(card.id)
    case = neighbours.case(folder, *_file(index, row))
    if case is None:
        return
    name = f"{_short(index, row)}, {tr(str(index.label[row]))}"
    pairs = ((tr("This scan"), scan), (name, case))
    for place, (title, shown) in zip(st.columns(2), pairs, strict=True):
        with place:
            st.caption(escape_markdown(title))
            scan_viewer(shown.pixels, key=f"case-{shown is scan}", alt=title, height=440)


def _file(index: Index, row: int) -> tuple[str, int]:
    return str(index.path[row]), int(index.digest[row])


def _short(index: Index, row: int) -> str:
    """The case's file, without its folders and its ending."""
    return PurePosixPath(str(index.case[row])).stem
