"""A drawn chest with drawn findings, for the browser test and for trying the viewer by hand."""

import numpy as np
import streamlit as st

from core.overlay import fitted
from core.types import Spacing
from pages.shared.components.scan_viewer import Layer, scan_viewer

HEIGHT, WIDTH = 900, 1000
MARKUP = '<img src=x onerror="window.injected = true">'
rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)


def blob(x: float, y: float, width: float, height: float) -> np.ndarray:
    """A soft hill of height 1, at fractions of the film."""
    return np.exp(-(((columns / WIDTH - x) / width) ** 2) - ((rows / HEIGHT - y) / height) ** 2)


def ellipse(x: float, y: float, width: float, height: float) -> np.ndarray:
    return ((columns / WIDTH - x) / width) ** 2 + ((rows / HEIGHT - y) / height) ** 2 < 1


@st.cache_data(show_spinner=False)
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(film, the same without its finding, lungs)."""
    lungs = ellipse(0.31, 0.5, 0.15, 0.34) | ellipse(0.69, 0.5, 0.15, 0.34)
    normal = 0.75 * blob(0.5, 0.6, 0.45, 0.75) * ellipse(0.5, 0.56, 0.47, 0.52)
    normal -= 0.42 * (blob(0.31, 0.5, 0.13, 0.32) + blob(0.69, 0.5, 0.13, 0.32))
    normal += 0.1 * blob(0.5, 0.5, 0.03, 0.9) + 0.16 * blob(0.55, 0.66, 0.1, 0.16)
    arch = np.sin((rows / HEIGHT + 0.9 * (columns / WIDTH - 0.5) ** 2) * 58) ** 8
    normal += 0.07 * arch * ellipse(0.5, 0.5, 0.38, 0.42)
    normal += np.random.default_rng(0).normal(0, 0.008, normal.shape)
    film = normal + 0.3 * blob(0.3, 0.62, 0.07, 0.09)
    return *((x.clip(0, 1) * 255).round().astype(np.float32) / 255 for x in (film, normal)), lungs


def layers(film: np.ndarray, normal: np.ndarray, chosen: str) -> list[Layer]:
    heat = 2.4 * blob(0.3, 0.62, 0.09, 0.11)
    cam = Layer("Grad-CAM++", heat, "heat", 2.0, "logit", "Where the score for pneumonia came from.")
    if chosen == "explanation":
        return [cam]
    if chosen == "other explanation":
        wide = 1.5 * blob(0.34, 0.6, 0.16, 0.2)
        return [Layer("Score-CAM", wide, "heat", 2.0, "logit", "Places that alone keep the score up."), cam]
    if chosen == "markup":
        return [Layer(MARKUP, heat, "heat", 2.0, MARKUP, MARKUP)]
    if chosen == "none":
        return []
    if chosen in ("prior", "prior and map"):
        before = Layer("before.png", fitted(film[:, :600], film.shape), "grey", other_scan=True)
        return [before] if chosen == "prior" else [cam, before]
    frame = ellipse(0.5, 0.5, 99, 0.42) & ellipse(0.5, 0.5, 0.42, 99)
    error = np.where(frame, film - normal - 0.12 * blob(0.7, 0.4, 0.06, 0.08), np.nan)
    return [
        Layer(
            "Reconstruction",
            np.where(frame, normal, np.nan),
            "grey",
            caption="What a normal film would be here.",
        ),
        Layer(
            "Film - reconstruction",
            error,
            "signed",
            0.3,
            "grey",
            "Purple: brighter than expected. Orange: darker.",
        ),
        Layer(
            "Anomaly map",
            heat,
            "heat",
            2.0,
            "sd of normals",
            "Error in units of normal films.",
            "as in normals",
        ),
    ]


st.set_page_config(layout="wide")
film, normal, lungs = drawn()
sets = ["explanation", "other explanation", "anomaly", "markup", "prior", "prior and map", "none"]
chosen = st.selectbox("Layers", sets, index=sets.index(st.query_params.get("set", "explanation")))
other = st.checkbox("Another scan")
scan_viewer(
    film[:, ::-1] if other else film,
    key="viewer",
    alt="A drawn chest film; heat in the right lower lung.",
    layers=[] if other else layers(film, normal, chosen),
    outline=lungs,
    marks=ellipse(0.31, 0.7, 0.06, 0.08) if "marks" in st.query_params else None,
    view=st.query_params.get("view", "overlay"),
    spacing=Spacing(0.5, 0.25, "detector" in st.query_params) if "spacing" in st.query_params else None,
    height=int(st.query_params.get("height", 720)),
)
st.caption("Below the viewer.")
