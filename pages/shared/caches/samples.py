"""Samples show nobody, so all sessions share what is made of them: the list and the thumbnails."""

import streamlit as st

from core import samples
from core.errors import CardError
from core.reading import images
from core.samples import Sample
from pages.shared import thumbnails

SIDE = 224  # pixels; shown at half that, so that a dense screen has its share


@st.cache_data(show_spinner=False)
def found() -> tuple[tuple[Sample, ...], str]:
    """The synthetic samples, then the public film where there is one; and what is wrong with the manifest."""
    film = samples.public_film()
    public = () if film is None else (film,)
    try:
        return (*samples.every(), *public), ""
    except CardError as fault:
        return public, str(fault)


@st.cache_data(show_spinner=False)
def thumbnail(sample: Sample) -> str:
    """The sample as a small WebP picture in a data address. Raises CardError, UnreadableImage."""
    return thumbnails.address(images.read(samples.read(sample), sample.name).pixels, SIDE)
