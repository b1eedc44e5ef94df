"""A DICOM file's bytes -> Scan: decoded, windowed, and with nothing left of the header but a whitelist."""

import hashlib
import logging
import struct
import warnings
import zlib
from dataclasses import replace
from io import BytesIO
from typing import Any, Final

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.pixels.decoders.base import get_decoder

from core.errors import UnreadableImage
from core.reading import colour, cutting, elements, ranges, refuted, tables, windowing
from core.reading import header as headers
from core.reading.header import Layout
from core.reading.limits import ACQUISITION, short, years
from core.types import AS_SENT, FloatArray, Scan, View

# One decoder per syntax, so that what a film looks like does not depend on which packages are installed.
DECODERS: Final = {
    uid.ImplicitVRLittleEndian: "",
    uid.ExplicitVRLittleEndian: "",
    uid.DeflatedExplicitVRLittleEndian: "",
    uid.ExplicitVRBigEndian: "",
    uid.RLELossless: "pydicom",
    uid.JPEGBaseline8Bit: "pillow",
    uid.JPEGExtended12Bit: "pillow",
    uid.JPEG2000Lossless: "pillow",
    uid.JPEG2000: "pillow",
    uid.JPEGLossless: "gdcm",
    uid.JPEGLosslessSV1: "gdcm",
    uid.JPEGLSLossless: "gdcm",
    uid.JPEGLSNearLossless: "gdcm",
}

# pydicom promises no exception class: a lying length, a wrong value representation or a cut stream surfaces
# as whatever the innermost call raises. These are the classes seen or documented for broken headers (struct,
# zlib, InvalidDicomError, BytesLengthException, EOFError, lookups, conversions, recursion through nested
# sequences, which is a RuntimeError) and for the decoders (RuntimeError, ValueError, SyntaxError of Pillow's
# parsers, OSError). A MemoryError goes up: the worker has another answer to it.
BROKEN: Final = (
    *(InvalidDicomError, BytesLengthException, RuntimeError, ValueError),
    *(TypeError, AttributeError, LookupError, ArithmeticError, OSError, EOFError, SyntaxError),
    *(struct.error, zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning),
)

# pydicom quotes header values, which may name a patient, in its log and its warnings.
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE


def quiet_libraries() -> None:
    """Let pydicom and Pillow refuse or be still: a warning would reach a log, and may quote a header.

    Not catch_warnings: it swaps a list that all threads share and puts back another thread's state.
    """
    warnings.filterwarnings("ignore", module=r"(pydicom|PIL)\b")
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def is_dicom(data: bytes) -> bool:
    """Whether the bytes are DICOM's, with their preamble as part 10 of the standard has it, or without."""
    return headers.whole_file(data) is not None


def read(data: bytes, name: str, view: View = AS_SENT) -> Scan:
    """Read one frame of up to 16 bits; the digest is left to images.read.

    Modality table or rescale and the first VOI table or window apply (PS3.3 C.11) unless view names another
    one, MONOCHROME1 is inverted, colour becomes grey. Without a window, up to 8 bits keep their full range;
    more stretch from the lowest to the highest value in use, since a sensor rarely fills its bits. An
    element that is missing, or that the pixels refute, is read as the pixels have it and named in the notes.
    Raises UnknownName for a window that is not on offer, UnreadableImage for everything else.
    """
    quiet_libraries()
    try:
        with np.errstate(all="ignore"):
            return _read(data, name, view)
    except UnreadableImage as error:
        raise UnreadableImage(f"{name} {error}") from None
    except BROKEN:  # from None: the cause may quote a header, and tracebacks end up in logs
        raise UnreadableImage(f"{name} is damaged or no valid DICOM file: export it once more.") from None


def _read(data: bytes, name: str, view: View) -> Scan:
    notes: list[str] = []
    header = headers.parse(data, notes)
    found = headers.layout(header, notes)
    if refuted.is_unsigned(header, found, notes):
        found = replace(found, signed=False)
    frame = view.frame or 0
    if not 0 <= frame < found.frames:
        raise UnreadableImage(f"has {found.frames} frames and no number {frame + 1}: choose another one.")
    told = {tag: elements.brief(header, tag) for tag in ACQUISITION}
    told["PatientAge"] = years(told["PatientAge"])
    acquisition = {tag: text for tag, text in told.items() if text}
    stored = _decode(header, found, frame, notes)
    share, window = 0.0, ""
    offered: tuple[str, ...] = ()
    if found.photometric.startswith("MONO"):
        if stored.ndim == 3:  # a grey film, written three times
            grey, share = colour.luma(stored, 255.0 if stored.itemsize == 1 else 65535.0)
            top = 255 if stored.itemsize == 1 else 65535
            stored = np.rint(grey * top).astype(stored.dtype) if share else stored[..., 0].copy()
        pixels, offered, window = windowing.grey(stored, header, found, view.window, frame, notes)
    else:
        pixels, share = _from_colours(stored, header, found)
    return Scan(
        pixels=cutting.pixels(pixels, view),
        digest="",
        name=name,
        modality=elements.brief(header, "Modality") or None,
        acquisition=acquisition,
        colour_share=share,
        frame=frame,
        frames=found.frames,
        window=window,
        windows=offered,
        notes=tuple(dict.fromkeys(notes)),
        series=series(header),
    )


