"""What screening is asked, and the row it gives for each picture."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.types import Verdict

Status = Literal["ok", "refused", "unreadable", "known"]


@dataclass(frozen=True, slots=True)
class ScreeningRow:
    """The outcome of one file, or of one frame of it. score and verdict are None unless status is "ok"; error
    says why not, or what the gate says against a file that was read on request.

    digest: sha256 of the file's bytes, empty when they could not be had. "known": judged in an earlier run.
    frame: which one was judged, from 1, of how many frames or pages; 0 where the file could not be read.
    """

    path: str
    status: Status
    score: float | None = None
    threshold: float | None = None
    verdict: Verdict | None = None
    error: str = ""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    digest: str = ""
    frames: int = 0
    frame: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """What to do with each file. threshold: the card's own when None.

    every_frame: judge all frames or pages of a file instead of its first, or a stack's middle one. known:
    digests to pass over; with every_frame, digest and frame as `key` joins them.
    """

    threshold: float | None = None
    override: bool = False
    known: Collection[str] = frozenset()
    every_frame: bool = False


AS_IT_STANDS = Job()


def key(digest: str, frame: int, job: Job) -> str:
    """What a judged picture is known by. frame: from 1."""
    return f"{digest}-{frame}" if job.every_frame else digest
