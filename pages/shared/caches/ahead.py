"""What the first scan needs, loaded while nobody waits for it."""

from contextlib import suppress
from threading import Thread

import streamlit as st

from core.batch import allocator
from core.errors import OpacityError
from pages.shared.caches import models, scores


@st.cache_resource(show_spinner=False)
def prepare() -> Thread:
    """Load torch, scikit-learn and the default card beside the pages, once a server.

    The thread ends by itself. A card at fault is said where it is asked.
    """
    allocator.share_memory()
    thread = Thread(target=_load_default, daemon=True)
    thread.start()
    return thread


def _load_default() -> None:
    for default in models.offered("classifier")[:1]:
        with suppress(OpacityError):
            models.loaded(default.id)
            scores.likelihood_ratio(default.id)
