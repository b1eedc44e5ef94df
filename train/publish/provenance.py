"""What a card says about how it was made."""

import hashlib
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Generic, TypeVar

from torch import nn

from core.card_types import Training
from core.cards import WEIGHTS
from core.evaluation import openings
from core.evaluation.openings import Opening
from core.types import InputSpec
from train.data.datasets import Case

Setting = bool | int | float | str
Network_co = TypeVar("Network_co", bound=nn.Module, covariant=True)

PRIVATE = {"--data": "DATA", "--file": "FILE", "--init": "PRETRAINED", "--runs": "RUNS"}
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Trained(Generic[Network_co]):
    """A trained network, and what its card says of how it came about.

    card_id: of the card to be written. model, arguments: how the network is built again. input: what it is
    fed. cases: all of its data set, every split. settings, curve, minutes, seed: of the training.
    """

    card_id: str
    model: str
    arguments: Mapping[str, Setting]
    input: InputSpec
    network: Network_co
    cases: Sequence[Case]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    curve: tuple[Mapping[str, float], ...] = ()
    minutes: float = 0.0
    seed: int = 0

    @property
    def training(self) -> Training:
        """By the command that runs now."""
        return Training(
            command=command(),
            settings=self.settings,
            curve=self.curve,
            minutes=round(self.minutes, 1),
            parameters=parameters(self.network),
        )


def log_opening(card_id: str, auc: float | None, *, split: str = openings.TEST, root: Path = WEIGHTS) -> None:
    """Say in the card's log that the command that runs now looked at held-out films, today.

    card_id: that was scored.
    auc: that the look showed, if any.
    split: which films, or what was done to those of test.
    root: where all cards lie.
    """
    openings.append(card_id, Opening(date.today().isoformat(), commit(), split, command(), auc), root)


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
    arguments = [part for argument in sys.argv[1:] for part in _parted(argument)]
    for option, word in PRIVATE.items():
        if option in arguments[:-1] and arguments[arguments.index(option) + 1] != "imagenet":
            arguments[arguments.index(option) + 1] = word
    return shlex.join(["python", "-m", _script(), *arguments])


def _parted(argument: str) -> list[str]:
    """--option=value as two, where it is one of those whose value is left out."""
    option, sign, value = argument.partition("=")
    return [option, value] if sign and option in PRIVATE else [argument]


def _script() -> str:
    """The running module as python -m takes it: a package goes by its own name."""
    spec = sys.modules["__main__"].__spec__
    name = spec.name if spec else f"train.{Path(sys.argv[0]).stem}"
    return name.removesuffix(".__main__")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
