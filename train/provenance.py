"""What a card says about how it was made."""

import hashlib
import shlex
import subprocess
import sys
from pathlib import Path

from torch import nn

ROOT = Path(__file__).resolve().parent.parent


def commit() -> str:
    """The commit of the code, with "+" when core/ or train/ differ from it; "unknown" outside git."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--", "core", "train")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def command() -> str:
    """The command line as typed, folders and files left out: they say nothing to anyone else."""
    arguments = list(sys.argv[1:])
    for option, word in (("--data", "DATA"), ("--file", "FILE"), ("--init", "PRETRAINED")):
        if option in arguments and arguments[arguments.index(option) + 1] != "imagenet":
            arguments[arguments.index(option) + 1] = word
    return shlex.join(["python", "-m", f"train.{Path(sys.argv[0]).stem}", *arguments])


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
