"""Many scans on many machines: the same function per file as on one, spread by Ray Data.

Import it only when asked for: Ray is in requirements-cluster.txt.
"""

import json
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

# Before Ray is imported: nothing is reported to its makers.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ.setdefault("RAY_worker_niceness", "0")  # its 15 starves beside anything else that works

import ray
import ray.data

from core import audit
from core.batch import screening
from core.batch.rows import Job, ScreeningRow
from core.errors import OpacityError

ROOT: Final = Path(__file__).resolve().parents[2]
SHIPPED: Final = ("core", "weights")  # what a machine needs; the scans must be under the same paths on all
BATCH: Final = 256  # files that one worker is handed at a time, and loses when it is lost


def screen(
    card_id: str, paths: Sequence[Path], job: Job, *, address: str | None = None
) -> Iterator[ScreeningRow]:
    """The rows of screening.screen, in the same order.

    card_id: of the card that judges.
    paths: of files, not folders.
    job: threshold, override, digests to pass over.
    address: of a running cluster, such as "auto" or "10.0.0.1:6379"; without it, this machine's cores serve.
    Raises OpacityError when no cluster answers there.
    """
    _connect(address)
    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
        rows = ray.data.from_items(
            [{"path": os.fsencode(path)} for path in paths],  # names need not be text
            override_num_blocks=max(1, math.ceil(len(paths) / _batch(len(paths), workers))),
        ).map_batches(
            _Worker,
            batch_size=None,
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=1,
            fn_constructor_args=(card_id, job),
        )
        for line in rows.iter_rows():
            yield ScreeningRow(**json.loads(line["row"]))
    finally:
        ray.shutdown()


def _batch(files: int, workers: int) -> int:
    """Smaller ones for few files, so that no worker is idle."""
    return min(BATCH, max(1, math.ceil(files / workers / 4)))


def _connect(address: str | None) -> None:
    variables = {name: os.environ[name] for name in (audit.VARIABLE,) if name in os.environ}
    environment: dict[str, Any] = {"env_vars": variables}
    if address:
        others = [path.name for path in ROOT.iterdir() if path.name not in SHIPPED]
        environment |= {"working_dir": str(ROOT), "excludes": [f"/{name}" for name in others]}
    try:
        ray.init(
            address or "local",
            runtime_env=environment,
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, ValueError) as error:
        raise OpacityError(
            f"No Ray cluster answers at {address}. Start one with: ray start --head"
        ) from error


class _Worker:
    """One process with its own model and decoders."""

    def __init__(self, card_id: str, job: Job) -> None:
        self._model = screening.load(card_id)
        self._job = job

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[str]]:
        paths = [Path(os.fsdecode(path)) for path in batch["path"]]
        rows = screening.screen(self._model, paths, self._job, workers=1)
        return {"row": [json.dumps(asdict(row)) for row in rows]}  # JSON keeps a float to its last bit
