"""The decoder process: its limits, its death, its end. One file may be lost, nothing else."""

import os
import signal
import subprocess
import sys
import threading
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import UnreadableImage
from core.reading import images, sandbox
from tests.phantoms.files import GOOD, NOISE, picture

ROOT = Path(__file__).resolve().parents[2]
SLOW = 240  # seconds, on a busy machine
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces all limits")


def large() -> bytes:
    """A picture that takes a good part of a second to decode."""
    file = BytesIO()
    Image.fromarray(np.tile(NOISE.astype(np.uint16) * 257, (120, 140))).save(file, "PNG", compress_level=1)
    return file.getvalue()


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Process ids of the decoders that were given work, in order."""
    ids: list[int] = []
    take = sandbox._POOL.take

    def note() -> sandbox._Worker:
        worker = take()
        ids.append(worker.process.pid)
        return worker

    monkeypatch.setattr(sandbox._POOL, "take", note)
    return ids


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=SLOW
    )


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def dead(process: int) -> None:
    """Wait for its end, which a kill only asks for."""
    until = time.monotonic() + SLOW
    while alive(process) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(process)


def test_a_decoder_is_used_again(seen: list[int]):
    for _ in range(3):
        images.read(GOOD["png"], "film.png")
    assert len(set(seen)) == 1


@pytest.fixture
def at_work(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once a decoder has a file; it then stands still, so that it is at work until something ends it."""
    has_file = threading.Event()
    receive = sandbox._Worker._receive

    def stand_still(worker: sandbox._Worker, *, started: bool) -> sandbox.Message:
        if started and not has_file.is_set():
            os.kill(worker.process.pid, signal.SIGSTOP)
            has_file.set()
        return receive(worker, started=started)

    monkeypatch.setattr(sandbox._Worker, "_receive", stand_still)
    monkeypatch.setattr(sandbox, "SECONDS", SLOW)
    return has_file


@LINUX
def test_killing_the_decoder_at_work_loses_only_that_file(seen: list[int], at_work: threading.Event):
    answers: list[str] = []

    def read() -> None:
        try:
            answers.append(str(images.read(large(), "victim.png").pixels.shape))
        except UnreadableImage as error:
            answers.append(str(error))

    victim = threading.Thread(target=read)
    victim.start()
    assert at_work.wait(SLOW)
    assert images.read(GOOD["png"], "other.png").pixels.shape == (48, 40)
    assert not answers
    os.kill(seen[0], signal.SIGKILL)
    victim.join()
    assert answers[0].startswith("victim.png made its decoder stop: export")
    assert images.read(large(), "again.png").pixels.shape == (5760, 5600)


@LINUX
def test_a_decoder_killed_while_idle_is_replaced_unnoticed(seen: list[int]):
    images.read(GOOD["png"], "film.png")
    os.kill(seen[-1], signal.SIGKILL)
    dead(seen[-1])
    assert images.read(GOOD["png"], "film.png").pixels.shape == (48, 40)


def test_a_decoder_that_takes_too_long_is_stopped(seen: list[int], monkeypatch: pytest.MonkeyPatch):
    images.read(GOOD["png"], "film.png")
    monkeypatch.setattr(sandbox, "SECONDS", 0.4)
    os.kill(seen[-1], signal.SIGSTOP)
    with pytest.raises(UnreadableImage, match=r"^slow\.png takes more than 0 s to decode: export"):
        images.read(GOOD["png"], "slow.png")
    monkeypatch.undo()
    assert images.read(GOOD["png"], "film.png").pixels.shape == (48, 40)


@LINUX
@pytest.mark.parametrize(
    ("act", "sign"),
    [
        ("bytearray(2 << 30)", "MemoryError"),
        ("import tempfile; tempfile.TemporaryFile()", "No usable temporary directory"),
        ("[open('/dev/null') for _ in range(99)]", "Too many open files"),
    ],
)
def test_the_limits_hold(act: str, sign: str):
    done = python(f"import numpy\nfrom core.reading import worker\nassert not worker.confine()\n{act}")
    assert done.returncode != 0
    assert sign in done.stderr or done.returncode == -signal.SIGXFSZ


