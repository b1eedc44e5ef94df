"""Scan to network input and back. Training takes the same steps, with augmentation between them."""

from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.anatomy import heads, lungs
from core.resample import as_film, crop, gaussian, resize
from core.types import FloatArray, Frame, InputSpec, LungFields, Scan

FEWEST = 50  # pixels inside a hull, for percentiles of their own


def stretch(x: Tensor) -> Tensor:
    """Map each image's 1st and 99th percentile to 0 and 1, so that exposure and window drop out.

    x: (N, 1, H, W). Returns the same shape, clipped to [-0.2, 1.2].
    """
    flat = x.flatten(1)[:, ::7]  # every seventh pixel: quantiles need no more, and sorting is slow
    low, high = torch.quantile(flat, torch.tensor([0.01, 0.99]), dim=1)
    span = (high - low).clamp_min(1e-3)
    stretched: Tensor = (x - low[:, None, None, None]) / span[:, None, None, None]
    return stretched.clamp(-0.2, 1.2)


def normalise(x: Tensor, spec: InputSpec) -> Tensor:
    """(N, 1, H, W) in about [0, 1] -> (N, spec.channels, H, W), mean and std per channel."""
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (spec.mean, spec.std))
    return (x.expand(-1, spec.channels, -1, -1) - mean) / std


def denormalise(x: Tensor, spec: InputSpec) -> Tensor:
    """The inverse of normalise, averaged to one channel: (N, C, H, W) -> (N, 1, H, W)."""
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (spec.mean, spec.std))
    return (x * std + mean).mean(1, keepdim=True)


def frame_of(scan: Scan, spec: InputSpec, fields: LungFields | None = None) -> Frame:
    """The part of the scan that the card looks at.

    scan: any size.
    spec: of the card.
    fields: the scan's lungs, found here when not given.
    """
    height, width = scan.pixels.shape
    if spec.region == "whole":
        return Frame(box=(0.0, 0.0, float(height), float(width)), shape=(height, width))
    if spec.region == "head":
        top, left, bottom, right = heads.boxes(as_film(scan.pixels))[0].tolist()
        return Frame(box=(top * height, left * width, bottom * height, right * width), shape=(height, width))
    if spec.view == "native":
        return _native_frame(scan, _lung_mask(scan, spec))
    return Frame(box=(fields or lungs.find(scan)).box, shape=(height, width))


def align(scan: Scan, spec: InputSpec, fields: LungFields | None = None) -> tuple[Tensor, Frame]:
    """Crop to the card's region, resize, stretch, normalise. Returns ((1, C, size, size), frame).

    scan: any size.
    spec: of the card.
    fields: the scan's lungs, found here when not given; of no use to the native view, which has its own.
    """
    if spec.view == "native":
        return _align_native(scan, spec)
    x, frame = cut(scan, spec, fields)
    return normalise(stretch(x), spec), frame


def cut(scan: Scan, spec: InputSpec, fields: LungFields | None = None) -> tuple[Tensor, Frame]:
    """The card's region of the film, before its contrast is set. Returns ((1, 1, size, size), frame).

    scan: any size.
    spec: of a card whose view is the film.
    fields: the scan's lungs, found here when not given.
    """
    frame = frame_of(scan, spec, fields)
    height, width = frame.shape
    fractions = torch.tensor([frame.box]) / torch.tensor([height, width, height, width])
    return crop(as_film(scan.pixels), fractions, spec.size), frame


def align_films(films: Tensor, boxes: Tensor, spec: InputSpec) -> Tensor:
    """As `align`, many films at once. Returns (N, C, size, size).

    films: (N, 1, H, W) in [0, 1].
    boxes: (N, 4), fractions (top, left, bottom, right) of the film.
    spec: of the card.
    """
    return normalise(stretch(crop(films, boxes, spec.size)), spec)


def _lung_mask(scan: Scan, spec: InputSpec) -> NDArray[np.bool_]:
    """(SIZE, SIZE), on the segmenter's own grid."""
    return lungs.clean(lungs.seen(scan, lungs.segmenter_of(spec))[0])


def _native_frame(scan: Scan, mask: NDArray[np.bool_]) -> Frame:
    """The lungs' box on whole pixels of the scan, at least two each way."""
    height, width = scan.pixels.shape
    top, left, bottom, right = lungs.box_of(mask)
    first, last = (int(top * height), int(left * width)), (ceil(bottom * height), ceil(right * width))
    box = (*first, max(last[0], first[0] + 2), max(last[1], first[1] + 2))
    return Frame(box=tuple(float(edge) for edge in box), shape=(height, width))  # type: ignore[arg-type]


def cut_native(scan: Scan, spec: InputSpec) -> tuple[Tensor, Tensor, Frame]:
    """Cut the lungs' box out of the scan's own pixels and bring it to a square in one antialiased step.

    Returns the image and the lungs' hull, each (1, 1, size, size), and the frame. The square undoes the
    aspect on purpose: public copies had theirs undone, and it tells classes apart.
    """
    mask = _lung_mask(scan, spec)
    frame = _native_frame(scan, mask)
    top, left, bottom, right = (int(edge) for edge in frame.box)
    pixels = np.array(scan.pixels[top:bottom, left:right], dtype=np.float32)  # a copy: scans may be read-only
    x = resize(torch.from_numpy(pixels)[None, None], spec.size, spec.size)
    height, width = frame.shape
    fractions = torch.tensor([frame.box]) / torch.tensor([height, width, height, width])
    return x, crop(torch.from_numpy(lungs.hull(mask)).float()[None, None], fractions, spec.size), frame


def _align_native(scan: Scan, spec: InputSpec) -> tuple[Tensor, Frame]:
    x, hull, frame = cut_native(scan, spec)
    x = stretch_inside(x, hull)
    if spec.outside == "black":
        x = x * soft_edge(hull)
    return normalise(x, spec), frame


def stretch_inside(x: Tensor, hull: Tensor) -> Tensor:
    """As `stretch`, by percentiles of what lies inside the hull alone. Returns (N, 1, H, W).

    x, hull: (N, 1, H, W); the hull is 1 inside.
    """
    few, inside = x[..., ::3, ::3].flatten(1), hull[..., ::3, ::3].flatten(1) > 0.5
    inside = inside | (inside.sum(1, keepdim=True) < FEWEST)
    values = torch.where(inside, few, torch.nan)
    low, high = torch.nanquantile(values, torch.tensor([0.01, 0.99], device=x.device), dim=1)
    span = (high - low).clamp_min(1e-3)
    stretched: Tensor = (x - low[:, None, None, None]) / span[:, None, None, None]
    return stretched.clamp(-0.2, 1.2)


def soft_edge(hull: Tensor, level: float | Tensor = 0.35) -> Tensor:
    """(N, 1, H, W) hull -> the same with an edge some pixels wide. A lower level makes it larger."""
    return ((gaussian(hull, 4.0) - level) * 8 + 0.5).clamp(0, 1)


def to_scan_space(grid: Tensor, frame: Frame, *, outside: float = 0.0) -> FloatArray:
    """Lay a map over the scan that it belongs to. Returns (H, W).

    grid: (h, w), over the frame.
    frame: the part of the scan that it shows.
    outside: value where the frame does not reach.
    """
    top, left, bottom, right = (round(edge) for edge in frame.box)
    canvas: FloatArray = np.full(frame.shape, outside, dtype=np.float32)
    inside = resize(grid.float()[None, None], bottom - top, right - left)
    canvas[top:bottom, left:right] = inside[0, 0].numpy()
    return canvas
