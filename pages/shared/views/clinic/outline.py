"""Found, named, outlined: where the lesion is, how large, on which side, and files to take away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from core.card_types import Card, SegmenterCard
from core.errors import CardError
from core.names import BRAIN_MRI
from core.types import Prediction, Scan, is_abnormal
from pages.shared import map_wording, sentences, wording
from pages.shared.caches import heatmaps, models, outlines
from pages.shared.components.scan_viewer import Layer
from pages.shared.language import tr
from pages.shared.session import reading
from pages.shared.session.thresholds import DecisionThreshold

if TYPE_CHECKING:
    from core.anatomy.outlines import Outline


ALWAYS: Final = "outline-always"  # in the session once a person chose to use the outline
PROBABILITY: Final = "probability"  # the row of a card's localisation that `python -m train.where` writes


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """For viewer and report. layers: probabilities that find disease. outlined: with its card."""

    layers: tuple[Layer, ...] = ()
    outlined: tuple[Outline, SegmenterCard] | None = None

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """(H, W), None without an outline."""
        return None if self.outlined is None else self.outlined[0].mask


NOTHING: Final = Marks()


def show(card: Card, scan: Scan, prediction: Prediction, threshold: DecisionThreshold) -> Marks:
    """The outline's area and side, and its files; returns what the viewer draws of it.

    card: the one that judged.
    scan: the one on screen.
    prediction: of that card.
    threshold: the one in use; from there on a lesion is outlined unasked.
    """
    outliner = next((each for each in outlines.offered() if each.modality == card.modality), None)
    if outliner is None:
        return NOTHING
    st.subheader(tr("Outline"))
    abnormal = is_abnormal(prediction.score, threshold.value)
    opens = abnormal or st.session_state.get(ALWAYS, False)
    wanted = st.toggle(
        tr("Outline it"),
        value=opens,
        key=f"outline-{scan.digest}-{opens}",
        help=outliner.intended_use,
    )
    if card.modality == BRAIN_MRI:
        _show_chain(card, scan, prediction, abnormal)
    if not wanted:
        return NOTHING
    try:
        found = outlines.outline(outliner.id, outliner.sha256, scan.digest, _scan=scan)
    except CardError as fault:
        st.error(wording.escape_markdown(str(fault)))
        return NOTHING
    from core.anatomy.outlines import in_words

    st.write(in_words(found, tr))
    st.caption(wording.outlined_how_well(outliner))
    useful = outlines.worth(outliner.id, outliner.sha256, PROBABILITY) == "useful"
    if useful:
        st.write(map_wording.found_outlines(outliner.localisation, PROBABILITY))
    if found.marks:
        _offer_files(outliner, scan, found)
    return Marks((_layer(outliner, found),) if useful else (), (found, outliner))


def among(marks: Marks, maps: list[Layer], card: Card) -> list[Layer]:
    """All that the viewer may lay over the scan, the one to open with first.

    marks: of the card that outlines.
    maps: of the card that judged; they go first where they find disease themselves.
    card: the one that judged.
    """
    best = heatmaps.best_explainer(card.id)
    own = best is not None and heatmaps.worth(card.id, best) == "useful"
    return [*maps, *marks.layers] if own else [*marks.layers, *maps]


def _layer(outliner: SegmenterCard, found: Outline) -> Layer:
    """How probably each place is lesion, in the viewer."""
    return Layer(
        tr(sentences.PROBABILITY).format(tr(outliner.labels[-1])),
        found.probability,
        scale=1.0,
        unit=tr("(certain)"),
        zero=tr("none"),
        caption=tr(sentences.NOT_THE_VERDICTS),
    )


def _show_chain(card: Card, scan: Scan, prediction: Prediction, abnormal: bool) -> None:
    """Before the outline: unlike normal, when somebody asks, and the type."""
    detector = next((each for each in models.offered("detector") if each.modality == card.modality), None)
    if detector is not None:
        asked = st.button(tr("Is it unlike normal?"), key="unlike-normal", help=wording.title(detector))
        if asked or st.session_state.get("unlike-normal-of") == scan.digest:
            st.session_state["unlike-normal-of"] = scan.digest
            result = models.anomaly(detector.id, scan.digest, _scan=scan)
            st.write(tr("Unlike normal: yes.") if result.verdict == "abnormal" else tr("Unlike normal: no."))
    kind = wording.finding(card, prediction.probabilities) if abnormal else tr("none")
    st.write(tr("Type: {kind}.").format(kind=kind))


def _offer_files(outliner: SegmenterCard, scan: Scan, found: Outline) -> None:
    """The mask as PNG and, of a DICOM file, as DICOM SEG; each is made when it is asked for."""
    from core.reading import header  # brings pydicom, which a page loads last

    st.download_button(
        tr("Mask (PNG)"),
        partial(_png, found.mask),
        file_name=f"outline-{scan.digest[:8]}.png",
        mime="image/png",
        on_click="ignore",
    )
    file = reading.file_of(scan)
    if file is None or scan.frames > 1 or scan.cropped or header.whole_file(file[0]) is None:
        return
    keep = st.checkbox(
        tr("With the patient's tags"), key=f"keep-patient-{scan.digest}", help=tr(sentences.KEEP_PATIENT)
    )
    st.download_button(
        "DICOM SEG",
        partial(_seg, *file, found, outliner, keep),
        file_name=f"outline-{scan.digest[:8]}.dcm",
        mime="application/dicom",
        on_click="ignore",
    )


def _png(mask: NDArray[np.bool_]) -> bytes:
    file = BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(file, format="PNG")
    return file.getvalue()


def _seg(data: bytes, name: str, found: Outline, outliner: SegmenterCard, keep: bool) -> bytes:
    from core.export import segmentation  # brings highdicom, which takes a second to load

    return segmentation.dicom_seg(data, name, found, outliner, keep_patient=keep)
