"""What a person would take away."""

from collections.abc import Callable

import pytest
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

Taken = dict[str, str | Callable[[], bytes]]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Taken:
    """What the download buttons would give, by label: of the last run of a page."""
    made: Taken = {}
    monkeypatch.setattr(st, "download_button", lambda label, data, *_, **__: made.update({label: data}))
    monkeypatch.setattr(
        DeltaGenerator, "download_button", lambda _, label, data, *__, **___: made.update({label: data})
    )
    return made
