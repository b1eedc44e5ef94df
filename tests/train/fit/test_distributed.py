"""Two processes over gloo learn what one does."""

import subprocess
import sys
from pathlib import Path

import torch

from tests.train.fit.two_processes import train

ROOT = Path(__file__).resolve().parents[3]


def test_two_processes_learn_what_one_does(tmp_path: Path):
    (tmp_path / "two").mkdir()
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    script = ["-m", "tests.train.fit.two_processes", str(tmp_path / "two")]
    subprocess.run([*run, *script], cwd=ROOT, check=True, timeout=240, capture_output=True)
    ranks = [torch.load(tmp_path / "two" / f"rank-{rank}.pt", weights_only=True) for rank in (0, 1)]
    alone = train(tmp_path / "one")
    assert [rank["size"] for rank in ranks] == [2, 2]
    assert torch.equal(ranks[0]["weight"], ranks[1]["weight"])
    assert torch.allclose(ranks[0]["weight"], alone.weight, atol=1e-5)
    assert (tmp_path / "two" / "checkpoint.pt").is_file()
