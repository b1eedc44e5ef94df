"""A file's bytes -> Scan. The only way in: nothing is parsed in this process."""

import hashlib
from dataclasses import replace

from core.errors import UnreadableImage
from core.reading import sandbox
from core.reading.limits import MAX_BYTES
from core.types import AS_SENT, Scan, View


def read(data: bytes, name: str, view: View = AS_SENT) -> Scan:
    """Read a PNG, JPEG, BMP, TIFF, WebP, NIfTI or DICOM file, or a zip of DICOM files.

    See raster, dicom, archives and nifti for what is shown. A pure function of the bytes and the view.
    Pixels are read-only. Raises UnreadableImage with one sentence: which file, which rule, what to do;
    UnknownName for a window that is not on offer.
    """
    name = _last_part(name)
    if not data:
        raise UnreadableImage(f"{name} is empty: choose a PNG, JPEG or DICOM file.")
    if len(data) > MAX_BYTES:
        raise UnreadableImage(
            f"{name} has {len(data) / 2**20:.0f} MB and the limit is {MAX_BYTES >> 20} MB: export it smaller."
        )
    scan = sandbox.decode(data, name, view)
    digest = hashlib.sha256(data).hexdigest()
    usual = scan.frames // 2 if scan.stack else 0
    if scan.frame != usual or (scan.windows and scan.window != scan.windows[0]):
        digest = _derived(digest, f"frame {scan.frame}, window {scan.window}")
    cropped = view.crop is not None or view.angle != 0
    if cropped:
        digest = _derived(digest, f"crop {view.crop}, angle {view.angle}")
    return replace(scan, digest=digest, cropped=cropped)


def turned_back(scan: Scan) -> Scan:
    """The negative of a scan, for films that were sent with white and black exchanged."""
    pixels = 1 - scan.pixels
    pixels.flags.writeable = False
    return replace(scan, pixels=pixels, digest=_derived(scan.digest, "turned back"), turned=not scan.turned)


def _derived(digest: str, what: str) -> str:
    return hashlib.sha256(f"{digest} {what}".encode()).hexdigest()


def _last_part(name: str) -> str:
    """The file's own name: a path may hold a patient's name or break the page."""
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return "".join(character for character in last if character.isprintable())[:120] or "The file"
