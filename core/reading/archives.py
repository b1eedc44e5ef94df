"""A zip of DICOM files -> one slice of its largest series, or one of its films."""

import hashlib
import zipfile
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from core.errors import UnreadableImage
from core.reading import dicom, elements, header
from core.reading.limits import MAX_BYTES, MAX_FRAMES, SLICED
from core.types import AS_SENT, Scan, View

_HEAD: Final = 2**17  # bytes: nearly all headers are shorter; the pixels need not be inflated to sort by them
_HIDDEN: Final = (".", "__MACOSX/")
_BROKEN: Final = (*dicom.BROKEN, zipfile.BadZipFile, NotImplementedError)


@dataclass(frozen=True, slots=True, order=True)
class _Member:
    """A DICOM file of the archive. Sorted by where it lies in the body, then by number, then by name."""

    position: float
    number: float
    name: str
    series: str


def is_zip(data: bytes) -> bool:
    """Whether the bytes are a zip archive."""
    return data[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def read(data: bytes, name: str, view: View = AS_SENT) -> Scan:
    """One DICOM file of the archive; frames counts those of its largest series, or of all films.

    Headers sort the slices from below upwards. Raises UnreadableImage, UnknownName as dicom.read does.
    """
    dicom.quiet_libraries()
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members, note = _members(data, archive, name)
            sliced = members[0].series != ""
            place = (len(members) // 2 if sliced else 0) if view.frame is None else view.frame
            if not 0 <= place < len(members) and len(members) > 1:
                raise UnreadableImage(
                    f"{name} has {len(members)} slices and no number {place + 1}: choose another one."
                )
            content = _content(archive, members[place if len(members) > 1 else 0].name, MAX_BYTES, name)
    except _BROKEN:
        raise UnreadableImage(f"{name} is damaged, or locked by a password: pack it once more.") from None
    if len(members) == 1:
        return dicom.read(content, name, view)
    scan = dicom.read(content, name, replace(view, frame=0))
    notes = (note, *scan.notes) if note else scan.notes
    return replace(scan, frame=place, frames=len(members), stack=sliced, notes=notes)


_LAST: dict[str, tuple[list[_Member], str]] = {}  # one archive is asked for many slices in a row


def _members(data: bytes, archive: zipfile.ZipFile, name: str) -> tuple[list[_Member], str]:
    """The members that belong together, in order, and what to say of the others."""
    digest = hashlib.sha256(data).hexdigest()
    if digest not in _LAST:
        found = _sorted(archive, name)
        _LAST.clear()
        _LAST[digest] = found
    return _LAST[digest]


def _sorted(archive: zipfile.ZipFile, name: str) -> tuple[list[_Member], str]:
    infos = archive.infolist()
    if len(infos) > MAX_FRAMES:
        raise UnreadableImage(f"{name} holds {len(infos):,} files, which is too many: send one series.")
    groups: dict[str, list[_Member]] = {}
    for info in infos:
        last = info.filename.rsplit("/", 1)[-1]
        if info.is_dir() or last.startswith(".") or info.filename.startswith(_HIDDEN):
            continue
        if member := _member(archive, info.filename, name):
            groups.setdefault(member.series, []).append(member)
    if not groups:
        raise UnreadableImage(f"{name} is a zip without a DICOM image in it: unpack it and choose a file.")
    largest = max(groups.values(), key=len)
    note = f"The archive holds {len(groups)} series: the largest is shown." if len(groups) > 1 else ""
    return sorted(largest), note


def _member(archive: zipfile.ZipFile, path: str, name: str) -> _Member | None:
    """What sorting needs of one file, or None for what is no DICOM image."""
    for most in (_HEAD, MAX_BYTES):
        try:
            content = _content(archive, path, most, name, whole=most > _HEAD)
            if header.whole_file(content) is None:
                return None
            found = header.parse(content, [], pixels=False)
        except (*_BROKEN, UnreadableImage):
            continue
        if "Rows" in found:
            sliced = elements.text(found, "Modality") in SLICED
            number = elements.number(found, "InstanceNumber")
            return _Member(
                _position(found) if sliced else 0.0,
                (number or 0.0) if sliced else 0.0,
                path,
                (dicom.series(found) or "unnamed") if sliced else "",
            )
    return None


def _content(archive: zipfile.ZipFile, path: str, most: int, name: str, *, whole: bool = True) -> bytes:
    """At most so many bytes of a member, inflated; all of them where it has to be whole."""
    with archive.open(path) as file:
        content = file.read(most + 1)
    if whole and len(content) > most:
        raise UnreadableImage(f"{name} holds a file of more than {most >> 20} MB: export it smaller.")
    return content


def _position(found: Dataset) -> float:
    """Where the slice lies along its own normal, which points up or to the front; 0 where it is not said."""
    place = [value or 0.0 for value in elements.numbers(found, "ImagePositionPatient")]
    sides = [value or 0.0 for value in elements.numbers(found, "ImageOrientationPatient")]
    if len(place) != 3 or len(sides) != 6:
        return 0.0
    return round(float(np.dot(np.cross(sides[:3], sides[3:]), place)), 3)


def pack(files: list[tuple[bytes, str]]) -> bytes:
    """Files, given as bytes and name, as one archive: so slices that came one by one become a stack."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for index, (data, _) in enumerate(files):
            archive.writestr(f"{index:05}.dcm", data)
    return packed.getvalue()
