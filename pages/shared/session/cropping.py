"""Crop and straighten what the gate refused: bars, the frame of a screenshot, a photograph of a light box."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.types import Scan, View
from pages.shared.language import tr
from pages.shared.session import reading

MOST_DEGREES = 20.0


@dataclass(frozen=True, slots=True)
class Cut:
    """What a person chose. crop: (top, left, bottom, right), fractions; angle: degrees against the clock."""

    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    angle: float = 0.0

    @property
    def is_whole(self) -> bool:
        return self == Cut()


def choose(scan: Scan) -> Cut:
    """Three sliders and a button; the rectangle is drawn into the viewer while they move.

    Nothing is offered where the file's bytes are gone or a part is shown already.
    """
    if scan.cropped or reading.file_of(scan) is None:
        return Cut()
    with st.expander(tr("Crop and straighten, then try again")):
        left, right = st.slider(tr("Left and right, %"), 0, 100, (0, 100), key=f"crop-x-{scan.digest}")
        top, bottom = st.slider(tr("Top and bottom, %"), 0, 100, (0, 100), key=f"crop-y-{scan.digest}")
        angle = st.slider(
            tr("Turn, degrees"), -MOST_DEGREES, MOST_DEGREES, 0.0, 0.5, key=f"crop-angle-{scan.digest}"
        )
        cut = Cut((top / 100, left / 100, bottom / 100, right / 100), float(angle))
        st.button(
            tr("Try again with this part"),
            type="primary",
            disabled=cut.is_whole or left == right or top == bottom,
            on_click=reading.show,
            args=(scan, View(scan.frame, scan.window, cut.crop, cut.angle)),
        )
    return cut


def rectangle(scan: Scan, cut: Cut) -> NDArray[np.bool_] | None:
    """The part as a mask in scan geometry, for the viewer to outline; None when it is all of the scan."""
    if cut.is_whole:
        return None
    height, width = scan.pixels.shape
    top, left, bottom, right = cut.crop
    mask = np.zeros((height, width), bool)
    mask[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = True
    return mask
