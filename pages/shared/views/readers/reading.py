"""A reader study while it is read: one film, one scale, one answer."""

from collections.abc import Mapping, Sequence

import streamlit as st

from core.card_types import Card
from core.types import Scan
from pages.shared import sentences, wording
from pages.shared.caches import heatmaps
from pages.shared.caches import worklist as pictures
from pages.shared.components.scan_viewer import Layer, scan_viewer
from pages.shared.language import later, tr
from pages.shared.session import study
from pages.shared.session.study import Study
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views.readers import outcome
from pages.shared.views.screening.judging import WorklistRow

WORKLIST, STUDY = USES = (later("Worklist"), later("Reader study"))


def chosen() -> bool:
    """Ask what the films are for; whether it is a reader study."""
    use = st.segmented_control(
        tr("Use"),
        USES,
        default=WORKLIST,
        required=True,
        format_func=tr,
        key="screen-use",
        persist_state="session",
    )
    return use == STUDY


@st.fragment
def show(card: Card, rows: Sequence[WorklistRow], threshold: DecisionThreshold) -> None:
    """The study from its beginning to its outcome.

    card: the model that helps.
    rows: the films on the list; those that the model could judge take part.
    threshold: the one in use for the card.
    """
    films = {row.file.file_id: row for row in rows if row.score is not None}
    held = study.current()
    if held is None:
        _offer_start(card, list(films))
        return
    st.button(
        tr("End this study"), on_click=study.end, help=tr("What was answered is forgotten: save it before.")
    )
    if held.card != card.version:
        st.warning(tr(sentences.STUDY_OTHER_MODEL).format(held.card.partition("@")[0]))
    elif gone := sum(film not in films for film in held.orders["alone"]):
        st.warning(tr(sentences.STUDY_FILMS_GONE).format(gone))
        outcome.show(card, held, films, threshold)
    elif following := study.next_film(held):
        _ask(card, held, films[following[1]], threshold, following)
    else:
        outcome.show(card, held, films, threshold)


def _offer_start(card: Card, films: Sequence[str]) -> None:
    st.write(tr(sentences.STUDY))
    name, seed, start = st.columns([3, 1, 1], vertical_alignment="bottom")
    reader = name.text_input(tr("Reader, a name or a number"), max_chars=60, key="study-reader")
    drawn = seed.number_input(tr("Seed of the order"), 0, 9999, 0, key="study-seed")
    start.button(
        tr("Read {films} films").format(films=len(films)),
        type="primary",
        disabled=not reader or not films,
        on_click=study.begin,
        args=(reader, card.version, films, int(drawn)),
        width="stretch",
    )


def _ask(
    card: Card,
    held: Study,
    row: WorklistRow,
    threshold: DecisionThreshold,
    at: tuple[study.Stage, str],
) -> None:
    """The film, what the model says in the second stage, and the scale.

    card: the model that helps.
    held: the study.
    row: the film.
    threshold: the one in use for the card.
    at: stage and film.
    """
    from core.evaluation.readers import CERTAINTIES_IN_WORDS

    stage, film = at
    number, of = len(held.answers[stage]) + 1, len(held.orders[stage])
    st.progress(
        (number - 1) / of,
        tr("Film {number} of {of}, {stage}").format(
            number=number, of=of, stage=tr(sentences.STUDY_STAGE[stage])
        ),
    )
    scan = pictures.scan(film, "film", _data=row.file.data)  # no name: the reading is blind
    layers: list[Layer] = []
    if stage == "helped" and row.score is not None:
        verdict = wording.verdict(card, row.score, threshold, row.probabilities)
        st.html(f'<p class="opacity-verdict" role="status">{wording.escape_html(verdict)}</p>')
        st.caption(
            tr("Score {score:.2f}, threshold {value:.2f}.").format(score=row.score, value=threshold.value)
        )
        layers = _map(card, scan, row.probabilities)
    scan_viewer(scan.pixels, key=f"study-{stage}", alt=tr("The film to read"), layers=layers, height=560)
    with st.container(horizontal=True):
        for certainty, words in enumerate(CERTAINTIES_IN_WORDS, 1):
            st.button(
                tr(words).capitalize(),
                shortcut=str(certainty),
                key=f"certainty-{stage}-{film}-{certainty}",
                on_click=study.answer,
                args=(held, stage, film, certainty),
            )


def _map(card: Card, scan: Scan, probabilities: Mapping[str, float]) -> list[Layer]:
    """Where the model looked, or how the film deviates, if the card has a scale for it."""
    label = max(card.labels[1:], key=lambda name: probabilities.get(name, 0.0))
    drawn = heatmaps.heatmap(card.id, scan.digest, label, _scan=scan)
    return [] if drawn is None else [Layer(tr("The model's map"), drawn[0], scale=drawn[1])]
