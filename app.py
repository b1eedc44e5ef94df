"""Opacity: scans read in the browser. Start with: streamlit run app.py"""

import streamlit as st

from pages.shared.caches import ahead
from pages.shared.session import deep_link

st.set_page_config(layout="wide", initial_sidebar_state="auto")
page = st.navigation(
    [
        st.Page("pages/diagnose.py", title="Diagnose", default=True),
        st.Page("pages/anomaly.py", title="Anomaly"),
        st.Page("pages/thresholds.py", title="Thresholds"),
        st.Page("pages/neighbours.py", title="Neighbours"),
        st.Page("pages/screen.py", title="Screen"),
        st.Page("pages/models.py", title="Models"),
        st.Page("pages/samples.py", title="Samples"),
    ]
)
deep_link.open_requested_page()
st.set_page_config(page_title=f"{page.title} - Opacity")
try:
    page.run()
finally:  # the page is on screen, also one that ended early: whoever reads it chooses a scan meanwhile
    ahead.prepare()
