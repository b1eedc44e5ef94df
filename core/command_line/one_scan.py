"""python -m core predict, explain: one scan, read as the app reads it."""

import argparse
import sys
from dataclasses import replace
from typing import Any

from PIL import Image

from core import audit, inference, overlay
from core.batch import screening
from core.card_types import Card
from core.command_line import scans
from core.command_line.points import threshold_of
from core.command_line.printing import print_json
from core.types import Prediction


def predict_one(options: argparse.Namespace) -> int:
    """The verdict, once the gate lets the scan pass."""
    model = inference.load(options.card)
    scan = scans.read(options)
    admission = screening.admit(model, scan, override=options.override_gate)
    result, said = inference.judge(model, scan, admission.fields), admission.overridden
    if (chosen := threshold_of(options, model.card)) is not None:
        result = replace(result, threshold=chosen)
    audit.record(model.card, scan, threshold=result.threshold, verdict=result.verdict, overridden=bool(said))
    if options.sr:
        _write_sr(options, result, model.card)
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
        print_json(answer)
    else:
        print(f"{scan.name}: {result.verdict} (score {result.score:.4f}, threshold {result.threshold:.4f})")
        if scan.frames > 1:
            print(f"Frame {scan.frame + 1} of {scan.frames}: --frame N judges another.")
        for line in (*scan.notes, said):
            if line:
                print(line)
    return 0


def _write_sr(options: argparse.Namespace, result: inference.Judgement, card: Card) -> None:
    from core.export import structured_report as report  # brings highdicom, which takes a second to load

    words = f"{card.title}: {result.verdict}"
    found = report.Found(result.verdict, words, result.score, result.threshold)
    data = options.file.read_bytes()  # again: a scan keeps nothing of its header that could tell who it is
    options.sr.write_bytes(
        report.structured_report(data, options.file.name, found, card, keep_patient=options.keep_patient)
    )


def explain_one(options: argparse.Namespace) -> int:
    """A heat map over the scan, as a picture."""
    model = inference.load(options.card)
    scan = scans.read(options)
    admission = screening.admit(model, scan, override=options.override_gate)
    if admission.overridden:
        print(admission.overridden, file=sys.stderr)
    label = (options.target or model.card.labels[-1]).lower()
    explanation = inference.explain(model, scan, method=options.method, label=label, fields=admission.fields)
    picture = overlay.blend(scan.pixels, explanation.heatmap, scale=explanation.scale)
    Image.fromarray(picture).save(options.out, format="PNG")
    return 0
