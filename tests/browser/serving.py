"""Serve a streamlit script to a real browser."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def serve(
    script: Path,
    env: Mapping[str, str] = MappingProxyType({}),
    options: tuple[str, ...] = (),
    log_file: Path | None = None,
) -> Iterator[str]:
    """Run `streamlit run script` on a free port while the block lasts; gives its address.

    env: added to this process's own. options: more flags, such as ("--theme.base", "dark").
    log_file: where the server's output goes, for who wants to read it.
    Raises RuntimeError with the server's output when it does not answer within a minute.
    """
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    command += ["--server.fileWatcherType", "none", "--browser.gatherUsageStats", "false", *options]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    # a file, not a pipe: nobody reads while the server talks, and a full pipe would stop it
    with (
        log_file.open("w+") if log_file else tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(command, cwd=ROOT, env=surroundings, stdout=log, stderr=log) as server,
    ):
        try:
            if not _answers(server, f"http://127.0.0.1:{port}/_stcore/health"):
                log.seek(0)
                raise RuntimeError(f"streamlit did not start: {log.read()}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(server: "subprocess.Popen[bytes]", url: str, seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return True
        except OSError:
            time.sleep(0.2)
    return False
