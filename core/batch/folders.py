"""Files among and below paths, and their bytes: nothing that lies in a folder hangs or stops a run."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from core.errors import UnreadableImage
from core.reading.limits import MAX_BYTES

HIDDEN: Final = (".", "__MACOSX")  # names that begin so are the system's, not the person's
_KINDS: Final = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def files(paths: Sequence[Path]) -> list[Path]:
    """All files among and below the paths, sorted within each; hidden files and folders are left out.

    What is no file but might have held some stands among them, so that it gets a row that says so: folders
    that cannot be opened, links to folders, pipes, sockets.
    """
    return [file for path in paths for file in (sorted(_below(path)) if path.is_dir() else [path])]


def _below(folder: Path) -> Iterator[Path]:
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            entries = list(os.scandir(here))
        except OSError:
            yield here
            continue
        for entry in entries:
            if entry.name.startswith(HIDDEN):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(here / entry.name)
            else:
                yield here / entry.name


def read(path: Path) -> bytes:
    """A file's bytes, at most as many as may be read at all.

    Raises UnreadableImage for what is no plain file or too large, before any of it is read; OSError for what
    cannot be opened.
    """
    name = shown(path)
    if path.is_symlink() and path.is_dir():
        raise UnreadableImage(f"{name} is a link to a folder, and links are not followed: name the folder.")
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
