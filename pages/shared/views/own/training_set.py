"""From a labelled set on Screen to the command that learns from it."""

import csv
import io
import shlex
from collections.abc import Sequence

import streamlit as st

from core.card_types import Card
from pages.shared import sentences
from pages.shared.language import tr
from pages.shared.views.screening.judging import WorklistRow

FILE = "labels.csv"
COLUMNS = ("path", "label", "patient", "split")


def offer(card: Card, rows: Sequence[WorklistRow]) -> None:
    """The table of paths and labels to save beside the films, and the line to run there.

    card: the one that judged: its kind and modality are proposed.
    rows: labelled scans.
    """
    with st.expander(tr("Train on these")):
        st.write(tr(sentences.TRAIN_ON_THESE).format(file=FILE))
        st.download_button(
            tr("Save {file}").format(file=FILE), as_table(rows), FILE, "text/csv", key="train-on-these"
        )
        st.code(line(card), language=None)


def as_table(rows: Sequence[WorklistRow]) -> str:
    """A CSV as python -m train.new reads it; patient and split where the labels came with them."""
    text = io.StringIO(newline="")
    known = [name for name in COLUMNS[2:] if any(name in row.extra for row in rows)]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS[:2], *known])
    writer.writerows([row.file.name, row.label, *(row.extra.get(name, "") for name in known)] for row in rows)
    return text.getvalue()


def line(card: Card) -> str:
    """The command, for the folder with the films."""
    options = ["--kind", card.kind, "--modality", card.modality, "--normal", card.labels[0]]
    return shlex.join(["python", "-m", "train.new", "my-model", "--data", FILE, *options])
