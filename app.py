"""Opacity: scans read in the browser. Start with: streamlit run app.py"""

import streamlit as st

from pages.shared import language
from pages.shared.caches import ahead
from pages.shared.language import tr
from pages.shared.session import deep_link

st.set_page_config(layout="wide", initial_sidebar_state="auto")
language.settle()
page = st.navigation(
    [
        st.Page("pages/diagnose.py", title=tr("Diagnose"), default=True),
        st.Page("pages/anomaly.py", title=tr("Anomaly")),
        st.Page("pages/thresholds.py", title=tr("Thresholds")),
        st.Page("pages/neighbours.py", title=tr("Neighbours")),
        st.Page("pages/screen.py", title=tr("Screen")),
        st.Page("pages/models.py", title=tr("Models")),
        st.Page("pages/samples.py", title=tr("Samples")),
    ]
)
deep_link.open_requested_page()
st.set_page_config(page_title=f"{page.title} - Opacity")
try:
    page.run()
finally:  # the page is on screen, also one that ended early: whoever reads it chooses a scan meanwhile
    ahead.prepare()
