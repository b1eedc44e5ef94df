"""Sample scans for who has none at hand: a strip of pictures, one click each."""

import hashlib
import html
from collections.abc import Sequence
from itertools import zip_longest

import streamlit as st

from core.errors import OpacityError
from core.samples import Sample, named
from core.types import Scan
from pages.shared import sentences, wording
from pages.shared.caches import samples
from pages.shared.language import tr
from pages.shared.session import deep_link, reading
from pages.shared.wording import escape_markdown

SHOWN = 6  # synthetic pictures in a strip
DICOM = ".dcm"


def of_modality(modality: str) -> list[Sample]:
    """Every sample of the modality."""
    known, _ = samples.found()
    return [sample for sample in known if sample.modality == modality]


def selection(modality: str) -> list[Sample]:
    """The first ones of each condition in turn, every film that is no picture file, and the public one."""
    suitable = [sample for sample in of_modality(modality) if not sample.hard]
    groups: dict[str, list[Sample]] = {}
    for sample in suitable:
        if sample.synthetic and sample.path.suffix != DICOM:
            groups.setdefault(sample.condition, []).append(sample)
    in_turn = [sample for turn in zip_longest(*groups.values()) for sample in turn if sample is not None]
    return in_turn[:SHOWN] + [sample for sample in suitable if sample.path.suffix == DICOM]


def one_of_each() -> list[Sample]:
    """For the first screen: one of each kind and condition, films that are no picture files, and of the hard
    ones the first and the last."""
    known, _ = samples.found()
    first: dict[tuple[str, str, bool], Sample] = {}
    for sample in known:
        if not sample.hard:
            first.setdefault((sample.modality, sample.condition, sample.path.suffix == DICOM), sample)
    made_hard = [sample for sample in known if sample.hard]
    return [*first.values(), *dict.fromkeys((*made_hard[:1], *made_hard[-1:]))]


def hard(modality: str) -> list[Sample]:
    """Those that no classifier was asked about."""
    return [sample for sample in of_modality(modality) if sample.hard]


def strip(few: Sequence[Sample], key: str) -> Sample | None:
    """A few samples as pictures to click on; the one that was clicked."""
    clicked: Sample | None = None
    with st.container(horizontal=True, key=f"samples-{key}"):
        for sample, picture in _with_thumbnails(few):
            label = f"![]({picture}) **{_mark(sample)}** {_origin(sample)}"
            if st.button(label, key=f"{key}-{sample.path.name}", type="tertiary"):
                clicked = sample
    return clicked


def show(few: Sequence[Sample]) -> None:
    """The same pictures, with nothing to click on."""
    figures = (
        f'<figure><img src="{picture}" alt=""><figcaption><strong>{_mark(sample)}</strong> '
        f"{html.escape(_origin(sample))}</figcaption></figure>"
        for sample, picture in _with_thumbnails(few)
    )
    st.html(f'<div class="opacity-samples">{"".join(figures)}</div>')


def _with_thumbnails(few: Sequence[Sample]) -> list[tuple[Sample, str]]:
    """Each sample with the address of its thumbnail; a file that differs from the list is reported, "
    "left out."""
    _, fault = samples.found()
    faults = [fault] if fault else []
    shown: list[tuple[Sample, str]] = []
    for sample in few:
        try:
            shown.append((sample, samples.thumbnail(sample)))
        except OpacityError as problem:
            faults.append(str(problem))
    for fault in faults:
        st.error(escape_markdown(fault))
    return shown


def _mark(sample: Sample) -> str:
    kind = tr("Synthetic") if sample.synthetic else tr("Real")
    return f"{kind}, DICOM" if sample.path.suffix == DICOM else kind


def _origin(sample: Sample) -> str:
    return (
        tr("made as: {condition}").format(condition=tr(sample.hard or sample.condition))
        if sample.synthetic
        else tr("a public film")
    )


def linked() -> Sample | None:
    """The sample that the address asks for. Raises UnknownName."""
    name = deep_link.sample()
    return named(name, samples.found()[0]) if name else None


def sample_of(scan: Scan | None) -> Sample | None:
    """The sample that a scan was read from, even if it was saved and uploaded again, or windowed anew."""
    if scan is None:
        return None
    sent: Scan = st.session_state.get("sent", {}).get(scan.digest, scan)
    file = reading.file_of(sent)
    digests = {sent.digest, hashlib.sha256(file[0]).hexdigest() if file else ""}
    known, _ = samples.found()
    return next((one for one in known if one.sha256 in digests), None)


def show_mark(sample: Sample, *, others: bool = True) -> Sample | None:
    """Above every result: that this is a sample, and others to go on with; the one that was clicked.

    sample: the one on screen.
    others: whether to offer them.
    """
    mark, words = map(tr, sentences.PUBLIC_FILM)
    if sample.synthetic:
        mark, told = map(tr, sentences.SYNTHETIC_SAMPLE)
        words = told.format(html.escape(tr(sample.hard or sample.condition)))
    with st.container(horizontal=True, vertical_alignment="center", key="sample-mark"):
        st.html(f'<p class="opacity-line"><span class="opacity-mark">{mark}</span> {words}</p>')
        if not others:
            return None
        # a name of its own for each sample, so that the next one does not find it open
        with st.popover(tr("Other samples"), key=f"others-{sample.sha256}", on_change="rerun") as opened:
            return _others(sample) if opened.open else None


def _others(sample: Sample) -> Sample | None:
    """Strips of every modality, the sample's own first; the one that was clicked."""
    clicked: Sample | None = None
    known, _ = samples.found()
    for modality in dict.fromkeys((sample.modality, *(one.modality for one in known))):
        st.caption(wording.plural(modality))
        few = selection(modality) + hard(modality)
        clicked = strip(few, f"other-{modality.split()[0]}") or clicked
    return clicked
