"""A DICOM file's bytes -> Scan: decoded, windowed, and with nothing left of the header but a whitelist."""

import logging
import struct
import warnings
import zlib
from io import BytesIO
from typing import Any, Final

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut

from core.errors import UnreadableImage
from core.reading import windowing
from core.reading.limits import ACQUISITION, MAX_FRAMES, MAX_INFLATED, MAX_PIXELS, MAX_VOLUME, short
from core.types import AS_SENT, Scan, View

COLOURED: Final = 24  # of 255 between the channels; below it lies what JPEG makes of grey

_NEEDED: Final = (
    *("SpecificCharacterSet", "Modality", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel"),
    *("BitsAllocated", "HighBit", "PixelRepresentation", "PlanarConfiguration", "PixelPaddingValue"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "PixelData"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "ExtendedOffsetTable"),
    "ExtendedOffsetTableLengths",
    *(f"{colour}PaletteColorLookupTable{part}" for colour in ("Red", "Green", "Blue")
      for part in ("Descriptor", "Data")),
)  # fmt: skip
# Identifying elements are skipped by the parser itself, so that no later code can leak them.
_TAGS: Final = [tag for tag in map(tag_for_keyword, (*ACQUISITION, *_NEEDED)) if tag is not None]

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
_BROKEN: Final = (
    *(InvalidDicomError, BytesLengthException, RuntimeError, ValueError),
    *(TypeError, AttributeError, LookupError, ArithmeticError, OSError, EOFError, SyntaxError),
    *(struct.error, zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning),
)

# pydicom quotes header values, which may name a patient, in its log and its warnings.
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE


class _BoundedFile(BytesIO):
    """pydicom reads "all the rest" only to inflate it: the one moment to see how large that becomes."""

    def read(self, size: int | None = -1) -> bytes:
        rest = super().read(size)
        if size is None or size < 0:
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            left, total = rest, 0
            while left and not inflater.eof:
                total += len(inflater.decompress(left, 2**24))
                left = inflater.unconsumed_tail
                if total > MAX_INFLATED:
                    raise UnreadableImage(
                        f"holds more than {MAX_INFLATED >> 20} MB once inflated: export it uncompressed."
                    )
        return rest


def quiet_libraries() -> None:
    """Let pydicom and Pillow refuse or be still: a warning would reach a log, and may quote a header.

    Not catch_warnings: it swaps a list that all threads share and puts back another thread's state.
    """
    warnings.filterwarnings("ignore", module=r"(pydicom|PIL)\b")
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def is_dicom(data: bytes) -> bool:
    """Whether the bytes announce themselves as DICOM, as part 10 of the standard has it."""
    return data[128:132] == b"DICM"


def read(data: bytes, name: str, view: View = AS_SENT) -> Scan:
    """Read one frame of up to 16 bits; the digest is left to images.read.

    Rescale and the first VOI table or window apply (PS3.3 C.11) unless view names another one,
    MONOCHROME1 is inverted, colour becomes grey. Without a window, up to 8 bits keep their full range;
    more stretch from the lowest to the highest value in use, since a sensor rarely fills its bits.
    Raises UnknownName for a window that is not on offer, UnreadableImage for everything else.
    """
    quiet_libraries()
    try:
        with np.errstate(all="ignore"):
            return _read(data, name, view)
    except UnreadableImage as error:
        raise UnreadableImage(f"{name} {error}") from None
    except _BROKEN:  # from None: the cause may quote a header, and tracebacks end up in logs
        raise UnreadableImage(f"{name} is damaged or no valid DICOM file: export it once more.") from None


def _read(data: bytes, name: str, view: View) -> Scan:
    header = pydicom.dcmread(_BoundedFile(data), specific_tags=list(_TAGS))
    frames = _check(header)
    if not 0 <= view.frame < frames:
        raise UnreadableImage(f"has {frames} frames and no number {view.frame + 1}: choose another one.")
    stored = _decode(header, view.frame, frames)
    share, window = 0.0, ""
    offered: tuple[str, ...] = ()
    if header.PhotometricInterpretation in ("MONOCHROME1", "MONOCHROME2"):
        pixels, offered, window = windowing.grey(stored, header, view.window, view.frame)
    else:
        colours = _rgb(stored, header)
        share = colour_share(colours)
        pixels = np.asarray(Image.fromarray(colours).convert("L"), dtype=np.float32) / np.float32(255)
    return Scan(
        pixels=pixels,
        digest="",
        name=name,
        modality=_short(header.get("Modality")) or None,
        acquisition={tag: text for tag in ACQUISITION if (text := _short(header.get(tag)))},
        colour_share=share,
        frame=view.frame,
        frames=frames,
        window=window,
        windows=offered,
    )


def colour_share(colours: NDArray[np.uint8]) -> float:
    """Share of visibly coloured pixels of (H, W, 3), on every n-th of them so that at most 512 are across."""
    step = -(-max(colours.shape[:2]) // 512)
    red, green, blue = np.moveaxis(colours[::step, ::step], 2, 0).copy()  # each by itself: numpy is faster
    highest = np.maximum(np.maximum(red, green), blue)  # numpy's own ptp is ten times slower on a short axis
    return float((highest - np.minimum(np.minimum(red, green), blue) > COLOURED).mean())


def _check(header: Dataset) -> int:
    """Refuse what cannot be a film before any of it is decoded; gives the number of frames."""
    if "PixelData" not in header:
        kind = _short(header.get("Modality")) or "unknown"
        raise UnreadableImage(f"holds no image (modality {kind}): choose a file with pixel data.")
    frames = int(header.get("NumberOfFrames") or 1)
    count = int(header.Rows) * int(header.Columns) * int(header.SamplesPerPixel)
    if not 0 < count <= MAX_PIXELS:
        raise UnreadableImage(
            f"claims {header.Columns} x {header.Rows} pixels and 1 to {MAX_PIXELS:,} are read: export anew."
        )
    if not 1 <= frames <= min(MAX_FRAMES, MAX_VOLUME // count):
        raise UnreadableImage(f"claims {frames:,} frames, which is too many: export one frame.")
    if header.BitsAllocated not in (1, 8, 16):
        raise UnreadableImage(f"uses {header.BitsAllocated} bits per pixel: export it with 8 or 16.")
    return frames


def _decode(header: Dataset, frame: int, frames: int) -> NDArray[Any]:
    syntax = header.file_meta.TransferSyntaxUID
    if syntax not in DECODERS:
        raise UnreadableImage(
            f"is stored as {_short(syntax.name, 70)}, which is not supported: export it uncompressed."
        )
    if syntax == uid.JPEGExtended12Bit and header.BitsStored != 8:
        raise UnreadableImage(
            "is stored as 12-bit JPEG, which no free decoder reads: export it uncompressed."
        )
    idle = int(header.BitsAllocated) - int(header.get("BitsStored") or 0)
    left_aligned = idle > 0 and header.get("HighBit") == header.BitsAllocated - 1
    try:
        if syntax.is_encapsulated and syntax != uid.RLELossless:
            _check_stream(get_frame(header.PixelData, frame, number_of_frames=frames), header)
        elif left_aligned:
            header.BitsStored = header.BitsAllocated
        # One frame only: more may follow than the header admits to, and the size limit trusts it.
        stored, _ = get_decoder(syntax).as_array(header, index=frame, decoding_plugin=DECODERS[syntax])
    except _BROKEN:
        raise UnreadableImage(
            f"has pixels stored as {syntax.name} that are cut short or of an unsupported variant: "
            "export it uncompressed."
        ) from None
    stored = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    return stored >> idle if left_aligned and not syntax.is_encapsulated else stored


def _check_stream(stream: bytes, header: Dataset) -> None:
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
    if size != (header.Rows, header.Columns):
        raise ValueError("stream and header disagree")


def _rgb(stored: NDArray[Any], header: Dataset) -> NDArray[np.uint8]:
    bits = int(header.BitsStored)
    if header.PhotometricInterpretation == "PALETTE COLOR":
        stored = apply_color_lut(stored, header)
        bits = 8 * stored.itemsize
    if stored.ndim != 3 or stored.shape[2] != 3:
        kind = _short(header.PhotometricInterpretation)
        raise UnreadableImage(f"has {stored.ndim}-dimensional pixels marked {kind}: export it in grey.")
    return np.ascontiguousarray(stored >> max(bits - 8, 0)).astype(np.uint8)


def _short(value: Any, length: int = 32) -> str:
    several = isinstance(value, (list, pydicom.multival.MultiValue))
    return short(", ".join(map(str, value)) if several else str("" if value is None else value), length)
