"""Which of these first?"""

import streamlit as st

from pages.shared import batch, batch_report, inputs, misread, sample_set
from pages.shared.session import thresholds

inputs.show_frame()
card = inputs.pick_card(None)
files, table = batch.drop_zone()
if not files:
    files, table = sample_set.chosen(card)
batch.judge(card, files)
rows = batch.judged(card, files, table)
if not rows:
    st.info("Drop films above, or a folder with one folder per class: each is read, judged and let go.")
    sample_set.offer(card)
    st.stop()

cut = thresholds.chosen(card)
labelled = [row for row in rows if row.label is not None and row.score is not None]
names = ["Worklist", "How did it do", "Misread"] if labelled else ["Worklist"]
tabs = st.tabs(names)
with tabs[0]:
    batch.show_worklist(card, rows, cut)
if labelled:
    with tabs[1]:
        batch_report.show(card, labelled, cut)
    with tabs[2]:
        misread.show(card, labelled, cut)
else:
    st.caption(
        "With labels, this page also measures: sort the films into one folder per class, or add a CSV."
    )
