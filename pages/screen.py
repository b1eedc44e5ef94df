"""Which of these first?"""

import streamlit as st

from pages.shared import sentences, sidebar
from pages.shared.language import tr
from pages.shared.session import thresholds, worklist
from pages.shared.views import operating_points
from pages.shared.views.own import training_set
from pages.shared.views.readers import reading
from pages.shared.views.screening import judging, labelled_report, listing, misclassified, sample_worklist

sidebar.show_frame(tr("Which of these first?"))
card = sidebar.pick_card(None)
threshold = thresholds.current(card)
judging.drop_zone()
files, table = worklist.files(), worklist.table()
if not files:
    files, table = sample_worklist.load(card)
truth = judging.label(card, files, table)
judging.judge(card, files)
rows = judging.judged(card, files, truth)
if not rows:
    st.info(tr(sentences.DROP_FILMS))
    sample_worklist.offer(card)
    st.stop()

if reading.chosen():
    reading.show(card, rows, threshold)
    st.stop()
operating_points.show_in_use(card, threshold)
labelled = [row for row in rows if row.label is not None and row.score is not None]
tabs = st.tabs([tr("Worklist"), tr("How did it do"), tr("Misread")] if labelled else [tr("Worklist")])
with tabs[0]:
    listing.show(card, rows, threshold)
if labelled:
    with tabs[1]:
        labelled_report.show(card, labelled, threshold)
        training_set.offer(card, labelled)
    with tabs[2]:
        misclassified.show(card, labelled, threshold)
else:
    st.caption(tr(sentences.WITH_LABELS))
