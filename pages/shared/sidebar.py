"""What a person chooses: scans, a model, a threshold. Chosen once, kept on every page of the session."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core import samples
from core.card_types import Card
from core.errors import OpacityError
from core.reading import images
from core.samples import Sample
from core.types import Kind, Scan
from pages.shared import landing as welcome
from pages.shared import language, sentences, wording
from pages.shared.caches import heatmaps, models, neighbours, outlines, scores
from pages.shared.components.leave_guard import leave_guard
from pages.shared.components.manners import manners
from pages.shared.language import tr
from pages.shared.numbering import numbered
from pages.shared.session import chosen, deep_link, memory, reading, routing, sign_in, worklist
from pages.shared.views import sample_strip

HERE = Path(__file__).parent


def show_frame(question: str) -> None:
    """What stands around every page.

    question: the one that the page answers, its heading.
    """
    language.settle()  # before the way through app.py, which takes the address along only afterwards
    deep_link.route_through_app()
    st.logo(HERE / "opacity.svg", size="large")
    st.html(HERE / "frame.css")
    st.html(
        f'<div class="opacity-head"><h1 class="opacity-title">{question}</h1>'
        f"<p>{tr(sentences.NOT_FOR_CLINICAL_USE)}</p></div>"
    )
    manners(place=f"{question} {st.session_state.get('scan', '')}")
    language.offer()
    sign_in.require()
    models.refresh()
    with st.container():  # also without the guard: what comes and goes would move all that follows
        if worklist.has_work():
            leave_guard()
    _name_sample()


def upload_scan(*, needed: bool = False, example: bool = False) -> Scan | None:
    """The scan that all pages show, or None before the first upload. Says what could not be read.

    needed: whether the page is empty without a scan: then the drop zone stands on it, not beside it.
    example: whether a session that has had no scan yet opens with a sample already read.
    """
    held: dict[str, Scan] = st.session_state.setdefault("scans", {})
    upload: int = st.session_state.setdefault("uploader", 0)
    _read_linked_sample(held)
    if example and "welcomed" not in st.session_state:
        _read_example(held)
    landing = example and bool(held) and _is_example(st.session_state.scan)
    on_page = landing or (needed and not held)
    with st.container(key="welcome") if on_page else st.sidebar:
        if not on_page:
            st.subheader(tr("Scan"))
        with welcome.introduce() if landing else nullcontext():
            files = st.file_uploader(
                tr(sentences.UPLOAD),
                type=None,  # the name proves nothing; the bytes are looked at
                accept_multiple_files=True,
                key=f"upload-{upload}",
                help=tr(sentences.UPLOAD_HELP),
            )
        if _read_uploads(files):
            st.rerun()  # the drop zone leaves the page, and a phone's drawer closes
        if landing and (clicked := welcome.show()):
            _read_sample(clicked)
            st.rerun()
    memory.fit(st.session_state.get("scan", ""))
    if held:
        with st.sidebar:
            _choose_shown(held)
    _name_sample()
    for problem in st.session_state.get("problems", ()):
        st.error(wording.escape_markdown(problem))
    scan = held.get(st.session_state.get("scan", ""))
    sample = sample_strip.sample_of(scan)
    if sample is not None and (other := sample_strip.show_mark(sample, others=not landing)):
        _read_sample(other)
        st.rerun()
    return scan


def _read_example(held: Mapping[str, Scan]) -> None:
    """At a session's first opening, unless it brings a scan."""
    st.session_state["welcomed"] = True
    sample = welcome.example()
    if sample is not None and not held:
        _read_sample(sample)
        st.session_state["example"] = st.session_state.get("scan", "")


def _is_example(digest: str) -> bool:
    return digest != "" and digest == st.session_state.get("example")


def _name_sample() -> None:
    """In the address: the sample on screen, or the one that is still to be read."""
    digest: str = st.session_state.get("scan", "")
    sample = sample_strip.sample_of(st.session_state.get("scans", {}).get(digest))
    if _is_example(digest):
        return  # the next opening brings it by itself
    deep_link.name_sample(sample.path.name if sample else deep_link.sample())


def show_invitation(modality: str) -> None:
    """What to do on a page without a scan, and samples to begin with."""
    st.info(wording.invitation(modality))
    if sample_strip.selection(modality):
        st.caption(tr(sentences.SAMPLES_INVITATION))
    clicked = sample_strip.strip(sample_strip.selection(modality), "first")
    if hard := sample_strip.hard(modality):
        st.caption(tr(sentences.HARD_SAMPLES))
        clicked = sample_strip.strip(hard, "hard") or clicked
    if clicked:
        _read_sample(clicked)
        st.rerun()


def _read_uploads(files: list[UploadedFile]) -> bool:
    """Read the new uploads, and say whether there were any. A file that cannot be read is reported and the
    others are kept."""
    # No callback: Streamlit breaks one off for good when another click is waiting. A run is begun again, so
    # a file counts as seen only when everything else is done.
    seen: set[str] = st.session_state.setdefault("seen", set())
    fresh = [file for file in files if file.file_id not in seen]
    if fresh:
        _read_files([(file.getvalue(), file.name) for file in fresh])
        seen.update(file.file_id for file in fresh)
    return bool(fresh)


