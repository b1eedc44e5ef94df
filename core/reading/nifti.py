"""A NIfTI volume's bytes -> one axial slice of it, as radiologists look at it: front up, right side left."""

import zlib
from typing import Any, Final

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from core.errors import UnknownName, UnreadableImage
from core.reading import cutting, ranges
from core.reading.dicom import BROKEN
from core.reading.limits import MAX_FRAMES, MAX_INFLATED, MAX_PIXELS, MAX_VOLUME
from core.reading.windowing import FULL, PRESETS
from core.types import AS_SENT, Scan, View

_GZIP: Final = b"\x1f\x8b"
_BROKEN: Final = (*BROKEN, ImageFileError, HeaderDataError)
_SAMPLED: Final = 2**20  # voxels that tell the range of a volume
_HOUNSFIELD: Final = (-4000.0, -500.0)  # lowest values of a CT: air, or what scanners put around it


def is_nifti(data: bytes) -> bool:
    """Whether the bytes are a NIfTI file, of version 1 or 2, perhaps packed by gzip."""
    start = data[:2048]
    if start[:2] == _GZIP:
        try:
            start = zlib.decompressobj(31).decompress(start, 512)
        except zlib.error:
            return False
    return start[344:347] in (b"n+1", b"ni1") or start[4:7] in (b"n+2", b"ni2")


def read(data: bytes, name: str, view: View = AS_SENT) -> Scan:
    """One slice, from below upwards; the middle one when the view names none.

    All slices share one range, so that they can be compared; CT offers the usual windows beside it. Raises
    UnknownName for another window, UnreadableImage for everything else.
    """
    try:
        with np.errstate(all="ignore"):
            return _read(_inflated(data), name, view)
    except UnreadableImage as error:
        raise UnreadableImage(f"{name} {error}") from None
    except _BROKEN:
        raise UnreadableImage(f"{name} is damaged or no valid NIfTI file: export it once more.") from None


def _inflated(data: bytes) -> bytes:
    if data[:2] != _GZIP:
        return data
    inflater = zlib.decompressobj(31)
    content = inflater.decompress(data, MAX_INFLATED + 1)
    if len(content) > MAX_INFLATED:
        raise UnreadableImage(f"holds more than {MAX_INFLATED >> 20} MB once inflated: export it smaller.")
    return content


def _read(content: bytes, name: str, view: View) -> Scan:
    if content[344:347] == b"ni1" or content[4:7] == b"ni2":
        raise UnreadableImage("is a header without its volume: send one file that ends in nii.")
    kind = nibabel.Nifti2Image if content[4:7] == b"n+2" else nibabel.Nifti1Image
    image = kind.from_bytes(content)
    shape = tuple(int(side) for side in image.shape)
    _check(shape, image.get_data_dtype(), len(content))
    notes = () if len(shape) == 3 else (f"The file holds {shape[3]} volumes: the first is shown.",)
    axes, flipped = _axes(image.affine)
    frames = shape[axes[2]]
    frame = frames // 2 if view.frame is None else view.frame
    if not 0 <= frame < frames:
        raise UnreadableImage(f"has {frames} slices and no number {frame + 1}: choose another one.")
    low, high = _range(image)
    windows = _windows(low, high)
    window = view.window or FULL
    if window not in windows:
        raise UnknownName(f"No window {window!r}. Choose from: {', '.join(windows)}.")
    cut: list[Any] = [slice(None)] * 3 + [0] * (len(shape) - 3)
    cut[axes[2]] = frames - 1 - frame if flipped[2] else frame
    values = np.nan_to_num(np.asarray(image.dataobj[tuple(cut)], np.float64), nan=low)
    bottom, top = windows[window]
    shown = np.clip((_upright(values, axes, flipped) - bottom) / ((top - bottom) or 1.0), 0, 1)
    return Scan(
        pixels=cutting.pixels(np.ascontiguousarray(shown.astype(np.float32)), view),
        digest="",
        name=name,
        frame=frame,
        frames=frames,
        window=window,
        windows=tuple(windows),
        stack=True,
        notes=notes,
    )


def _check(shape: tuple[int, ...], kind: np.dtype[Any], length: int) -> None:
    if len(shape) not in (3, 4) or min(shape) < 1 or kind.kind not in "iuf":
        sides = " x ".join(map(str, shape))
        raise UnreadableImage(f"holds no volume of grey values ({sides}): export it as one.")
    count = int(np.prod(shape[:3], dtype=np.int64))
    most = max(shape[0] * shape[1], shape[0] * shape[2], shape[1] * shape[2])
    if most > MAX_PIXELS or count > MAX_VOLUME or max(shape[:3]) > MAX_FRAMES:
        raise UnreadableImage(f"claims {count:,} voxels, which is too many: export it smaller.")
    if count * kind.itemsize > length:
        raise UnreadableImage("is cut short: export it once more.")


def _axes(affine: NDArray[np.float64] | None) -> tuple[list[int], list[bool]]:
    """Which axis of the volume runs to the right, to the front and up, and which of these run backwards."""
    directions = np.full((3, 2), np.nan) if affine is None else nibabel.io_orientation(affine)
    if np.isnan(directions).any():
        return [0, 1, 2], [False, False, False]
    axes = [int(np.flatnonzero(directions[:, 0] == world)[0]) for world in range(3)]
    return axes, [bool(directions[axis, 1] < 0) for axis in axes]


def _upright(values: NDArray[np.float64], axes: list[int], flipped: list[bool]) -> NDArray[np.float64]:
    """(right, front) or (front, right) -> rows from the front, columns from the right."""
    plane = values.T if axes[0] < axes[1] else values  # rows: front; columns: right
    plane = plane if flipped[1] else plane[::-1]
    return plane if flipped[0] else plane[:, ::-1]


def _range(image: Any) -> tuple[float, float]:
    """Lowest and highest value of the first volume, by a sample of it."""
    stored = np.asanyarray(image.dataobj.get_unscaled())
    stored = stored[..., 0] if stored.ndim == 4 else stored
    some = stored.reshape(-1, order="A")[:: 1 + stored.size // _SAMPLED].astype(np.float64)
    slope, offset = float(image.dataobj.slope), float(image.dataobj.inter)
    scaled = some * slope + offset
    finite = scaled[np.isfinite(scaled)]
    if not finite.size:
        raise UnreadableImage("holds no numbers: export it once more.")
    return ranges.of_pixels(finite)


def _windows(low: float, high: float) -> dict[str, tuple[float, float]]:
    """Black and white of each window on offer, by name."""
    windows = {FULL: (low, high)}
    if _HOUNSFIELD[0] <= low <= _HOUNSFIELD[1]:
        for name, (centre, width) in PRESETS.items():
            windows[f"{name} {centre:g} / {width:g}"] = (centre - width / 2, centre + width / 2)
    return windows
