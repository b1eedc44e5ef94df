"""What may follow python -m core: commands and their arguments."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from core import export

Command = Callable[[argparse.Namespace], int]


def parser(commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    """What may follow python -m core. commands: what runs each, by its name; it returns the exit code."""
    whole = argparse.ArgumentParser(prog="python -m core", description="Read scans with the shipped models.")
    known = whole.add_subparsers(required=True, metavar="COMMAND")
    card = argparse.ArgumentParser(add_help=False)
    card.add_argument("--card", required=True, metavar="ID", help="a folder of weights/, see: cards")
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="print JSON")

    listing = known.add_parser("cards", parents=[as_json], help="list the models and how good they are")
    listing.set_defaults(run=commands["cards"])

    anyway = argparse.ArgumentParser(add_help=False)
    anyway.add_argument(
        "--override-gate", action="store_true", help="judge what the gate refuses, and say so"
    )
    view = argparse.ArgumentParser(add_help=False)
    view.add_argument("--frame", type=int, metavar="N", help="of a file with several, from 1")
    view.add_argument("--window", default="", metavar="NAME", help="the file's own if left out")
    view.add_argument("--turn-back", action="store_true", help="read the negative of the file")

    point = argparse.ArgumentParser(add_help=False)
    point.add_argument(
        "--operating-point", type=Path, metavar="FILE", help="JSON from calibrate or page Thresholds"
    )
    point.add_argument(
        "--point", metavar="NAME", help="which one, when the file holds several; alone, the file itself"
    )

    predict = known.add_parser("predict", parents=[card, as_json, view, anyway, point], help="judge one scan")
    predict.add_argument("file", type=Path, metavar="FILE")
    predict.set_defaults(run=commands["predict"])

    explain = known.add_parser(
        "explain", parents=[card, view, anyway], help="draw what moved a classifier's score"
    )
    explain.add_argument("file", type=Path, metavar="FILE")
    explain.add_argument("--method", required=True, metavar="NAME")
    explain.add_argument("--target", metavar="LABEL", help="the label to explain; the last one if left out")
    explain.add_argument("--out", type=Path, required=True, metavar="PNG")
    explain.set_defaults(run=commands["explain"])

    outline = known.add_parser(
        "outline", parents=[card, as_json, view, anyway], help="draw where a lesion is"
    )
    outline.add_argument("file", type=Path, metavar="FILE")
    outline.add_argument("--out", type=Path, required=True, metavar="PNG", help="the scan, outlined")
    outline.add_argument("--mask", type=Path, metavar="PNG", help="white inside the outline")
    outline.add_argument("--seg", type=Path, metavar="DCM", help="DICOM SEG, of a DICOM file")
    outline.add_argument(
        "--keep-patient", action="store_true", help="the patient's tags go into the DICOM SEG too"
    )
    outline.set_defaults(run=commands["outline"])

    where = argparse.ArgumentParser(add_help=False)
    where.add_argument(
        "--engine", choices=("local", "ray"), default="local", help="this process, or a Ray cluster"
    )
    where.add_argument("--address", metavar="HOST", help="of a running Ray cluster; this machine if left out")

    screen = known.add_parser(
        "screen", parents=[card, anyway, where, point], help="judge many scans into a table"
    )
    screen.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="files and folders")
    screen.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help=".csv, or .parquet for a run to go on with"
    )
    screen.add_argument(
        "--frames", choices=("first", "all"), default="first", help="of files with several frames or pages"
    )
    screen.set_defaults(run=commands["screen"])

    measure = known.add_parser(
        "evaluate", parents=[card, as_json, where, point], help="measure on your labelled scans"
    )
    measure.add_argument(
        "folder", type=Path, metavar="DIR", help="one folder per class, or the files of --labels"
    )
    measure.add_argument("--labels", type=Path, metavar="CSV", help="with the columns name and label")
    measure.set_defaults(run=commands["evaluate"])

    calibrate = known.add_parser(
        "calibrate", parents=[card, where], help="set a threshold on normal scans of your own place"
    )
    calibrate.add_argument(
        "scans", type=Path, metavar="DIR|CSV", help="normal scans, one folder per class, or label and score"
    )
    calibrate.add_argument("--specificity", type=float, default=0.9, metavar="SHARE", help="to be kept")
    calibrate.add_argument("--name", default="calibrated here", metavar="NAME", help="of the operating point")
    calibrate.add_argument("--out", type=Path, required=True, metavar="JSON")
    calibrate.set_defaults(run=commands["calibrate"])

    exported = known.add_parser("export", parents=[card], help="write a model for ONNX Runtime or OpenVINO")
    exported.add_argument("--format", choices=tuple(export.FORMATS), required=True)
    exported.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help=".onnx, or .xml for OpenVINO"
    )
    exported.set_defaults(run=commands["export"])

    checklist = known.add_parser(
        "checklist", parents=[card], help="CLAIM and TRIPOD+AI, as far as the card can answer"
    )
    checklist.add_argument("--format", choices=("csv", "md"), default="md")
    checklist.set_defaults(run=commands["checklist"])

    adapt = known.add_parser(
        "adapt", parents=[card, where], help="move a detector's mean and deviation to normals of your place"
    )
    adapt.add_argument("folder", type=Path, metavar="DIR", help="20 to 200 normal scans")
    adapt.add_argument("--out", type=Path, required=True, metavar="JSON", help="gets the operating point")
    adapt.set_defaults(run=commands["adapt"])
    return whole
