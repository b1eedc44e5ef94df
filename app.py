"""Opacity: scans read in the browser. Start with: streamlit run app.py"""

import streamlit as st

st.set_page_config(page_title="Opacity", layout="wide", initial_sidebar_state="auto")
page = st.navigation(
    [
        st.Page("pages/diagnose.py", title="Diagnose", default=True),
        st.Page("pages/anomaly.py", title="Anomaly"),
        st.Page("pages/thresholds.py", title="Thresholds"),
        st.Page("pages/models.py", title="Models"),
    ]
)
page.run()
