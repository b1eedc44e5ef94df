"""The cases a model got wrong, worst first, with room for a note."""

import base64
import html
from collections.abc import Sequence

import numpy as np
import streamlit as st

from core import overlay
from core.card_types import Card
from core.reading import images
from core.types import Scan, is_abnormal
from pages.shared import language, sentences, thumbnails, wording
from pages.shared.caches import heatmaps
from pages.shared.language import tr
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views.screening import listing
from pages.shared.views.screening.judging import WorklistRow

PICTURE_SIDE = 512  # pixels, at most
SHOWN = 12  # panels on the page; the export holds the same


def show(card: Card, rows: Sequence[WorklistRow], threshold: DecisionThreshold) -> None:
    """False alarms and missed cases as panels, the most confident errors first.

    card: the one that judged.
    rows: labelled scans with their scores.
    threshold: the one in use for the card.
    """
    wrong = [row for row in rows if row.score is not None and _is_wrong(card, row, threshold)]
    wrong.sort(key=lambda row: -abs((row.score or 0.0) - threshold.value))
    if not wrong:
        st.info(
            tr("None of the {rows} labelled scans is misread at threshold {value:.3f}.").format(
                rows=len(rows), value=threshold.value
            )
        )
        return
    st.write(
        tr("{wrong} of {rows} labelled scans are misread at threshold {value:.3f}.").format(
            wrong=len(wrong), rows=len(rows), value=threshold.value
        )
    )
    panels: list[tuple[str, bytes, str]] = []
    columns = st.columns(3)
    for place, row in enumerate(wrong[:SHOWN]):
        with columns[place % 3]:
            picture, line = _picture(card, row), _caption(card, row, threshold)
            st.image(picture, width="stretch", alt=line)
            st.caption(wording.escape_markdown(f"{row.name}: {line}"))
            panels.append((f"{row.name}: {line}", picture, listing.note(row, key="misread-note")))
    if len(wrong) > SHOWN:
        st.caption(tr("The {count} most confident errors are shown.").format(count=SHOWN))
    st.download_button(tr("Export as HTML"), as_page(card, panels), "misread.html", "text/html")


def _is_wrong(card: Card, row: WorklistRow, threshold: DecisionThreshold) -> bool:
    called = row.score is not None and is_abnormal(row.score, threshold.value)
    return called != (row.label != card.labels[0])


def _caption(card: Card, row: WorklistRow, threshold: DecisionThreshold) -> str:
    kind = tr("false alarm") if row.label == card.labels[0] else tr("missed case")
    score = row.score or 0.0
    return tr("{kind}, truly {label}, score {score:.3f}, {apart:.3f} from the threshold").format(
        kind=kind, label=tr(str(row.label)), score=score, apart=abs(score - threshold.value)
    )


def _picture(card: Card, row: WorklistRow) -> bytes:
    """The film, with its heat where the card has any, as PNG bytes."""
    scan: Scan = images.read(row.file.data, row.name)
    drawn = heatmaps.heatmap(card.id, scan.digest, card.labels[-1], _scan=scan)
    heat, scale = drawn or (np.zeros_like(scan.pixels), 1.0)
    return thumbnails.of_picture(overlay.blend(scan.pixels, heat, scale=scale), PICTURE_SIDE)


def as_page(card: Card, panels: Sequence[tuple[str, bytes, str]]) -> str:
    """One self-contained HTML page: caption, picture and note of each panel."""
    figures = "".join(
        f'<figure><img alt="" src="data:image/png;base64,{base64.b64encode(picture).decode()}">'
        f"<figcaption>{html.escape(line)}<br><em>{html.escape(note)}</em></figcaption></figure>"
        for line, picture, note in panels
    )
    return (
        f'<!doctype html><html lang="{language.current()}"><meta charset="utf-8">'
        f"<title>{tr('Misread scans')}</title>"
        "<style>body{font-family:system-ui;margin:2rem;max-width:70rem}figure{display:inline-block;"
        "width:20rem;margin:0 1rem 1.5rem 0;vertical-align:top}img{width:100%}</style>"
        f"<h1>{tr('Misread by {model}').format(model=html.escape(card.title))}</h1>"
        f"<p>{tr(sentences.DISCLAIMER)} {html.escape(card.id)}, {card.sha256[:12]}.</p>"
        f"{figures}"
    )
