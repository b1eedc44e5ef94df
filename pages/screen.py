"""Which of these first?"""

from collections.abc import Sequence

import streamlit as st

from pages.shared import sidebar
from pages.shared.session import thresholds
from pages.shared.views import labelled_report, misclassified, operating_points, sample_worklist, worklist
from pages.shared.views.own import training_set

sidebar.show_frame("Which of these first?")
card = sidebar.pick_card(None)
files: Sequence[worklist.File]
files, table = worklist.drop_zone()
if not files:
    files, table = sample_worklist.load(card)
truth = worklist.label(card, files, table)
worklist.judge(card, files)
rows = worklist.judged(card, files, truth)
if not rows:
    st.info(
        "Drop films above, or a folder with one folder per class: each is read and scored, and its "
        "pixels are not kept."
    )
    sample_worklist.offer(card)
    st.stop()

threshold = thresholds.current(card)
operating_points.show_in_use(card, threshold)
labelled = [row for row in rows if row.label is not None and row.score is not None]
names = ["Worklist", "How did it do", "Misread"] if labelled else ["Worklist"]
tabs = st.tabs(names)
with tabs[0]:
    worklist.show_worklist(card, rows, threshold)
if labelled:
    with tabs[1]:
        labelled_report.show(card, labelled, threshold)
        training_set.offer(card, labelled)
    with tabs[2]:
        misclassified.show(card, labelled, threshold)
else:
    st.caption(
        "With labels, this page also measures the model: sort the films into one folder per class, or "
        "add a CSV."
    )