def test_limits_that_a_system_lacks_are_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    without_resource = (
        "import sys, json; sys.modules['resource'] = None; sys.path[:] = json.loads(sys.argv[1]); "
    )
    monkeypatch.setattr(
        sandbox, "_CODE", without_resource + "from core.reading import worker; worker.serve()"
    )
    sandbox._warn_of.cache_clear()
    for _ in range(2):
        sandbox.end()
        assert images.read(GOOD["png"], "film.png").pixels.shape == (48, 40)
    sandbox.end()
    (said,) = [record.getMessage() for record in caplog.records if record.name == "core.reading.sandbox"]
    assert said.startswith("Decoders of uploaded files run without these limits on this system: all.")


@LINUX
@pytest.mark.nightly
def test_a_loop_without_end_runs_out_of_its_time():
    done = python("from core.reading import worker\nworker._limit_time()\nwhile True: pass")
    assert done.returncode == -signal.SIGXCPU


def test_an_answer_that_is_nonsense_is_refused():
    good = {"shape": [1, 1], "frames": 1, "frame": 0, "colour_share": 0, "acquisition": {}, "modality": None}
    good |= {"window": "", "windows": [], "stack": False, "notes": [], "series": ""}
    one = np.ones(1, np.float32).tobytes()
    assert sandbox._scan(good, one, "film").pixels.tolist() == [[1]]
    lies = [
        ({"shape": [2, 1]}, one),
        ({"shape": [-1, -1]}, one),
        ({"frame": 3}, one),
        ({"acquisition": {"PatientName": "DOE"}}, one),
        ({"acquisition": 7}, one),
        ({}, np.array([np.nan], np.float32).tobytes()),
        ({}, np.array([7], np.float32).tobytes()),
    ]
    for change, pixels in lies:
        with pytest.raises(UnreadableImage, match="nonsense"):
            sandbox._scan(good | change, pixels, "film")


ONE = "from core.reading import images, sandbox\nfrom tests.phantoms.files import GOOD\n"
TELL = "images.read(GOOD['png'], 'x'); print(sandbox._POOL._idle[0].process.pid, flush=True)\n"


@LINUX
@pytest.mark.parametrize(
    "ending", ["", "import os; os._exit(0)", "import os, signal; os.kill(os.getpid(), 9)"]
)
def test_no_decoder_outlives_the_app(ending: str):
    decoder = int(python(ONE + TELL + ending).stdout)
    dead(decoder)


@LINUX
def test_a_forked_process_gets_decoders_of_its_own():
    code = ONE + TELL + "import os, warnings; warnings.simplefilter('ignore')\n"
    code += "if os.fork() == 0:\n    assert not sandbox._POOL._idle\n"
    code += "    images.read(GOOD['jpeg'], 'x'); os._exit(0)\n"
    code += "print(os.waitstatus_to_exitcode(os.wait()[1])); images.read(GOOD['png'], 'x')"
    assert python(code).stdout.split()[1] == "0"


def test_many_threads_share_the_decoders():
    shapes: list[tuple[int, ...]] = []
    films = [picture("PNG") for _ in range(24)]
    threads = [
        threading.Thread(target=lambda film=film: shapes.append(images.read(film, "x").pixels.shape))
        for film in films
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shapes == [(48, 40)] * 24
    assert len(sandbox._POOL._idle) <= sandbox.POOL


def test_a_decoder_is_replaced_after_many_files(seen: list[int], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sandbox, "JOBS", 2)
    sandbox.end()
    for _ in range(5):
        images.read(GOOD["png"], "film.png")
    assert len(set(seen)) == 3
