"""Decode in another process, with limits on time and memory: a hostile file costs itself and nobody else.

The parent sends bytes and gets back a line of JSON and plain pixels, which it checks: nothing that a
decoder says is ever executed. A decoder that overruns is killed and replaced. It opens no file, starts
no process, gets none of the environment, and ends with its parent, however that ends.
"""

import atexit
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from typing import Any, Final

import numpy as np

from core.errors import OpacityError, UnknownName, UnreadableImage
from core.reading.limits import ACQUISITION, MAX_FRAMES, MAX_PIXELS, SECONDS, short
from core.reading.worker import Message, receive, send
from core.types import Scan, View

POOL: Final = max(2, min(4, os.cpu_count() or 2))
JOBS: Final = 5000  # then a decoder is replaced: native libraries may leak; a start costs some 500 files
PIPE_BYTES: Final = 2**20
LOOK_SECONDS: Final = 0.2  # from one look for decoders that overrun to the next
START_SECONDS: Final = 60.0  # to import numpy, pydicom and Pillow on a busy machine
_CODE: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from core.reading import worker; worker.serve()"
)
_LOG: Final = logging.getLogger(__name__)
_KEPT: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")  # without these no library loads


class _Gone(Exception):
    """The decoder ended before it answered. started: whether it had the file."""

    def __init__(self, *, started: bool, overran: bool = False) -> None:
        self.started, self.overran = started, overran


def decode(data: bytes, name: str, view: View) -> Scan:
    """Read the file's bytes in a decoder; the digest is left to images.read.

    Raises UnreadableImage, also for a file that makes its decoder overrun or crash; UnknownName for a
    window that is not on offer; OpacityError where no decoder can be started.
    """
    with _POOL.slots:
        try:
            answer, pixels = _ask(data, name, view)
        except _Gone as gone:
            what = f"takes more than {SECONDS:.0f} s to decode" if gone.overran else "made its decoder stop"
            raise UnreadableImage(f"{name} {what}: export it once more, uncompressed.") from None
    if answer.get("error"):
        kind = UnknownName if answer.get("kind") == "UnknownName" else UnreadableImage
        raise kind(str(answer["error"])[:400])
    return _scan(answer, pixels, name)


def _ask(data: bytes, name: str, view: View) -> Message:
    """Once more only where the decoder was gone before it had the file."""
    for _ in range(3):
        worker = _POOL.take()
        try:
            answer = worker.ask(data, name, view)
        except _Gone as gone:
            worker.end()
            if gone.started:
                raise
            continue
        _POOL.give_back(worker)
        return answer
    raise OpacityError("The decoder does not start: check that this machine lets the app start processes.")


def _scan(answer: Mapping[str, Any], pixels: bytes, name: str) -> Scan:
    """The answer as a Scan, after checks: a decoder may have been taken over by the file it read."""
    wrong = UnreadableImage(
        f"{name} could not be decoded: what came back is nonsense. Export it once more, uncompressed."
    )
    try:
        height, width = (int(side) for side in answer["shape"])
        frames, frame = int(answer["frames"]), int(answer["frame"])
        share = float(answer["colour_share"])
        acquisition = {key: short(str(answer["acquisition"][key])) for key in answer["acquisition"]}
        modality = short(str(answer["modality"])) if answer["modality"] else None
        offered = tuple(short(str(window)) for window in answer["windows"])[:32]
        window = short(str(answer["window"]))
        notes = tuple(short(str(note), 200) for note in answer["notes"])[:16]
        stack, series = bool(answer["stack"]), short(str(answer["series"]))
    except (KeyError, TypeError, ValueError) as error:
        raise wrong from error
    fits = 0 < height * width <= MAX_PIXELS and min(height, width) > 0 and len(pixels) == 4 * height * width
    if (
        not fits
        or not 0 <= frame < frames <= MAX_FRAMES
        or not 0 <= share <= 1
        or set(acquisition) - set(ACQUISITION)
    ):
        raise wrong
    grey = np.frombuffer(pixels, dtype="<f4").astype(np.float32, copy=False).reshape(height, width)
    if not (grey.min() >= 0 and grey.max() <= 1):  # also false for NaN
        raise wrong
    grey.flags.writeable = False
    return Scan(
        pixels=grey,
        digest="",
        name=name,
        modality=modality,
        acquisition=acquisition,
        colour_share=share,
        frame=frame,
        frames=frames,
        window=window,
        windows=offered,
        stack=stack,
        notes=notes,
        series=series,
    )


