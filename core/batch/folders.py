"""Files among and below paths, and their bytes: nothing that lies in a folder hangs or stops a run."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from core.errors import UnreadableImage
from core.reading.limits import MAX_BYTES

# Names that begin so, or are these, are the system's, not the person's.
HIDDEN: Final = (".", "__MACOSX")
_LEFT_BY_WINDOWS: Final = ("thumbs.db", "desktop.ini")
_KINDS: Final = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def files(paths: Sequence[Path]) -> list[Path]:
    """All files among and below the paths, sorted within each; hidden files and folders are left out.

    A link to a folder is followed unless that folder is gone through already or holds the link. What is no
    file but might have held some stands among them, so that it gets a row that says so: folders that cannot
    be opened, links to a folder around them, pipes, sockets.
    """
    return [file for path in paths for file in (sorted(_below(path)) if path.is_dir() else [path])]


def _below(folder: Path) -> Iterator[Path]:
    waiting, links = [folder], list[Path]()
    seen: set[str] = set()
    while waiting or links:
        here = waiting.pop() if waiting else links.pop(0)
        real = os.path.realpath(here)
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = [entry for entry in os.scandir(here) if not _is_hidden(entry.name)]
        except OSError:
            yield here
            continue
        for entry in sorted(entries, key=lambda each: each.name):
            path = here / entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)
            elif path.is_dir() and not _leads_up(path):
                links.append(path)
            else:
                yield path


def _is_hidden(name: str) -> bool:
    return name.startswith(HIDDEN) or name.lower() in _LEFT_BY_WINDOWS


def _leads_up(link: Path) -> bool:
    """Whether a link to a folder lies, itself, somewhere in that folder."""
    here = Path(os.path.realpath(link.parent))
    return Path(os.path.realpath(link)) in (here, *here.parents)


def read(path: Path) -> bytes:
    """A file's bytes, at most as many as may be read at all.

    Raises UnreadableImage for what is no plain file or too large, before any of it is read; OSError for what
    cannot be opened.
    """
    name = shown(path)
    if path.is_symlink() and path.is_dir():
        raise UnreadableImage(f"{name} is a link to a folder around it, which is not followed.")
    # A pipe without a writer would never open.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            kind = _KINDS.get(stat.S_IFMT(found.st_mode), "no plain file")
            raise UnreadableImage(f"{name} is {kind}: choose a PNG, JPEG or DICOM file.")
        if found.st_size > MAX_BYTES:
            raise UnreadableImage(
                f"{name} has {found.st_size / 2**20:,.0f} MB and the limit is {MAX_BYTES >> 20} MB: "
                "export it smaller."
            )
        return file.read(MAX_BYTES + 1)


def shown(path: Path) -> str:
    """A file's name fit for a sentence: bytes that are no text in its encoding are left out."""
    return "".join(letter for letter in path.name if letter.isprintable())[:120] or "The file"
