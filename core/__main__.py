"""The command line: python -m core COMMAND

cards | predict | explain | outline | screen | evaluate | calibrate | adapt | checklist | export
"""

import argparse
import csv
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

from PIL import Image
from tqdm import tqdm

from core import audit, cards, export, inference, overlay
from core.batch import folders, labelled_folders, labels, local_scans, parquet, screening
from core.batch.rows import Job, ScreeningRow
from core.card_types import Card
from core.command_line.arguments import parser
from core.command_line.outline import outline_one
from core.command_line.scans import read as _read
from core.errors import OpacityError, UnknownName
from core.evaluation import checklists, local_normals, operating_points
from core.evaluation.local_calibration import in_words
from core.inference import Model
from core.types import Prediction


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 when done, 2 on bad usage or when nothing could be read."""
    options = parser(COMMANDS).parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except OpacityError as error:
        print(error, file=sys.stderr)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left has somewhere to go
        return 0
    except OSError as error:
        print(f"{error.filename} cannot be opened: {error.strerror}.", file=sys.stderr)
    return 2


def list_cards(options: argparse.Namespace) -> int:
    every = cards.every()
    if options.json:
        _print_json([_summary(card) for card in every])
        return 0
    for card in every:
        report = card.report["test"]
        low, high = report.auc_interval
        print(f"{card.id:24} {card.kind:11} {card.task:12} AUC {report.auc:.3f} ({low:.3f}-{high:.3f})")
    return 0


def _summary(card: Card) -> dict[str, Any]:
    """The card without its curves."""
    values = asdict(card)
    values["training"].pop("curve")
    for report in values["report"].values():
        report.pop("roc"), report.pop("precision_recall")
    return values


def print_checklist(options: argparse.Namespace) -> int:
    card = cards.read(options.card)
    if not isinstance(card, Card):
        raise UnknownName(f"{card.id} judges no scan, so no checklist is about it. See: python -m core cards")
    items = checklists.fill(card)
    print(checklists.as_csv(items) if options.format == "csv" else checklists.as_markdown(items), end="")
    return 0


def predict_one(options: argparse.Namespace) -> int:
    model = inference.load(options.card)
    scan = _read(options)
    admission = screening.admit(model, scan, override=options.override_gate)
    result, said = inference.judge(model, scan, admission.fields), admission.overridden
    if (chosen := _threshold(options, model.card)) is not None:
        result = replace(result, threshold=chosen)
    audit.record(model.card, scan, threshold=result.threshold, verdict=result.verdict, overridden=bool(said))
    answer: dict[str, Any] = {
        "card": model.card.id,
        "name": scan.name,
        "digest": scan.digest,
        "score": result.score,
        "threshold": result.threshold,
        "verdict": result.verdict,
    }
    if scan.frames > 1:
        answer |= {"frame": scan.frame + 1, "frames": scan.frames}
    if scan.notes:
        answer["notes"] = scan.notes
    if isinstance(result, Prediction):
        answer["probabilities"] = dict(result.probabilities)
    if said:
        answer["overridden"] = said
    if options.json:
        _print_json(answer)
    else:
        print(f"{scan.name}: {result.verdict} (score {result.score:.4f}, threshold {result.threshold:.4f})")
        if scan.frames > 1:
            print(f"Frame {scan.frame + 1} of {scan.frames}: --frame N judges another.")
        for line in (*scan.notes, said):
            if line:
                print(line)
    return 0


def explain_one(options: argparse.Namespace) -> int:
    model = inference.load(options.card)
    scan = _read(options)
    admission = screening.admit(model, scan, override=options.override_gate)
    if admission.overridden:
        print(admission.overridden, file=sys.stderr)
    label = (options.target or model.card.labels[-1]).lower()
    explanation = inference.explain(model, scan, method=options.method, label=label, fields=admission.fields)
    picture = overlay.blend(scan.pixels, explanation.heatmap, scale=explanation.scale)
    Image.fromarray(picture).save(options.out, format="PNG")
    return 0


def screen_many(options: argparse.Namespace) -> int:
    model = screening.load(options.card)
    job = Job(_threshold(options, model.card), options.override_gate, every_frame=options.frames == "all")
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
        for row in _rows(options, model, files, job):
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


def _rows(
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


def _threshold(options: argparse.Namespace, card: Card) -> float | None:
    """The threshold of the named operating point, or None for the card's own."""
    file, name = options.operating_point, options.point
    if file is None and name is not None:
        file, name = Path(name), None
    if file is None:
        return None
    points = operating_points.read(file.read_bytes(), card)
    chosen = [point for point in points if name in (None, point.name)]
    if len(chosen) != 1:
        names = ", ".join(repr(point.name) for point in points)
        raise UnknownName(f"{file.name} holds {names}: choose one with --operating-point FILE --point NAME.")
    if chosen[0].upper is not None:
        print("The point's refer band is for the pages: here scans in it count as abnormal.", file=sys.stderr)
    return chosen[0].threshold


def evaluate_folder(options: argparse.Namespace) -> int:
    model = screening.load(options.card)
    table = labels.read_table(options.labels.read_bytes(), options.labels.name) if options.labels else []
    found = labelled_folders.labelled_files(model.card, options.folder, table)
    for remark in found.remarks:
        print(remark, file=sys.stderr)
    outcome = labelled_folders.evaluate_files(
        model.card,
        found,
        lambda files: _rows(options, model, files, Job()),
        threshold=_threshold(options, model.card),
    )
    if options.json:
        _print_json(asdict(outcome))
        return 0
    print("\n".join(labelled_folders.in_words(outcome, options.folder.name)))
    return 0


def calibrate_place(options: argparse.Namespace) -> int:
    model = screening.load(options.card)
    if options.scans.is_dir():
        scans = local_scans.from_folder(
            model.card, options.scans, lambda files: _rows(options, model, files, Job())
        )
    else:
        scans = local_scans.from_table(model.card, options.scans)
    found = local_scans.calibrated(model.card, scans, options.specificity)
    point = operating_points.calibrated(model.card, found, options.name)
    options.out.write_text(operating_points.export([point]), "utf-8")
    print("\n".join(in_words(found)))
    return 0


def export_one(options: argparse.Namespace) -> int:
    told = export.export(options.card, options.format, options.out)
    print(
        f"{', '.join(told['files'])} and {options.out.with_suffix('.json').name}: scores as torch's, "
        f"largest difference {told['largest_difference']:.1g}."
    )
    return 0


def adapt_detector(options: argparse.Namespace) -> int:
    model = inference.load(options.card)
    rows = _rows(options, model, folders.files([options.folder]), Job())
    point = local_normals.adapted(model.card, [row.score for row in rows if row.score is not None])
    options.out.write_text(operating_points.export([point]), "utf-8")
    print(f"Threshold {point.threshold:.4g}, the card's own is {model.card.threshold:.4g}: {options.out}")
    return 0


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=1, default=str))


COMMANDS = {
    "cards": list_cards,
    "predict": predict_one,
    "explain": explain_one,
    "outline": outline_one,
    "screen": screen_many,
    "evaluate": evaluate_folder,
    "calibrate": calibrate_place,
    "export": export_one,
    "checklist": print_checklist,
    "adapt": adapt_detector,
}

if __name__ == "__main__":
    sys.exit(main())
