"""Many rows on disk: a folder of Parquet files that a later run goes on with.

Each part is written whole or not at all, so a run that was stopped, however, loses at most one part. A scan
is done when its bytes were judged before with the same weights, threshold and gate.
"""

import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
from pyarrow import compute, dataset, parquet

from core.batch.rows import Job, ScreeningRow, key
from core.card_types import Card
from core.errors import OpacityError

PART = 512  # rows: on one node some seconds of work


def known(folder: Path, card: Card, job: Job) -> frozenset[str]:
    """sha256 of the files that are done. Raises OpacityError when the folder holds anything else.

    folder: that `Writer` wrote to.
    card: that judged; rows of another are refused.
    job: with the same threshold and override; rows of another are refused.
    """
    parts = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    if folder.exists() and not folder.is_dir():
        raise OpacityError(f"{folder} is a file; results go into a folder. Choose another --out.")
    if not parts:
        return frozenset()
    cut = card.threshold if job.threshold is None else job.threshold
    weights, threshold, override = (compute.field(name) for name in ("weights", "threshold", "override"))
    same = (weights == card.sha256) & (threshold == cut) & (override == job.override)
    try:
        table = dataset.dataset(parts, format="parquet")
        others = table.filter(compute.field("card") != card.id).head(1, columns=["card"])
        columns = ["sha256", "frame"] if "frame" in table.schema.names else ["sha256"]
        done = table.to_table(columns=columns, filter=same).to_pydict()
    except pa.ArrowException as error:
        raise OpacityError(f"{folder} holds other Parquet files. Choose another --out.") from error
    if len(others):
        raise OpacityError(f"{folder} holds results of {others['card'][0]}. Choose another --out.")
    frames = done.get("frame", [0] * len(done["sha256"]))
    pairs = zip(done["sha256"], frames, strict=True)
    return frozenset(key(digest, frame or 0, job) for digest, frame in pairs if digest)


class Writer:
    """Adds rows to a folder, a part at a time; what is at hand is written when the block ends."""

    def __init__(self, folder: Path, card: Card, job: Job, *, part: int = PART) -> None:
        self._folder, self._card, self._job, self._part = folder, card, job, part
        self._run = secrets.token_hex(4)  # two runs into one folder must not meet
        self._rows: list[ScreeningRow] = []
        self._written = 0
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flush()

    def add(self, row: ScreeningRow) -> None:
        """Rows of files that were done before are not written again."""
        if row.status != "known":
            self._rows.append(row)
        if len(self._rows) >= self._part:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        name = f"part-{self._run}-{self._written:06}.parquet"
        hidden = self._folder / f".{name}"  # readers pass over hidden files
        parquet.write_table(_table(self._rows, self._card, self._job), hidden, compression="zstd")
        hidden.rename(self._folder / name)
        self._rows, self._written = [], self._written + 1


def as_text(path: str) -> str:
    """The path as text that any program reads: bytes that are none stand as backslashes and a number."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def _table(rows: list[ScreeningRow], card: Card, job: Job) -> pa.Table:
    """The columns of the CSV, and what a row was made with. threshold: the run's, in every row."""
    labels = card.labels if card.kind == "classifier" else ()
    cut = card.threshold if job.threshold is None else job.threshold
    size = len(rows)
    columns: dict[str, Any] = {
        "path": pa.array([as_text(row.path) for row in rows], pa.string()),
        "path_bytes": pa.array([os.fsencode(row.path) for row in rows], pa.binary()),
        "sha256": pa.array([row.digest for row in rows], pa.string()),
        "status": pa.array([row.status for row in rows], pa.string()),
        "score": pa.array([row.score for row in rows], pa.float64()),
        "threshold": pa.array([cut] * size, pa.float64()),
        "verdict": pa.array([row.verdict for row in rows], pa.string()),
        "error": pa.array([row.error for row in rows], pa.string()),
        "card": pa.array([card.id] * size, pa.string()),
        "weights": pa.array([card.sha256] * size, pa.string()),
        "override": pa.array([job.override] * size, pa.bool_()),
        "frames": pa.array([row.frames or None for row in rows], pa.int32()),
        "frame": pa.array([row.frame or None for row in rows], pa.int32()),
    }
    for label in labels:
        values = [row.probabilities.get(label) for row in rows]
        columns[f"p_{label}"] = pa.array(values, pa.float64())
    return pa.table(columns)
