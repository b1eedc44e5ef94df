"""What may come in, what may come out of a header, and how much a file may cost."""

import re
from typing import Final

MAX_BYTES: Final = 50 * 2**20
MAX_PIXELS: Final = 50_000_000  # rows x columns x samples of one frame
MAX_FRAMES: Final = 10_000
MAX_VOLUME: Final = 2_000_000_000  # pixels of all frames together; only one is ever decoded
MAX_INFLATED: Final = 128 * 2**20  # a deflated file may expand 1000:1; the largest film fits in this
SLICED: Final = ("CT", "MR", "PT", "NM")  # modalities whose series are slices of one body
SECONDS: Final = 9.0  # of wall clock for one file
CPU_SECONDS: Final = 8
MEMORY: Final = 2**30  # address space of a decoder, its libraries included

ACQUISITION: Final = (
    "ImageType",
    "BodyPartExamined",
    "PatientAge",
    "ViewPosition",
    "PatientOrientation",
    "Laterality",
    "ImageLaterality",
    "PhotometricInterpretation",
    "BitsStored",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "KVP",
    "BurnedInAnnotation",
    "LossyImageCompression",
)


OLDEST: Final = 90  # years: beyond it an age names a person, so that no header tells more


def years(age: str) -> str:
    """A PatientAge ("045Y", "018M") as whole years, at most OLDEST; empty where it is none."""
    match = re.fullmatch(r"(\d{1,3})([DWMY])", age.strip().upper())
    if match is None:
        return ""
    return str(min(int(match[1]) // {"D": 365, "W": 52, "M": 12, "Y": 1}[match[2]], OLDEST))


def short(text: str, length: int = 32) -> str:
    """A tag's value as plain text: no markup, no line breaks, no room for a story."""
    return re.sub(r"[^\w .,:()\[\]+/-]", "", text)[:length].strip()
