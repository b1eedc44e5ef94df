"""A scan with its maps, read in the browser: zoom, window, overlay, swipe, side by side.

The pixels travel once per scan and set of layers; everything else happens on the client.
"""

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from core.overlay import COLOUR_MAPS, colours
from core.types import FloatArray, Spacing
from pages.shared import language
from pages.shared.components import DOM, LANGUAGE, joined
from pages.shared.language import later, tr
from pages.shared.numbering import numbered

Kind = Literal["heat", "grey", "signed"]
View = Literal["scan", "overlay", "swipe", "side"]

FILM_SIDE = 1024  # longest side sent; a reader's pane is smaller than this
LAYER_SIDE = 512  # maps come from grids of 7 to 256 cells
ZERO = {"heat": later("no influence"), "signed": later("no difference"), "grey": ""}

HERE = Path(__file__).parent
SCRIPTS = (
    "payload.js",
    "colours.js",
    "geometry.js",
    "ruler.js",
    "drawing.js",
    "controls.js",
    "gestures.js",
    "viewer.js",
    "readout.js",
)
STYLES = ("viewer.css", "foot.css")
_mount = st.components.v2.component(
    "opacity.scan_viewer",
    html='<div class="viewer"><div class="frame"></div></div>',  # holds the height until the script runs
    css="\n".join((HERE / name).read_text("utf-8") for name in STYLES),
    js=joined([DOM, LANGUAGE, *(HERE / name for name in SCRIPTS)]),
)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One map in scan geometry.

    values: (H, W). "heat" is >= 0 and shown in full colour from `scale` on; "grey" is a picture in [0, 1],
    NaN where it has none; "signed" runs from -scale to scale and is transparent at zero.
    unit: what one stands for ("logit", "grey levels"). caption: one sentence under the colour bar.
    zero: what no colour means, in words. other_scan: a "grey" picture that is no map of this scan: sent as
    fine as the scan, and neither outlined nor measured.
    """

    name: str
    values: FloatArray
    kind: Kind = "heat"
    scale: float = 1.0
    unit: str = ""
    caption: str = ""
    zero: str | None = None
    other_scan: bool = False


def scan_viewer(
    scan_pixels: FloatArray,
    *,
    key: str,
    alt: str,
    layers: Sequence[Layer] = (),
    outline: NDArray[np.bool_] | None = None,
    marks: NDArray[np.bool_] | None = None,
    view: View = "overlay",
    corner: Sequence[str] = (),
    spacing: Spacing | None = None,
    height: int = 720,
) -> None:
    """Show a scan. Zoom, window, opacity and orientation last as long as `key` shows the same pixels.

    scan_pixels: (H, W) in [0, 1].
    key: of this place on the page.
    alt: the picture in words, for those who do not see it.
    layers: maps of the scan's shape.
    outline: a mask of the scan's shape whose edge is drawn.
    marks: the same of a lesion, drawn in another colour and switched by itself.
    view: how a scan opens.
    corner: lines written over the picture's upper right corner.
    spacing: of the scan's pixels, by which its ruler measures; without it the ruler counts pixels.
    height: pixels reserved for the whole viewer; narrow screens take less.
    Raises ValueError for a layer that does not fit.
    """
    _mount(
        key=key,
        data=pack(
            scan_pixels,
            layers=layers,
            outline=outline,
            marks=marks,
            about={
                "key": key,
                "alt": alt,
                "view": view,
                "corner": list(corner),
                "spacing": None if spacing is None else _in_words(spacing),
                "height": height,
                **language.for_component("scan_viewer"),
            },
        ),
    )


def pack(
    scan_pixels: FloatArray,
    *,
    layers: Sequence[Layer],
    outline: NDArray[np.bool_] | None,
    marks: NDArray[np.bool_] | None = None,
    about: dict[str, Any],
) -> bytes:
    """What travels: the header's length (uint32), the header (JSON), then the deflated planes.

    scan_pixels: (H, W) in [0, 1].
    layers: maps of the scan's shape.
    outline, marks: masks of the scan's shape, or none.
    about: what the header says besides.
    """
    body = bytearray()
    film = _film_plane(scan_pixels, body)
    digest = hashlib.sha256(body).hexdigest()  # of what is shown, so it needs no care from the caller
    names = numbered(layer.name for layer in layers)
    header = {
        **about,
        "shape": {"height": scan_pixels.shape[0], "width": scan_pixels.shape[1]},
        "digest": digest,
        "film": film,
        "layers": [
            {"name": name, **_described(layer, scan_pixels.shape, body)}
            for name, layer in zip(names, layers, strict=True)
        ],
        **{
            name: None if mask is None else _plane(_shrunk(mask, LAYER_SIDE) * 255, body)
            for name, mask in (("outline", outline), ("marks", marks))
        },
        "colours": {name: _plane(colours(name), body) for name in (*COLOUR_MAPS, "PuOr")},
    }
    header["version"] = hashlib.sha256(json.dumps(header).encode() + body).hexdigest()
    text = json.dumps(header, allow_nan=False).encode()
    return len(text).to_bytes(4, "little") + text + bytes(body)


def _in_words(spacing: Spacing) -> dict[str, float | str]:
    unit = tr("mm at the detector") if spacing.at_detector else tr("mm")
    return {"down": spacing.down, "across": spacing.across, "unit": unit}


def _described(layer: Layer, shape: tuple[int, ...], body: bytearray) -> dict[str, Any]:
    if layer.kind not in ZERO:
        raise ValueError(f"No kind of layer {layer.kind!r}. Choose from: {', '.join(ZERO)}.")
    if layer.values.shape != shape:
        raise ValueError(
            f"Layer {layer.name!r} is {layer.values.shape}, the scan is {shape}: resize it first."
        )
    if not (np.isfinite(layer.scale) and layer.scale > 0):
        raise ValueError(f"Layer {layer.name!r} has scale {layer.scale}: give a number above 0.")
    return {
        "kind": layer.kind,
        "scale": float(layer.scale),
        "unit": layer.unit,
        "caption": layer.caption,
        "otherScan": layer.other_scan,
        "zero": tr(ZERO[layer.kind]) if layer.zero is None else layer.zero,
        "plane": _plane(_quantised(layer), body),
    }


def _quantised(layer: Layer) -> FloatArray:
    """Codes 0 to 255. Heat: 200 is the scale. Grey: 1 to 255, and 0 for none. Signed: 128 is zero."""
    known = np.isfinite(layer.values)
    side = FILM_SIDE if layer.other_scan else LAYER_SIDE
    values = _shrunk(np.where(known, layer.values, 0), side)
    if layer.kind == "heat":
        return values / layer.scale * 200
    if layer.kind == "signed":
        return (values / layer.scale * 127 + 128).clip(1, 255)
    share = np.ones_like(values) if known.all() else _shrunk(known, side)
    return np.where(share > 0.5, (values / share.clip(1e-6, 1)).clip(0, 1) * 254 + 1, 0)


def _film_plane(pixels: FloatArray, body: bytearray) -> dict[str, Any]:
    """8 bits where the file had no more, else 16, so that a narrow window shows no steps."""
    sample = pixels.reshape(-1)[:: max(1, pixels.size // 4096)] * 255
    eight = bool(np.abs(sample - sample.round()).max() < 1e-3)
    return _plane(_shrunk(pixels, FILM_SIDE) * (255 if eight else 65535), body, wide=not eight)


def _shrunk(values: NDArray[Any], side: int) -> FloatArray:
    """Averaged over areas until the longest side is at most `side`."""
    height, width = values.shape
    ratio = side / max(height, width)
    values = np.ascontiguousarray(values, dtype=np.float32)
    if ratio >= 1:
        return values
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BOX))


def _plane(codes: FloatArray, body: bytearray, *, wide: bool = False) -> dict[str, Any]:
    """Append whole numbers to the body: differences along rows, deflated; wide: all high bytes, then low."""
    whole = codes.round().clip(0, 65535 if wide else 255).astype(np.uint16 if wide else np.uint8)
    steps = np.diff(whole, axis=1, prepend=whole.dtype.type(0))
    parts = ((steps >> 8).astype(np.uint8), steps.astype(np.uint8)) if wide else (steps,)
    deflated = zlib.compress(b"".join(part.tobytes() for part in parts), 6)
    offset = len(body)
    body += deflated
    height, width = whole.shape
    return {"offset": offset, "length": len(deflated), "width": width, "height": height, "wide": wide}
