"""What was found on the scan on screen, to be taken away: a page as PDF, and a link."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

import streamlit as st

from core import overlay
from core.card_types import Card
from core.types import Scan
from pages.shared import sentences, wording
from pages.shared.caches import models
from pages.shared.components.copy_link import copy_link
from pages.shared.components.scan_viewer import Layer
from pages.shared.session import clinic, reading
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views import operating_points, sample_strip
from pages.shared.views.clinic import likelihood

MEANING: Final = "What it means"


def offer(
    card: Card,
    scan: Scan,
    layers: Sequence[Layer],
    *,
    score: float,
    threshold: DecisionThreshold,
    probabilities: Mapping[str, float] = wording.NO_PROBABILITIES,
) -> None:
    """A note, the page as PDF, and a link to what is on screen.

    card: the one that judged.
    scan: the one on screen.
    layers: of the viewer; the first heat among them goes onto the page.
    score: the scan's.
    threshold: the one in use for the card.
    probabilities: by label, where a classifier gave them.
    """
    st.subheader("Report")
    with st.expander("Note and file name"):
        note = _note(scan)
        named = st.toggle("Name the file on it", value=True, key="report-name", help=sentences.REPORT_NAME)
    facts = {
        **({"File": scan.name} if named else {}),
        **_judged(card, scan, score, threshold),
        **({"Reader's note": note} if note else {}),
    }
    title = wording.verdict(card, score, threshold, probabilities)
    paper, link = st.columns(2)
    paper.download_button(
        "PDF",
        partial(_pdf, title, facts, card, score, clinic.held(), scan, layers),  # made when it is asked for
        file_name=f"report-{scan.digest[:8]}.pdf",
        mime="application/pdf",
        on_click="ignore",
        width="stretch",
    )
    with link:
        copy_link(key="copy-link", label="Copy link", done="Copied")
    _offer_capture(card, scan, layers, title)
    if sample_strip.sample_of(scan) is None:
        st.caption(sentences.LINK_WITHOUT_FILM)


def _offer_capture(card: Card, scan: Scan, layers: Sequence[Layer], title: str) -> None:
    """For the archive that a DICOM file came from: the film with its heat, in the same study.

    card: the one that judged.
    scan: the one on screen.
    layers: of the viewer.
    title: the verdict.
    """
    from core.reading import header  # brings pydicom, which a page loads last

    file = reading.file_of(scan)
    if file is None or header.whole_file(file[0]) is None:
        return
    keep = st.checkbox("With the patient's tags", key=f"keep-tags-{scan.digest}", help=sentences.KEEP_PATIENT)
    st.download_button(
        "DICOM Secondary Capture",
        partial(_capture, *file, scan, layers, title, card, keep),
        file_name=f"verdict-{scan.digest[:8]}.dcm",
        mime="application/dicom",
        on_click="ignore",
        width="stretch",
    )


def _note(scan: Scan) -> str:
    """Kept with the scan, and forgotten with it."""
    notes: dict[str, str] = st.session_state.setdefault("notes", {})
    key = f"note-{scan.digest}"
    st.text_area(
        "Reader's note",
        notes.get(scan.digest, ""),
        max_chars=1000,
        key=key,
        on_change=lambda: notes.update({scan.digest: st.session_state[key]}),
    )
    note = notes.get(scan.digest, "")
    if note.encode("cp1252", "ignore").decode("cp1252") != note:
        st.caption(sentences.LATIN_ONLY)
    return note


def _judged(card: Card, scan: Scan, score: float, threshold: DecisionThreshold) -> dict[str, str]:
    """Sentences by heading: what the verdict rests on. Nothing in it is about the patient."""
    report = card.report["test"]
    lower = wording.percent(models.percentile(card.id, score))
    band = "" if threshold.upper is None else f" Referred from there up to {threshold.upper:.3f}."
    refused, _ = models.gate(card.id, scan.digest, _scan=scan)
    return {
        "Score": f"{score:.3f}, higher than {lower} of {report.n - report.abnormal} normal test scans.",
        "Threshold": f"{threshold.value:.3f}, {operating_points.origin(card, threshold)}.{band}",
        MEANING: likelihood.meaning(card, score, clinic.current().prevalence),
        "Model": f"{card.title} ({card.id}), weights {card.sha256[:12]}, code {card.commit}. "
        f"{wording.auc(report)}.",
        "Learned from": f"{card.data['name']}. {card.intended_use}",
        "Input check": sentences.READ_ANYWAY.format(refused) if refused else sentences.PASSED,
        "Scan": f"sha256 {scan.digest[:12]}. " + " ".join(scan.notes),
    }


def _heat(layers: Sequence[Layer]) -> Layer | None:
    """The map on top, if there is one."""
    return next((layer for layer in layers if layer.kind == "heat"), None)


def _blended(scan: Scan, heat: Layer | None) -> overlay.RGB:
    return overlay.blend(scan.pixels, heat.values, scale=heat.scale) if heat else overlay.grey(scan.pixels)


def _pdf(
    title: str,
    facts: Mapping[str, str],
    card: Card,
    score: float,
    place: Sequence[clinic.Clinic],
    scan: Scan,
    layers: Sequence[Layer],
) -> bytes:
    """The page as it is on screen now.

    title: the verdict.
    facts: sentences by heading, as of the page's last run.
    card: the one that judged.
    score: the scan's.
    place: where it is used, as chosen since: the dial runs without the rest of the page.
    scan: the one on screen.
    layers: of the viewer.
    """
    from core.export import report  # brings torch, loaded by now

    pictures = [report.Picture(overlay.grey(scan.pixels), "The scan")]
    if heat := _heat(layers):
        ends = heat.zero or "no influence", f"{heat.scale:.3g} {heat.unit} or more"
        pictures.append(report.Picture(_blended(scan, heat), f"{heat.name}. {heat.caption}", ends))
    facts = {**facts, MEANING: likelihood.meaning(card, score, place[0].prevalence)}
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return report.pdf(report.Report(title, facts, f"{sentences.DISCLAIMER} Made {made}.", pictures))


def _capture(
    data: bytes, name: str, scan: Scan, layers: Sequence[Layer], title: str, card: Card, keep: bool
) -> bytes:
    from core.export import capture  # brings highdicom, which takes a second to load

    rgb = _blended(scan, _heat(layers))
    return capture.secondary_capture(data, name, rgb, title, card, keep_patient=keep)
