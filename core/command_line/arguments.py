"""What may follow python -m core: commands, their arguments and where each is run. It loads nothing else."""

import argparse
from pathlib import Path
from typing import TypeAlias

_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class _Shared:
    """Arguments that several commands take."""

    def __init__(self) -> None:
        self.card = _parent()
        self.card.add_argument("--card", required=True, metavar="ID", help="a folder of weights/, see: cards")
        self.json = _parent()
        self.json.add_argument("--json", action="store_true", help="print JSON")
        self.anyway = _parent()
        self.anyway.add_argument(
            "--override-gate", action="store_true", help="judge what the gate refuses, and say so"
        )
        self.view = _parent()
        self.view.add_argument("--frame", type=int, metavar="N", help="of a file with several, from 1")
        self.view.add_argument("--window", default="", metavar="NAME", help="the file's own if left out")
        self.view.add_argument("--turn-back", action="store_true", help="read the negative of the file")
        self.point = _parent()
        self.point.add_argument(
            "--operating-point", type=Path, metavar="FILE", help="JSON from calibrate or page Thresholds"
        )
        self.point.add_argument(
            "--point", metavar="NAME", help="which one, when the file holds several; alone, the file itself"
        )
        self.where = _parent()
        self.where.add_argument(
            "--engine", choices=("local", "ray"), default="local", help="this process, or a Ray cluster"
        )
        self.where.add_argument(
            "--address", metavar="HOST", help="of a running Ray cluster; this machine if left out"
        )


def _parent() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(add_help=False)


def parser() -> argparse.ArgumentParser:
    """What may follow python -m core. The answer's `run` is a module of this package and its function."""
    whole = argparse.ArgumentParser(prog="python -m core", description="Read scans with the shipped models.")
    known = whole.add_subparsers(required=True, metavar="COMMAND")
    shared = _Shared()
    for add in (_add_listing, _add_one_scan, _add_outline, _add_many_scans, _add_own_place, _add_export):
        add(known, shared)
    return whole


def _add_listing(known: _Commands, shared: _Shared) -> None:
    listing = known.add_parser("cards", parents=[shared.json], help="list the models and how good they are")
    listing.set_defaults(run=("listing", "list_cards"))

    checklist = known.add_parser(
        "checklist", parents=[shared.card], help="CLAIM and TRIPOD+AI, as far as the card can answer"
    )
    checklist.add_argument("--format", choices=("csv", "md"), default="md")
    checklist.set_defaults(run=("listing", "print_checklist"))


def _add_one_scan(known: _Commands, shared: _Shared) -> None:
    one = [shared.card, shared.view, shared.anyway]
    predict = known.add_parser("predict", parents=[*one, shared.json, shared.point], help="judge one scan")
    predict.add_argument("file", type=Path, metavar="FILE")
    predict.add_argument("--sr", type=Path, metavar="DCM", help="DICOM Structured Report, of a DICOM file")
    predict.add_argument(
        "--keep-patient", action="store_true", help="the patient's tags go into the DICOM SR too"
    )
    predict.set_defaults(run=("one_scan", "predict_one"))

    explain = known.add_parser("explain", parents=one, help="draw what moved a classifier's score")
    explain.add_argument("file", type=Path, metavar="FILE")
    explain.add_argument("--method", required=True, metavar="NAME")
    explain.add_argument("--target", metavar="LABEL", help="the label to explain; the last one if left out")
    explain.add_argument("--out", type=Path, required=True, metavar="PNG")
    explain.set_defaults(run=("one_scan", "explain_one"))


def _add_outline(known: _Commands, shared: _Shared) -> None:
    one = [shared.card, shared.json, shared.view, shared.anyway]
    outline = known.add_parser("outline", parents=one, help="draw where a lesion is")
    outline.add_argument("file", type=Path, metavar="FILE")
    outline.add_argument("--out", type=Path, required=True, metavar="PNG", help="the scan, outlined")
    outline.add_argument("--mask", type=Path, metavar="PNG", help="white inside the outline")
    outline.add_argument("--seg", type=Path, metavar="DCM", help="DICOM SEG, of a DICOM file")
    outline.add_argument(
        "--keep-patient", action="store_true", help="the patient's tags go into the DICOM SEG too"
    )
    outline.set_defaults(run=("outline", "outline_one"))


def _add_many_scans(known: _Commands, shared: _Shared) -> None:
    many = [shared.card, shared.where, shared.point]
    screen = known.add_parser("screen", parents=[*many, shared.anyway], help="judge many scans into a table")
    screen.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="files and folders")
    screen.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help=".csv, or .parquet for a run to go on with"
    )
    screen.add_argument(
        "--frames", choices=("first", "all"), default="first", help="of files with several frames or pages"
    )
    screen.set_defaults(run=("many_scans", "screen_many"))

    measure = known.add_parser(
        "evaluate", parents=[*many, shared.json], help="measure on your labelled scans"
    )
    measure.add_argument(
        "folder", type=Path, metavar="DIR", help="one folder per class, or the files of --labels"
    )
    measure.add_argument("--labels", type=Path, metavar="CSV", help="with the columns name and label")
    measure.set_defaults(run=("many_scans", "evaluate_folder"))


def _add_own_place(known: _Commands, shared: _Shared) -> None:
    many = [shared.card, shared.where]
    calibrate = known.add_parser(
        "calibrate", parents=many, help="set a threshold on normal scans of your own place"
    )
    calibrate.add_argument(
        "scans", type=Path, metavar="DIR|CSV", help="normal scans, one folder per class, or label and score"
    )
    calibrate.add_argument("--specificity", type=float, default=0.9, metavar="SHARE", help="to be kept")
    calibrate.add_argument("--name", default="calibrated here", metavar="NAME", help="of the operating point")
    calibrate.add_argument("--out", type=Path, required=True, metavar="JSON")
    calibrate.set_defaults(run=("own_place", "calibrate_place"))

    adapt = known.add_parser(
        "adapt", parents=many, help="move a detector's mean and deviation to normals of your place"
    )
    adapt.add_argument("folder", type=Path, metavar="DIR", help="20 to 200 normal scans")
    adapt.add_argument("--out", type=Path, required=True, metavar="JSON", help="gets the operating point")
    adapt.set_defaults(run=("own_place", "adapt_detector"))


def _add_export(known: _Commands, shared: _Shared) -> None:
    exported = known.add_parser(
        "export", parents=[shared.card], help="write a model for ONNX Runtime or OpenVINO"
    )
    exported.add_argument("--format", choices=("onnx", "openvino"), required=True)
    exported.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help=".onnx, or .xml for OpenVINO"
    )
    exported.set_defaults(run=("exporting", "export_one"))
