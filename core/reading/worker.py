"""The decoder's side of core.decoding: one file after the other, under limits, until the parent is gone.

Run as a process of its own; it never runs in the app.
"""

import json
import os
import struct
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final

from core.errors import UnknownName, UnreadableImage
from core.reading.limits import CPU_SECONDS, MEMORY
from core.types import Scan, View

Message = tuple[dict[str, Any], bytes]
_Read = Callable[[bytes, str, View], Scan]
_Readers = tuple[tuple[Callable[[bytes], bool], _Read], ...]
_HEAD: Final = struct.Struct(">IQ")  # bytes of JSON, bytes after it
_KEPT: Final = (
    *("modality", "acquisition", "colour_share", "frame", "frames", "window", "windows"),
    *("stack", "notes", "series"),
)
_LONGEST: Final = 2**20  # of the JSON


def send(pipe: BinaryIO, head: bytes, body: bytes) -> None:
    """One message: lengths, JSON, and what follows it."""
    pipe.write(_HEAD.pack(len(head), len(body)))
    pipe.write(head)
    pipe.write(body)
    pipe.flush()


def receive(pipe: BinaryIO, most: int) -> tuple[bytes, bytes] | None:
    """(JSON, what follows it), or None at the end of the pipe or for a length beyond `most`."""
    head = pipe.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    sizes = _HEAD.unpack(head)
    if sizes[0] > _LONGEST or sizes[1] > most:
        return None
    text, body = pipe.read(sizes[0]), pipe.read(sizes[1])
    return (text, body) if (len(text), len(body)) == sizes else None


def serve() -> None:
    """The decoder's own loop: one file after the other until the parent closes the pipe."""
    answers = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)  # native code that prints must not garble an answer
    os.dup2(silence, 2)
    from core.reading import archives, dicom, nifti, raster  # before the limits, which leave it no room

    readers: _Readers = (
        (archives.is_zip, archives.read),
        (nifti.is_nifti, nifti.read),
        (dicom.is_dicom, dicom.read),
        (lambda _: True, raster.read),
    )
    send(answers, json.dumps({"unconfined": confine()}).encode(), b"")
    while message := receive(sys.stdin.buffer, 2**40):
        _limit_time()
        answer, body = _answer(readers, json.loads(message[0]), message[1])
        send(answers, json.dumps(answer).encode(), body)
        if answer.get("kind") == "MemoryError":
            return  # fragmented: a fresh one does better


def _answer(readers: _Readers, request: Mapping[str, Any], data: bytes) -> Message:
    name, view = request["name"], _view(request)
    try:
        read = next(read for fits, read in readers if fits(data))
        scan = read(data, name, view)
    except (UnreadableImage, UnknownName) as error:
        return {"error": str(error), "kind": type(error).__name__}, b""
    except MemoryError:
        large = f"{name} needs more than {MEMORY >> 30} GB of memory to decode: export it smaller."
        return {"error": large, "kind": "MemoryError"}, b""
    answer = {"shape": scan.pixels.shape, **{field: getattr(scan, field) for field in _KEPT}}
    return answer, scan.pixels.astype("<f4", copy=False).tobytes()


def _view(request: Mapping[str, Any]) -> View:
    crop = request.get("crop")
    top, left, bottom, right = crop or (0.0, 0.0, 1.0, 1.0)
    box = None if crop is None else (float(top), float(left), float(bottom), float(right))
    return View(request["frame"], request["window"], box, float(request.get("angle", 0.0)))


def confine() -> tuple[str, ...]:
    """Put this process under its limits; gives the names of those that this system lacks or ignores.

    Linux enforces all; macOS knows no limit on address space, Windows none at all. The parent's clock
    works everywhere.
    """
    try:
        import resource
    except ImportError:
        return ("all",)
    limits = {
        "RLIMIT_AS": MEMORY,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
        "RLIMIT_NPROC": 0,
        "RLIMIT_NOFILE": 16,
    }
    missing: list[str] = []
    for name, limit in limits.items():
        try:
            resource.setrlimit(getattr(resource, name), (limit, limit))
        except (AttributeError, ValueError, OSError):
            missing.append(name)
    return tuple(missing)


def _limit_time() -> None:
    """CPU time from now on: the system counts it for the whole life of a process."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + CPU_SECONDS + 1, hard))
