"""The first screen: what this is, a place to drop a scan, samples, and the first of them read already."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.samples import Sample
from pages.shared import sentences
from pages.shared.components.tour import tour
from pages.shared.language import tr
from pages.shared.views import sample_strip


def example() -> Sample | None:
    """The sample that is read unasked: the first that shows a disease."""
    return next((sample for sample in sample_strip.one_of_each() if sample.condition != "normal"), None)


def introduce() -> DeltaGenerator:
    """What this is, and the tour; returns the place beside it for the drop zone."""
    words, drop_zone = st.columns([3, 2], gap="medium")
    with words:
        st.html(f'<p class="opacity-lead">{tr(sentences.WHAT_THIS_IS)}</p>')
        tour([(target, tr(words)) for target, words in sentences.TOUR], key="tour")
    return drop_zone


def show() -> Sample | None:
    """Samples of every kind and what stands below them; the sample that was clicked."""
    clicked = sample_strip.strip(sample_strip.one_of_each(), "landing")
    steps = "".join(f"<li><strong>{tr(name)}</strong> {tr(words)}</li>" for name, words in sentences.STEPS)
    st.html(f'<ol class="opacity-steps">{steps}</ol>')
    return clicked
