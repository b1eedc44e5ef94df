"""A DICOM file's bytes -> its header, mended where only one reading makes sense; what was mended is said."""

import re
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from pydicom import uid
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.filereader import read_partial

from core.errors import UnreadableImage
from core.reading import elements
from core.reading.limits import ACQUISITION, MAX_FRAMES, MAX_INFLATED, MAX_PIXELS, MAX_VOLUME, short

_COLOURS: Final = ("Red", "Green", "Blue")
_NEEDED: Final = (
    *("SpecificCharacterSet", "Modality", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel"),
    *("BitsAllocated", "HighBit", "PixelRepresentation", "PlanarConfiguration", "PixelPaddingValue"),
    *("PixelPaddingRangeLimit", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "PixelData"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "ExtendedOffsetTable"),
    *("ExtendedOffsetTableLengths", "SeriesInstanceUID", "InstanceNumber"),
    *("ImagePositionPatient", "ImageOrientationPatient"),
    *(f"{colour}PaletteColorLookupTable{part}" for colour in _COLOURS for part in ("Descriptor", "Data")),
    *(f"Segmented{colour}PaletteColorLookupTableData" for colour in _COLOURS),
)  # fmt: skip
# Identifying elements are skipped by the parser itself, so that no later code can leak them.
TAGS: Final = [tag for tag in map(tag_for_keyword, (*ACQUISITION, *_NEEDED)) if tag is not None]
PIXEL_DATA: Final = 0x7FE00010

_PREAMBLE: Final = bytes(128) + b"DICM"
_META: Final = b"\x02\x00"  # group 0002, little endian as always
_FIRST: Final = (b"\x08\x00\x00\x00", b"\x08\x00\x01\x00", b"\x08\x00\x05\x00", b"\x08\x00\x08\x00",
                 b"\x08\x00\x12\x00", b"\x08\x00\x16\x00", b"\x08\x00\x18\x00")  # fmt: skip
_FAR: Final = 4096  # bytes: no header of anything else in front of a file is longer
_ITEM: Final = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")


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


def whole_file(data: bytes) -> bytes | None:
    """The bytes from a preamble on, one put in front where it is missing; None where nothing is DICOM's."""
    if data[128:132] == b"DICM":
        return data
    if data[:4] == b"DICM":
        return bytes(128) + data
    if data[:2] == _META and data[4:6].isalpha():
        return _PREAMBLE + data
    if data[:4] in _FIRST and (data[4:6].isalpha() or data[6:8] == b"\0\0"):
        return _PREAMBLE + data
    at = data.find(b"DICM\x02\x00", 0, _FAR)
    return bytes(128) + data[at:] if at >= 0 else None


def parse(data: bytes, notes: list[str], *, pixels: bool = True) -> Dataset:
    """The elements that reading needs. What stands behind the pixels is not looked at.

    pixels: False leaves them out, for who wants to know what a file is. Raises what pydicom raises.
    """
    sound = whole_file(data)
    if sound is None:
        raise ValueError("no DICOM file")
    if data[128:132] != b"DICM":
        notes.append("The file lacks its preamble: read without.")
    passed = False

    def is_over(tag: int, *_: object) -> bool:
        nonlocal passed
        over = passed or (tag == PIXEL_DATA and not pixels)
        passed = passed or tag == PIXEL_DATA
        return over

    try:
        return read_partial(_BoundedFile(sound), stop_when=is_over, specific_tags=list(TAGS))
    except struct.error:
        if not passed:
            raise
    passed = False  # half an element stood behind the pixels: whatever it is, let it end
    return read_partial(_BoundedFile(sound + bytes(8)), stop_when=is_over, specific_tags=list(TAGS))


@dataclass(frozen=True, slots=True)
class Layout:
    """How the pixels lie. All numbers are checked; photometric is spelt as the standard has it."""

    rows: int
    columns: int
    samples: int
    frames: int
    allocated: int
    stored: int
    high: int
    signed: bool
    planar: int
    photometric: str
    syntax: uid.UID


def layout(header: Dataset, notes: list[str]) -> Layout:
    """Read and mend what says how the pixels lie, before any of it is decoded.

    Appends a sentence to notes for each element that was missing or contradicted the pixels. Raises
    UnreadableImage where no reading is safe, naming the element.
    """
    if "PixelData" not in header:
        kind = elements.brief(header, "Modality") or "unknown"
        raise UnreadableImage(f"holds no image (modality {kind}): choose a file with pixel data.")
    syntax = _syntax(header, notes)
    rows, columns = _side(header, "Rows", "0028,0010"), _side(header, "Columns", "0028,0011")
    length = None if syntax.is_encapsulated else len(header.get_item(PIXEL_DATA).value or b"")
    photometric = _photometric(header, notes)
    allocated = elements.whole(header, "BitsAllocated")
    samples = _samples(header, photometric, (rows, columns), length, allocated, notes)
    if not 0 < rows * columns * samples <= MAX_PIXELS:
        raise UnreadableImage(
            f"claims {columns} x {rows} pixels and 1 to {MAX_PIXELS:,} are read: export anew."
        )
    frames = _frames(header, rows * columns * samples)
    allocated = _allocated(allocated, rows * columns * samples * frames, length, header, notes)
    stored, high = _bits(header, allocated, notes)
    said = elements.whole(header, "PixelRepresentation")
    if said not in (0, 1):
        what = "is missing" if said is None else f"says {said}"
        notes.append(f"PixelRepresentation (0028,0103) {what}: read as unsigned.")
    if photometric == "" or (samples == 1) != (photometric.startswith("MONO") or "PALETTE" in photometric):
        photometric = _fitting(header, photometric, samples, syntax, notes)
    return Layout(
        rows=rows,
        columns=columns,
        samples=samples,
        frames=frames,
        allocated=allocated,
        stored=stored,
        high=high,
        signed=said == 1,
        planar=int(elements.whole(header, "PlanarConfiguration") == 1),
        photometric=photometric,
        syntax=syntax,
    )


def _side(header: Dataset, keyword: str, tag: str) -> int:
    found = elements.whole(header, keyword)
    if found is None:
        raise UnreadableImage(f"says nothing of {keyword} ({tag}), how many there are: export it once more.")
    return found


def _frames(header: Dataset, count: int) -> int:
    frames = elements.whole(header, "NumberOfFrames") or 1
    if not 1 <= frames <= min(MAX_FRAMES, MAX_VOLUME // count):
        raise UnreadableImage(f"claims {frames:,} frames, which is too many: export one frame.")
    return frames


def _syntax(header: Dataset, notes: list[str]) -> uid.UID:
    element = header.get_item(PIXEL_DATA)
    value = element.value or b""
    undefined = getattr(element, "length", 0) == 0xFFFFFFFF or getattr(element, "is_undefined_length", False)
    in_fragments = bool(undefined) or (isinstance(value, bytes) and value[:4] in _ITEM[:1])
    said = header.file_meta.get("TransferSyntaxUID") if hasattr(header, "file_meta") else None
    if said and (said.is_private or not said.is_transfer_syntax or said.is_encapsulated == in_fragments):
        return uid.UID(said)
    implicit, little = header.original_encoding
    plain = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian
    found = _stream_syntax(value) if in_fragments else plain if little else uid.ExplicitVRBigEndian
    what = f"says {short(said.name, 40)} and the pixels do not" if said else "is missing"
    notes.append(f"TransferSyntaxUID (0002,0010) {what}: read as {short(found.name, 40)}.")
    return found


def _stream_syntax(value: bytes) -> uid.UID:
    """By what the first frame starts with."""
    stream = get_frame(value, 0, number_of_frames=1)
    if b"\xff\x4f\xff\x51" in stream[:512]:
        return uid.JPEG2000
    if stream[:2] != b"\xff\xd8":
        return uid.RLELossless
    if stream.find(b"\xff\xf7", 0, 2048) >= 0:
        return uid.JPEGLSNearLossless
    if stream.find(b"\xff\xc3", 0, 2048) >= 0:
        return uid.JPEGLossless
    return uid.JPEGBaseline8Bit if stream.find(b"\xff\xc0", 0, 2**16) >= 0 else uid.JPEGExtended12Bit


_SPELLINGS: Final = {
    **dict.fromkeys(("MONOCHROME2", "MONOCHROME", "GRAYSCALE", "GREYSCALE", "MINISBLACK"), "MONOCHROME2"),
    **dict.fromkeys(("MONOCHROME1", "MINISWHITE"), "MONOCHROME1"),
    **dict.fromkeys(("PALETTECOLOR", "PALETTECOLOUR", "PALETTE"), "PALETTE COLOR"),
    **{re.sub("[^A-Z0-9]", "", name): name for name in
       ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT")},
}  # fmt: skip


def _photometric(header: Dataset, notes: list[str]) -> str:
    """As the standard spells it; empty when there is none or it means nothing."""
    said = elements.text(header, "PhotometricInterpretation")
    found = _SPELLINGS.get(re.sub("[^A-Z0-9]", "", said.upper()), "")
    if said and not found:
        shown = elements.brief(header, "PhotometricInterpretation")
        notes.append(f"PhotometricInterpretation (0028,0004) says {shown or 'nothing'}, which is none.")
    elif found != said and said:
        notes.append(f"PhotometricInterpretation (0028,0004) is misspelt: read as {found}.")
    return found


def _samples(
    header: Dataset,
    photometric: str,
    sides: tuple[int, int],
    length: int | None,
    allocated: int | None,
    notes: list[str],
) -> int:
    said = elements.whole(header, "SamplesPerPixel")
    usual = 1 if photometric.startswith("MONO") or "PALETTE" in photometric else 3 if photometric else None
    one = (
        sides[0] * sides[1] * max((allocated or 8) // 8, 1) * (elements.whole(header, "NumberOfFrames") or 1)
    )
    fits = [
        count for count in (1, 3) if length is not None and one > 0 and 0 <= length - one * count < 2 + one
    ]
    if said in (1, 3) and (said == usual or usual is None or not fits or said in fits):
        return said
    found = next((count for count in (usual, said, *fits) if count in (fits or (1, 3))), None)
    if found is None:
        found = 1
    what = "is missing" if said is None else f"says {said}"
    notes.append(f"SamplesPerPixel (0028,0002) {what}: read as {found}.")
    return found


def _fitting(header: Dataset, said: str, samples: int, syntax: uid.UID, notes: list[str]) -> str:
    """The photometric interpretation that goes with this many samples."""
    if samples == 1:
        has_palette = "RedPaletteColorLookupTableDescriptor" in header and not said
        found = "PALETTE COLOR" if has_palette else "MONOCHROME2"
    elif said.startswith("MONO"):
        found = said  # grey film, written three times
    else:
        found = "YBR_FULL" if syntax in (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit) else "RGB"
    what = f"says {said}, with {samples} samples per pixel" if said else "is missing"
    notes.append(f"PhotometricInterpretation (0028,0004) {what}: read as {found}.")
    return found


def _allocated(said: int | None, count: int, length: int | None, header: Dataset, notes: list[str]) -> int:
    if said in (1, 8, 16):
        return said
    if said:
        raise UnreadableImage(f"uses {said} bits per pixel: export it with 8 or 16.")
    stored = elements.whole(header, "BitsStored")
    found = 8 if stored is not None and 0 < stored <= 8 else 16
    if length is not None:
        found = 16 if length >= 2 * count else 8
    notes.append(f"BitsAllocated (0028,0100) is missing: read as {found}.")
    return found


def _bits(header: Dataset, allocated: int, notes: list[str]) -> tuple[int, int]:
    """BitsStored and HighBit."""
    stored, high = elements.whole(header, "BitsStored"), elements.whole(header, "HighBit")
    if stored is None or not 0 < stored <= allocated:
        what = "is missing" if stored is None else f"says {stored} of {allocated}"
        stored = high + 1 if stored is None and high is not None and 0 < high < allocated else allocated
        notes.append(f"BitsStored (0028,0101) {what}: read as {stored}.")
    if high is None or not stored - 1 <= high < allocated:
        high = stored - 1
    return stored, high


def settle(header: Dataset, found: Layout) -> None:
    """Write what was found back into the header, for the decoders."""
    header.Rows, header.Columns, header.NumberOfFrames = found.rows, found.columns, found.frames
    header.SamplesPerPixel, header.PixelRepresentation = found.samples, int(found.signed)
    header.BitsAllocated, header.BitsStored, header.HighBit = found.allocated, found.stored, found.high
    header.PhotometricInterpretation = found.photometric
    if found.samples > 1:
        header.PlanarConfiguration = found.planar
    header.file_meta.TransferSyntaxUID = found.syntax
