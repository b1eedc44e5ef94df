"""python -m core calibrate, adapt: a threshold for the scans of one place."""

import argparse

from core import inference
from core.batch import folders, local_scans, screening
from core.batch.rows import Job
from core.command_line.many_scans import judged
from core.evaluation import local_normals, operating_points
from core.evaluation.local_calibration import in_words


def calibrate_place(options: argparse.Namespace) -> int:
    """The threshold that keeps a specificity there, as an operating point."""
    model = screening.load(options.card)
    if options.scans.is_dir():
        scans = local_scans.from_folder(
            model.card, options.scans, lambda files: judged(options, model, files, Job())
        )
    else:
        scans = local_scans.from_table(model.card, options.scans)
    found = local_scans.calibrated(model.card, scans, options.specificity)
    point = operating_points.calibrated(model.card, found, options.name)
    options.out.write_text(operating_points.export([point]), "utf-8")
    print("\n".join(in_words(found)))
    return 0


def adapt_detector(options: argparse.Namespace) -> int:
    """A detector's mean and deviation moved to the normals of the place, as an operating point."""
    model = inference.load(options.card)
    rows = judged(options, model, folders.files([options.folder]), Job())
    point = local_normals.adapted(model.card, [row.score for row in rows if row.score is not None])
    options.out.write_text(operating_points.export([point]), "utf-8")
    print(f"Threshold {point.threshold:.4g}, the card's own is {model.card.threshold:.4g}: {options.out}")
    return 0
