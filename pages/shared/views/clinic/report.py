"""What was found on the scan on screen, to be taken away: a page as PDF, and a link."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core import overlay
from core.card_types import Card, SegmenterCard
from core.types import Scan, is_abnormal
from pages.shared import sentences, wording
from pages.shared.caches import models
from pages.shared.components.copy_link import copy_link
from pages.shared.components.scan_viewer import Layer
from pages.shared.language import Translator, tr, translator
from pages.shared.session import reading
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views import operating_points, sample_strip
from pages.shared.views.clinic import likelihood

if TYPE_CHECKING:
    from core.anatomy.outlines import Outline


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict in words, and what it rests on."""

    words: str
    score: float
    threshold: DecisionThreshold

    @property
    def code(self) -> str:
        """The verdict's kind alone."""
        if not is_abnormal(self.score, self.threshold.value):
            return "below threshold"
        return "refer" if self.score < (self.threshold.upper or -math.inf) else "suspicious"


def offer(
    card: Card,
    scan: Scan,
    layers: Sequence[Layer],
    *,
    score: float,
    threshold: DecisionThreshold,
    probabilities: Mapping[str, float] = wording.NO_PROBABILITIES,
    outlined: tuple[Outline, SegmenterCard] | None = None,
) -> None:
    """A note, the page as PDF, and a link to what is on screen.

    card: the one that judged.
    scan: the one on screen.
    layers: of the viewer; the first heat among them goes onto the page.
    score: the scan's.
    threshold: the one in use for the card.
    probabilities: by label, where a classifier gave them.
    outlined: what is outlined on the scan, and by which card.
    """
    st.subheader(tr("Report"))
    with st.expander(tr("Note and file name")):
        note = _note(scan)
        named = st.toggle(
            tr("Name the file on it"), value=True, key="report-name", help=tr(sentences.REPORT_NAME)
        )
    facts = {
        **({tr("File"): scan.name} if named else {}),
        **_judged(card, scan, score, threshold),
        **({tr("Reader's note"): note} if note else {}),
    }
    title = wording.verdict(card, score, threshold, probabilities)
    paper, link = st.columns(2)
    paper.download_button(
        "PDF",
        # made when it is asked for
        partial(_pdf, title, facts, likelihood.meaning(card, score), scan, layers, translator()),
        file_name=f"report-{scan.digest[:8]}.pdf",
        mime="application/pdf",
        on_click="ignore",
        width="stretch",
    )
    with link:
        copy_link(key="copy-link", label=tr("Copy link"), done=tr("Copied"))
    _offer_dicom(card, scan, layers, Said(title, score, threshold), outlined)
    if sample_strip.sample_of(scan) is None:
        st.caption(tr(sentences.LINK_WITHOUT_FILM))


def _offer_dicom(
    card: Card,
    scan: Scan,
    layers: Sequence[Layer],
    said: Said,
    outlined: tuple[Outline, SegmenterCard] | None,
) -> None:
    """For the archive that a DICOM file came from, in its study: the film with its heat, and the figures.

    card: the one that judged.
    scan: the one on screen.
    layers: of the viewer.
    said: the verdict.
    outlined: what is outlined on the scan, and by which card.
    """
    from core.reading import header  # brings pydicom, which a page loads last

    file = reading.file_of(scan)
    if file is None or header.whole_file(file[0]) is None:
        return
    keep = st.checkbox(
        tr("With the patient's tags"), key=f"keep-tags-{scan.digest}", help=tr(sentences.KEEP_PATIENT)
    )
    files = {
        "DICOM Secondary Capture": partial(_capture, *file, scan, layers, said, card, keep),
        "DICOM Structured Report": partial(_structured, *file, said, card, outlined, keep),
    }
    for name, make in files.items():
        st.download_button(
            name,
            make,
            file_name=f"{name.rpartition(' ')[2].lower()}-{scan.digest[:8]}.dcm",
            mime="application/dicom",
            on_click="ignore",
            width="stretch",
        )


