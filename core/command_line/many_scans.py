"""python -m core screen, evaluate: many scans into a table, or into figures."""

import argparse
import csv
import importlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import TextIO

from tqdm import tqdm

from core.batch import folders, labels, parquet, screening
from core.batch.rows import Job, ScreeningRow
from core.card_types import Card
from core.command_line.points import threshold_of
from core.command_line.printing import print_json
from core.errors import OpacityError, UnknownName
from core.inference import Model


def screen_many(options: argparse.Namespace) -> int:
    """A row for each file, into CSV or Parquet. Returns 2 when none could be read."""
    model = screening.load(options.card)
    job = Job(threshold_of(options, model.card), options.override_gate, every_frame=options.frames == "all")
    files = folders.files(options.paths)
    if options.out.suffix not in (".csv", ".parquet"):
        raise UnknownName(f"{options.out.name} is neither .csv nor .parquet: end --out with one of these.")
    stored = options.out.suffix == ".parquet"
    if stored:
        job = replace(job, known=parquet.known(options.out, model.card, job))
    count = unreadable = 0
    add: Callable[[ScreeningRow], None]
    with ExitStack() as stack:
        if stored:
            add = stack.enter_context(parquet.Writer(options.out, model.card, job)).add
        else:
            add = _csv(
                stack.enter_context(
                    options.out.open("w", newline="", encoding="utf-8", errors="surrogateescape")
                ),
                model.card,
            )
        for row in judged(options, model, files, job):
            count, unreadable = count + 1, unreadable + (row.status == "unreadable")
            add(row)
    if unreadable == count:
        print(
            f"None of the {len(files)} files could be read. Give PNG, JPEG or DICOM images.", file=sys.stderr
        )
        return 2
    return 0


def _csv(file: TextIO, card: Card) -> Callable[[ScreeningRow], None]:
    """Writes the header; gives what adds a row."""
    writer = csv.writer(file, lineterminator="\n")
    labels = card.labels if card.kind == "classifier" else ()
    columns = ["path", "status", "score", "threshold", "verdict", "error"]
    writer.writerow([*columns, *(f"p_{label}" for label in labels), "frames", "frame", "same_as"])
    first: dict[tuple[str, int], str] = {}

    def add(row: ScreeningRow) -> None:
        probabilities = [_digits(row.probabilities.get(label)) for label in labels]
        head = [row.path, row.status, _digits(row.score), _digits(row.threshold), row.verdict, row.error]
        same = first.setdefault((row.digest, row.frame), row.path) if row.digest else row.path
        last = [row.frames or None, row.frame or None, None if same == row.path else same]
        writer.writerow([*head, *probabilities, *last])

    return add


def judged(
    options: argparse.Namespace, model: Model, files: Sequence[Path], job: Job
) -> Iterator[ScreeningRow]:
    """Every file's row, in order, from the engine that was asked for; says how fast it was."""
    if options.engine == "ray":
        rows = _cluster().screen(model.card.id, files, job, address=options.address)
    else:
        rows = screening.screen(model, files, job)
    started, done, known, more = time.monotonic(), 0, 0, 0
    judged: set[int] = set()
    total = None if job.every_frame else len(files)
    for row in tqdm(rows, total=total, unit="scan", file=sys.stderr):
        done, known = done + 1, known + (row.status == "known")
        judged.add(hash((row.digest or row.path, row.frame)))
        more += row.frames > 1 and not job.every_frame
        yield row
    seconds = time.monotonic() - started
    said = f", {known} of them judged before" if known else ""
    print(
        f"{done} scans in {seconds:.1f} s, {done / seconds:.1f} a second, engine {options.engine}{said}.",
        file=sys.stderr,
    )
    if done > len(judged):
        print(f"{done - len(judged)} of them are copies of others, byte by byte.", file=sys.stderr)
    if more:
        print(
            f"{more} hold several frames or pages: one was judged. --frames all judges each.", file=sys.stderr
        )


def _cluster() -> ModuleType:
    try:
        return importlib.import_module("core.batch.ray_engine")
    except ModuleNotFoundError as error:
        raise OpacityError("Ray is not installed: pip install -r requirements-cluster.txt") from error


def evaluate_folder(options: argparse.Namespace) -> int:
    """Figures of the card on labelled scans."""
    from core.batch import labelled_folders  # scikit-learn takes long, and screening needs none of it

    model = screening.load(options.card)
    table = labels.read_table(options.labels.read_bytes(), options.labels.name) if options.labels else []
    found = labelled_folders.labelled_files(model.card, options.folder, table)
    for remark in found.remarks:
        print(remark, file=sys.stderr)
    outcome = labelled_folders.evaluate_files(
        model.card,
        found,
        lambda files: judged(options, model, files, Job()),
        threshold=threshold_of(options, model.card),
    )
    if options.json:
        print_json(asdict(outcome))
        return 0
    print("\n".join(labelled_folders.in_words(outcome, options.folder.name)))
    return 0


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
