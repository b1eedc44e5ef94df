"""The cluster does what one machine does: two nodes of one core each, on this machine."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.phantoms.chest import chest, png
from tests.quick import CLASSIFIER as CARD

ROOT = Path(__file__).resolve().parents[3]

if importlib.util.find_spec("ray") is None:
    pytest.skip("Ray is not installed: requirements-cluster.txt", allow_module_level=True)

# In processes of their own: Ray warns of itself, which is an error here, and leaves threads behind.
NODES = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
try:
    print("ready", cluster.address, flush=True)
    sys.stdin.read()
finally:
    cluster.shutdown()
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a cluster with two nodes."""
    settings = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    with subprocess.Popen(
        [sys.executable, "-c", NODES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=settings
    ) as nodes:
        assert nodes.stdin
        assert nodes.stdout
        said = next(line for line in nodes.stdout if line.startswith("ready"))
        yield said.split()[1]
        nodes.stdin.close()
        assert nodes.wait(240) == 0


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for name, opacity in (("Normal", 0.0), ("PNEUMONIA", 0.4)):
        (folder / name).mkdir()
        for seed in range(10):
            (folder / name / f"{seed}.png").write_bytes(png(chest(opacity=opacity, seed=seed)))
    (folder / "Normal" / "empty.png").write_bytes(b"")
    return folder


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "core", *arguments, "--card", CARD.id]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)


@pytest.mark.timeout(600)
def test_a_cluster_of_two_nodes_gives_the_rows_of_one_machine(address: str, films: Path, tmp_path: Path):
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    run("screen", str(films), "--out", str(here))
    done = run("screen", str(films), "--out", str(there), "--engine", "ray", "--address", address)
    assert there.read_text() == here.read_text()
    assert len(here.read_text().splitlines()) == 1 + 21
    assert "a second, engine ray" in done.stderr
    assert "Traceback" not in done.stderr
