"""From a folder of one's own films to a card in the app: python -m train.new NAME --data FOLDER

FOLDER holds one sub-folder per class, with any names; or give a CSV with the columns path and label, and
patient and split where they are known. Stopped, the same command goes on.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from os import cpu_count
from pathlib import Path

import torch

from core import cards, inference
from core.card_types import Card
from core.errors import CardError, OpacityError
from core.explainers import EXPLAINERS, FAST
from core.neighbours import TSNE_LAYOUT, layout
from core.types import EvaluationReport
from train import index, trust
from train.new import checks, classifier, detector, gate, request
from train.new.request import Prepared, Request

TRUST_SCANS = 8  # films that heat maps are measured on
SLOW_EVERY = 4  # of slow methods, one film in so many
Step = Callable[[Prepared, Card], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 when done, 2 on anything that a person has to change, 130 when stopped."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    options = parse(arguments)
    try:
        if options.remove:
            cards.remove(options.name)
            print(f"{options.name} is removed.")
            return 0
        request.require_one_process("train.new")
        make(options)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130
    except OpacityError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename or 'A file'} cannot be read or written: {error.strerror}.", file=sys.stderr)
        return 2
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m train.new", description=__doc__)
    parser.add_argument("name", help="of the new card: small letters, digits, hyphens")
    parser.add_argument("--data", type=Path, help="folder with a sub-folder per class, or a CSV")
    parser.add_argument("--kind", choices=("classifier", "detector"), help="a detector where all is normal")
    parser.add_argument("--modality", default="chest", help="chest, ct, mri, or what it is in your words")
    parser.add_argument("--normal", default="", help="which class is normal, where its name does not tell")
    parser.add_argument("--patient", metavar="REGEX", help="finds the patient in a file's name")
    parser.add_argument("--base", default="", metavar="ID", help="stand on this classifier, not on DINOv2")
    parser.add_argument(
        "--method", choices=sorted(detector.METHODS), default="mahalanobis", help="of a detector"
    )
    parser.add_argument(
        "--task", default="", help="cards of one task stand beside each other; NAME if left out"
    )
    parser.add_argument("--only", choices=("train", *STEPS), help="do this part again and no other")
    parser.add_argument(
        "--maps",
        nargs="+",
        choices=list(EXPLAINERS),
        default=list(FAST),
        help="heat maps to offer",
    )
    parser.add_argument("--replace", action="store_true", help="overwrite a card of that name")
    parser.add_argument("--remove", action="store_true", help="delete your card of that name")
    parser.add_argument("--seed", type=int, default=0, help="of splits, training and drawn pictures")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where what was computed is kept")
    options = parser.parse_args(arguments)
    if not options.data and not options.remove:
        parser.error("say where the films are with --data")
    return options


def make(options: argparse.Namespace) -> None:
    """All parts that are not done yet, or the one that is asked for."""
    prepared = request.prepare(
        Request(
            name=options.name,
            data=options.data,
            kind=options.kind,
            modality=options.modality,
            base=options.base,
            normal=options.normal,
            patient=options.patient,
            task=options.task,
            maps=tuple(options.maps),
            seed=options.seed,
            runs=options.runs,
            replace=options.replace and options.only in (None, "train"),
        )
    )
    for line in checks.sentences(prepared.findings, prepared.request.modality):
        print(line, flush=True)
    card = request.existing(prepared)
    if options.only not in (None, "train") and card is None:
        raise CardError(f"There is no card {options.name} yet. Leave --only out to make it.")
    if card is None or options.only == "train":
        card = train(prepared, options.method)
    for name in wanted_steps(card, options.only):
        print(f"{name}:", flush=True)
        STEPS[name](prepared, card)
    show(options.name)


def train(prepared: Prepared, method: str) -> Card:
    """The card with its threshold and report."""
    if prepared.kind == "detector":
        return detector.make(prepared, method)
    return classifier.make(prepared)


def wanted_steps(card: Card, only: str | None) -> list[str]:
    """The one that is asked for, or all that the card lacks. Raises CardError for what no detector has."""
    has: dict[str, object] = {"gate": card.gate}
    if card.kind == "classifier":
        has |= {"trust": card.trust, "index": card.known}
    if only is None:
        return [name for name, found in has.items() if not found]
    if only != "train" and only not in has:
        raise CardError(f"{card.id} is a detector: its map is its score, and it has no {only}.")
    return [only] if only in has else []


def measure_trust(prepared: Prepared, card: Card) -> None:
    """Scales and trust of a classifier's heat maps."""
    torch.set_num_threads(1)  # scans in parallel use the cores better than the layers of one do
    subsampling = trust.Subsampling(TRUST_SCANS, SLOW_EVERY, prepared.request.maps)
    cases = {case.name: case for case in prepared.films.cases}
    done = trust.measure_trust(inference.load(card.id), cases, subsampling, workers=cpu_count() or 1)
    cards.update(card.id, scales=done.scales, trust=done.trust)
    trust.print_trust_table(done)


def make_index(prepared: Prepared, card: Card) -> None:
    """The known cases of a classifier, for page Neighbours."""
    model = inference.load(card.id)
    known = [case for case in prepared.films.cases if case.split != "test"]
    found = index.embed_cases(model, known, Path(known[0].path.anchor))
    found = replace(
        found,
        path=found.case,  # nobody's folders go into a card
        layouts={TSNE_LAYOUT: layout(found.embeddings.numpy(), seed=prepared.request.seed)},
    )
    index.write_index(card, found, index.choose_voting(found, card.labels))


STEPS: dict[str, Step] = {"gate": gate.make, "trust": measure_trust, "index": make_index}


def show(name: str) -> None:
    """Say what the card's figures can tell and what they cannot."""
    card = cards.read(name)
    assert isinstance(card, Card)
    for line in limits(card.report["test"]):
        print(line)
    print(f"{name} is in the app now: page Models, Your models. Remove it there, or with --remove.")


def limits(report: EvaluationReport) -> list[str]:
    """What so many test films show, and what they do not."""
    point = report.points[0]
    (low, high), found, spared = report.auc_interval, point.sensitivity_interval, point.specificity_interval
    return [
        f"{report.n} test films, {report.abnormal} of them abnormal, can show this much: "
        f"AUC {report.auc:.3f} ({low:.3f}-{high:.3f}), "
        f"sensitivity {point.sensitivity:.3f} ({found[0]:.3f}-{found[1]:.3f}), "
        f"specificity {point.specificity:.3f} ({spared[0]:.3f}-{spared[1]:.3f}). "
        "The truth may lie anywhere in these intervals.",
        "They cannot show how it does on films of another hospital, machine or year, nor tell it from a "
        "model whose figures lie in the same intervals.",
    ]


if __name__ == "__main__":
    sys.exit(main())