def _read_sample(sample: Sample) -> None:
    """Read a sample exactly as if it had been uploaded."""
    try:
        data = samples.read(sample)
    except OpacityError as problem:
        st.session_state.problems = [str(problem)]
    else:
        _read_files([(data, sample.name)])


def _read_linked_sample(held: Mapping[str, Scan]) -> None:
    """Read the sample that the address names, unless the session has a scan already."""
    try:
        sample = sample_strip.linked()
    except OpacityError as problem:
        st.session_state.problems = [str(problem)]
    else:
        if sample is not None and not held:
            _read_sample(sample)
    deep_link.drop_sample()


def _read_files(files: Sequence[tuple[bytes, str]]) -> None:
    """Read files, given as bytes and name, and show the first that can be read."""
    problems: list[str] = []
    read: list[Scan] = []
    for data, name in files:
        try:
            scan = images.read(data, name)
        except OpacityError as problem:
            problems.append(str(problem))
        else:
            reading.keep(scan, data, name)
            read = memory.rested([*read, scan], (read or [scan])[0].digest)
    read = reading.stacked(read)
    st.session_state.scans.update({scan.digest: scan for scan in read})
    if read:
        st.session_state.scan = read[0].digest
        _drop_example()
    st.session_state.problems = problems


def _drop_example() -> None:
    """The sample that was read unasked makes way for the first scan that a person chose."""
    digest: str = st.session_state.pop("example", "")
    if digest and digest != st.session_state.scan:
        st.session_state.scans.pop(digest, None)
        reading.forget(digest)


def _choose_shown(held: dict[str, Scan]) -> None:
    digests = list(held)
    names = dict(zip(digests, numbered(scan.name for scan in held.values()), strict=True))
    chosen = st.selectbox(
        tr("Shown"),
        digests,
        index=digests.index(st.session_state.scan),
        format_func=names.__getitem__,
        key=f"shown-{st.session_state.scan} {' '.join(names.values())}",  # a box keeps the names it had
    )
    if chosen != st.session_state.scan:
        st.session_state.scan = chosen
        st.rerun()
    reading.show_options(held[st.session_state.scan])
    st.button(tr("Forget this scan"), on_click=_forget, width="stretch")


def _forget() -> None:
    """Drop the scan on screen and everything derived from it."""
    if st.session_state.scan in st.session_state.scans:  # else clicked twice
        _let_go([st.session_state.scan])


def forget_all() -> None:
    """Drop every scan of this session and everything derived from them."""
    _let_go(list(st.session_state.scans))


def _let_go(digests: Sequence[str]) -> None:
    held: dict[str, Scan] = st.session_state.scans
    for digest in digests:
        held.pop(digest)
        reading.forget(digest)
    st.session_state.scan = next(iter(held), "")
    st.session_state.problems = []
    st.session_state.uploader += 1  # a fresh key makes the uploader let go of the bytes too
    models.forget()
    heatmaps.forget()
    outlines.forget()
    scores.forget()
    neighbours.forget()


def pick_card(kind: Kind | None = None) -> Card:
    """The model to ask: of one kind, or of any. One choice for all pages."""
    cards = models.offered(kind)
    if not cards:
        st.info(tr("There is no model of this kind in weights/ yet. Train one with the scripts in train/."))
        st.stop()
    every = {card.id for card in models.offered()}
    if not chosen.anything() and deep_link.card() in every:
        chosen.choose(deep_link.card())
    with st.sidebar:
        st.subheader(tr("Model"))
        if notice := deep_link.gone(every):
            st.warning(wording.escape_markdown(notice))
        routing.route(kind, cards)
        card = _pick(kind, cards)
        st.caption(_figures(card))
    if reason := routing.reason(card):
        st.caption(reason)
    reading.show_override(card)
    return card


def _pick(kind: Kind | None, cards: Sequence[Card]) -> Card:
    """Two boxes, task and model, which show the model in use and change it."""
    card = chosen.current(cards)
    tasks = list(dict.fromkeys(card.task for card in cards))
    questions = dict(zip(tasks, numbered(map(wording.task, tasks)), strict=True))
    fitting = [one for one in cards if one.task == card.task]
    titles = wording.unique_titles(fitting)
    first = {task: chosen.current([one for one in cards if one.task == task]).id for task in tasks}
    # Set anew in each run: another page, or the scan, may have chosen meanwhile.
    st.session_state[f"task-{kind}"], st.session_state[f"card-{kind}"] = card.task, card.id
    st.selectbox(
        tr("Task"),
        tasks,
        format_func=questions.__getitem__,
        key=f"task-{kind}",
        on_change=lambda: chosen.choose(first[st.session_state[f"task-{kind}"]]),
    )
    st.selectbox(
        tr("Model"),
        list(titles),
        format_func=titles.__getitem__,
        key=f"card-{kind}",
        on_change=lambda: chosen.choose(st.session_state[f"card-{kind}"]),
    )
    return card


def _figures(card: Card) -> str:
    """How good the card is, and how long it takes where that was measured in this session."""
    spent = st.session_state.get("latency", {}).get(card.id)
    return wording.auc(card.report["test"]) + (
        tr("; {spent:.0f} ms here").format(spent=spent) if spent else ""
    )