def series(header: Dataset) -> str:
    """Which series a slice belongs to, as a digest that says nothing else; empty when the header does not."""
    said = elements.text(header, "SeriesInstanceUID")
    return hashlib.sha256(said.encode()).hexdigest()[:32] if said else ""


def _decode(header: Dataset, found: Layout, frame: int, notes: list[str]) -> NDArray[Any]:
    """(H, W) or (H, W, 3): one frame, its colours made RGB."""
    if found.syntax not in DECODERS:
        raise UnreadableImage(
            f"is stored as {short(found.syntax.name, 70)}, which is not supported: export it uncompressed."
        )
    if found.syntax == uid.JPEGExtended12Bit and found.stored != 8:
        raise UnreadableImage(
            "is stored as 12-bit JPEG, which no free decoder reads: export it uncompressed."
        )
    headers.settle(header, found)
    idle = found.allocated - found.stored
    left_aligned = idle > 0 and found.high == found.allocated - 1
    try:
        if found.syntax.is_encapsulated and found.syntax != uid.RLELossless:
            stream = get_frame(header.PixelData, frame, number_of_frames=found.frames)
            _check_stream(stream, found)
            if found.samples == 3 and stream[:2] == b"\xff\xd8" and DECODERS[found.syntax] == "pillow":
                with Image.open(BytesIO(stream), formats=("JPEG",)) as image:
                    return np.asarray(colour.jpeg(image, is_ybr=found.photometric.startswith("YBR")))
        elif left_aligned:
            header.BitsStored = found.allocated
        else:
            header.BitsStored = refuted.true_bits(header, found, notes)
        header.HighBit = header.BitsStored - 1
        # One frame only: more may follow than the header admits to, and the size limit trusts it.
        stored, _ = get_decoder(found.syntax).as_array(
            header, index=frame, decoding_plugin=DECODERS[found.syntax], raw=True
        )
    except BROKEN:
        raise UnreadableImage(
            f"has pixels stored as {found.syntax.name} that are cut short or of an unsupported variant: "
            "export it uncompressed."
        ) from None
    stored = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    if stored.ndim == 3 and stored.itemsize == 1:
        if not found.syntax.is_encapsulated and "422" not in found.photometric:
            stored = colour.unplanar(stored, found.planar)
        return colour.to_rgb(stored, is_ybr=found.photometric in ("YBR_FULL", "YBR_FULL_422"))
    return stored >> idle if left_aligned and not found.syntax.is_encapsulated else stored


def _check_stream(stream: bytes, found: Layout) -> None:
    """Refuse a JPEG (2000) stream that is not as large as the header says: decoders trust the stream."""
    size = None
    if (siz := stream.find(b"\xff\x4f\xff\x51", 0, 512)) >= 0:  # at 0, or behind the boxes of a JP2 file
        right, bottom, left, top = struct.unpack_from(">4I", stream, siz + 8)
        size = (bottom - top, right - left)
    else:
        at = 2
        while size is None:
            marker, length = struct.unpack_from(">HH", stream, at)
            if marker < 0xFFC0 or (length < 2 and marker != 0xFFFF):
                break
            # SOF0 to SOF15 without DHT, JPG and DAC; SOF55 is JPEG-LS
            if marker == 0xFFF7 or (0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC)):
                size = struct.unpack_from(">HH", stream, at + 5)
            at += 1 if marker == 0xFFFF else 2 + length  # 0xFF may pad before a marker
    if size != (found.rows, found.columns):
        raise ValueError("stream and header disagree")


def _from_colours(stored: NDArray[Any], header: Dataset, found: Layout) -> tuple[FloatArray, float]:
    """Palette or colours -> grey in [0, 1], and the share of coloured pixels."""
    full = 255.0
    if found.photometric == "PALETTE COLOR":
        stored, top = tables.colours(stored, header)
        full = float(top)
    if stored.ndim != 3 or stored.shape[2] != 3:
        raise UnreadableImage(
            f"has {stored.ndim}-dimensional pixels marked {found.photometric}: export it in grey."
        )
    if stored.dtype != np.uint8 and full == 255.0:
        full = ranges.whole_bits(float(stored.max()))
    if full == 255.0:
        stored = np.ascontiguousarray(stored.astype(np.uint8))
    return colour.luma(stored, full)