@cache
def _warn_of(missing: tuple[str, ...]) -> None:
    """Say in the log, once, which limits this system does not enforce on decoders."""
    if missing:
        _LOG.warning(
            "Decoders of uploaded files run without these limits on this system: %s. "
            "Each is still a process of its own, stopped after %.0f seconds.",
            ", ".join(missing),
            SECONDS,
        )


class _Worker:
    """One decoder process and the two pipes to it."""

    def __init__(self) -> None:
        environment = {key: os.environ[key] for key in _KEPT if key in os.environ}
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _CODE, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # native decoders talk, and may quote a header
                env=environment,
                start_new_session=True,  # Ctrl-C is for the app
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
                pipesize=PIPE_BYTES,  # films are larger than the usual 64 kB
            )
        except OSError as error:
            raise OpacityError(
                f"The decoder does not start ({error.strerror}): let the app start processes."
            ) from error
        self.jobs = 0
        self.ready = False
        self.overran = False

    def ask(self, data: bytes, name: str, view: View) -> Message:
        if not self.ready:
            said, _ = self._within(START_SECONDS, lambda: self._receive(started=False))
            _warn_of(tuple(short(str(limit)) for limit in said.get("unconfined", ())))
            self.ready = True
        head = json.dumps({"name": name, **asdict(view)}).encode()

        def talk() -> Message:
            try:
                send(self.process.stdin, head, data)  # type: ignore[arg-type]
            except OSError:
                raise _Gone(started=self.overran, overran=self.overran) from None
            return self._receive(started=True)

        self.jobs += 1
        return self._within(SECONDS, talk)

    def _within(self, seconds: float, act: Callable[[], Message]) -> Message:
        """act(), with the decoder killed when it takes longer: that ends every read and write."""
        with _WATCH.over(self, seconds):
            return act()

    def overrun(self) -> None:
        """Kill it for the time that it takes."""
        self.overran = True
        self.process.kill()

    def _receive(self, *, started: bool) -> Message:
        message = receive(self.process.stdout, 4 * MAX_PIXELS)  # type: ignore[arg-type]
        if message is None:
            code = self.process.wait()
            slow = self.overran or code == -getattr(signal, "SIGXCPU", 24)
            raise _Gone(started=started, overran=slow and started)
        try:
            answer = json.loads(message[0])
        except ValueError:
            raise _Gone(started=started) from None
        if not isinstance(answer, dict):
            raise _Gone(started=started)
        return answer, message[1]

    def end(self) -> None:
        """Kill and forget; safe to call twice."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                if pipe:
                    pipe.close()
            except OSError:  # unsent bytes of a decoder that died
                continue


class _Watch:
    """Kills decoders that overrun. One thread for all: a timer for each file costs as much as decoding it."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Watch none: at the start, and after a fork, which takes no threads along."""
        self._lock = threading.Lock()
        self._due: dict[_Worker, float] = {}
        self._looks = False

    @contextmanager
    def over(self, worker: _Worker, seconds: float) -> Iterator[None]:
        """Within the block the decoder is killed once the seconds are over, or a fifth of a second later."""
        with self._lock:
            self._due[worker] = time.monotonic() + seconds
            if not self._looks:
                self._looks = True
                threading.Thread(target=self._look, daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                del self._due[worker]

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            with self._lock:
                for worker, due in self._due.items():
                    if due < time.monotonic():
                        worker.overrun()
                self._looks = bool(self._due)
                if not self._looks:
                    return


class _Pool:
    """Idle decoders. slots: how many may work at once; who comes later waits."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Have none: at the start, and after a fork. The pipes are the parent's, not ours."""
        self.slots = threading.BoundedSemaphore(POOL)
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []

    def take(self) -> _Worker:
        """An idle decoder that still lives, or a new one."""
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.process.poll() is None:
                    return worker
                worker.end()
        return _Worker()

    def give_back(self, worker: _Worker) -> None:
        if worker.jobs >= JOBS:
            worker.end()
            return
        with self._lock:
            self._idle.append(worker)

    def end(self) -> None:
        with self._lock:
            workers, self._idle = self._idle, []
        for worker in workers:
            worker.end()


_POOL: Final = _Pool()
_WATCH: Final = _Watch()


def end() -> None:
    """Stop all idle decoders; the next file starts a new one."""
    _POOL.end()


atexit.register(end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_POOL.forget)
    os.register_at_fork(after_in_child=_WATCH.forget)