def _note(scan: Scan) -> str:
    """Kept with the scan, and forgotten with it."""
    notes: dict[str, str] = st.session_state.setdefault("notes", {})
    key = f"note-{scan.digest}"
    st.text_area(
        tr("Reader's note"),
        notes.get(scan.digest, ""),
        max_chars=1000,
        key=key,
        on_change=lambda: notes.update({scan.digest: st.session_state[key]}),
    )
    note = notes.get(scan.digest, "")
    if note.encode("cp1252", "ignore").decode("cp1252") != note:
        st.caption(tr(sentences.LATIN_ONLY))
    return note


def _judged(card: Card, scan: Scan, score: float, threshold: DecisionThreshold) -> dict[str, str]:
    """Sentences by heading: what the verdict rests on. Nothing in it is about the patient."""
    report = card.report["test"]
    lower = wording.percent(models.percentile(card.id, score))
    band = (
        ""
        if threshold.upper is None
        else tr(" Referred from there up to {upper:.3f}.").format(upper=threshold.upper)
    )
    refused, _ = models.gate(card.id, scan.digest, _scan=scan)
    return {
        tr("Score"): tr("{score:.3f}, higher than {lower} of {n} normal test scans.").format(
            score=score, lower=lower, n=report.n - report.abnormal
        ),
        tr("Threshold"): f"{threshold.value:.3f}, {operating_points.origin(card, threshold)}.{band}",
        **likelihood.meaning(card, score),
        tr("Model"): tr("{title} ({id}), weights {sha256}, code {commit}. {auc}.").format(
            title=card.title, id=card.id, sha256=card.sha256[:12], commit=card.commit, auc=wording.auc(report)
        ),
        tr("Learned from"): f"{card.data['name']}. {card.intended_use}",
        tr("Input check"): tr(sentences.READ_ANYWAY).format(refused) if refused else tr(sentences.PASSED),
        tr("Scan"): tr("sha256 {digest}. ").format(digest=scan.digest[:12]) + " ".join(scan.notes),
    }


def _heat(layers: Sequence[Layer]) -> Layer | None:
    """The map on top, if there is one."""
    return next((layer for layer in layers if layer.kind == "heat"), None)


def _blended(scan: Scan, heat: Layer | None) -> overlay.RGB:
    return overlay.blend(scan.pixels, heat.values, scale=heat.scale) if heat else overlay.grey(scan.pixels)


def _pdf(
    title: str,
    facts: Mapping[str, str],
    meaning: Mapping[str, str],
    scan: Scan,
    layers: Sequence[Layer],
    tr: Translator,
) -> bytes:
    """The page as it is on screen now.

    title: the verdict.
    facts: sentences by heading, as of the page's last run.
    meaning: one of them, which has followed the dial since.
    scan: the one on screen.
    layers: of the viewer.
    tr: into the session's language.
    """
    from core.export import report  # brings torch, loaded by now

    pictures = [report.Picture(overlay.grey(scan.pixels), tr("The scan"))]
    if heat := _heat(layers):
        ends = (
            heat.zero or tr("no influence"),
            tr("{scale:.3g} {unit} or more").format(scale=heat.scale, unit=heat.unit),
        )
        pictures.append(report.Picture(_blended(scan, heat), f"{heat.name}. {heat.caption}", ends))
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return report.pdf(
        report.Report(
            title,
            {**facts, **meaning},
            tr("{disclaimer} Made {made}.").format(disclaimer=tr(sentences.DISCLAIMER), made=made),
            pictures,
        ),
        tr,
    )


def _capture(
    data: bytes, name: str, scan: Scan, layers: Sequence[Layer], said: Said, card: Card, keep: bool
) -> bytes:
    from core.export import capture  # brings highdicom, which takes a second to load

    rgb = _blended(scan, _heat(layers))
    return capture.secondary_capture(data, name, rgb, said.words, card, keep_patient=keep)


def _structured(
    data: bytes,
    name: str,
    said: Said,
    card: Card,
    outlined: tuple[Outline, SegmenterCard] | None,
    keep: bool,
) -> bytes:
    from core.export import structured_report as report

    found = report.Found(said.code, said.words, said.score, said.threshold.value)
    return report.structured_report(data, name, found, card, outlined=outlined, keep_patient=keep)
