"""What a person asked for, and the films that answer it."""

import os
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile

from core import cards
from core.card_types import Card
from core.errors import CardError, DataSetError, UnknownName
from core.names import BRAIN_MRI, CHEST_FILM, HEAD_CT
from core.types import Kind, Region
from train import runs
from train.new import checks, films, reading, splits
from train.new.checks import Findings
from train.new.films import Ask
from train.new.reading import FilmSet

SHORT_MODALITIES = {"chest": CHEST_FILM, "ct": HEAD_CT, "mri": BRAIN_MRI}
REGIONS: dict[str, Region] = {CHEST_FILM: "lungs", HEAD_CT: "head", BRAIN_MRI: "head"}
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
MADE_FROM = "made from"  # the setting on the card that holds the digest of films and settings
TAKEN = (cards.SAMPLES, cards.GATES)  # folders of weights/ that hold no card


@dataclass(frozen=True, slots=True)
class Request:
    """name: of the card. kind: None where the classes decide. base: a card below it, "" for the backbone."""

    name: str
    data: Path
    kind: Kind | None
    modality: str
    base: str
    normal: str
    patient: str | None
    task: str
    maps: tuple[str, ...]
    seed: int
    runs: Path
    replace: bool


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The films with their splits. known_by: digest of all that the card's weights depend on."""

    request: Request
    kind: Kind
    labels: tuple[str, ...]
    region: Region
    films: FilmSet
    findings: Findings
    known_by: str


def prepare(request: Request) -> Prepared:
    """Read, split and check. Raises OpacityError in one sentence for whatever cannot be gone on with."""
    require_name(request.name)
    if not request.replace:
        require_own(request.name)
    require_writable(cards.WEIGHTS, "Copy weights/ to a folder of yours and name it in OPACITY_WEIGHTS.")
    require_writable(request.runs, "Name another folder with --runs.")
    modality = SHORT_MODALITIES.get(request.modality, request.modality)
    request, ask = replace(request, modality=modality), _ask()
    cases = films.gather(request.data)
    labels = films.labels_of(cases, request.normal, ask)
    kind: Kind = request.kind or ("detector" if len(labels) == 1 else "classifier")
    if kind == "classifier" and len(labels) < 2:
        raise DataSetError(
            f"All films are {labels[0]}: a classifier needs another class, --kind detector none."
        )
    readable = reading.read(cases)
    readable, patients_known = _with_patients(request, readable, ask)
    found, copies = splits.carve(readable, labels, request.seed, detector=kind == "detector")
    region = REGIONS.get(modality, "whole")
    findings = checks.check(found, copies, region, normal=labels[0], patients_known=patients_known)
    base = cards.read(request.base).sha256 if request.base else ""
    rows = [
        (case.name, digest, case.label, case.split)
        for case, digest in zip(found.cases, found.digests, strict=True)
    ]
    known_by = runs.digest(rows, kind, labels, modality, base, request.seed)[:16]
    return Prepared(request, kind, labels, region, found, findings, known_by)


def _ask() -> Ask | None:
    return input if sys.stdin is not None and sys.stdin.isatty() else None


def _with_patients(request: Request, found: FilmSet, ask: Ask | None) -> tuple[FilmSet, bool]:
    """The films with their patients, and whether anything says who these are."""
    if any(case.patient != case.name for case in found.cases):
        return found, True
    rule = request.patient
    if rule is None and ask:
        rule = ask("Which part of a file's name is the patient? A regular expression, or Enter for none: ")
    if not rule:
        return found, False
    pattern = films.patient_rule(rule)
    named = [films.patient_of(pattern, case.name) for case in found.cases]
    if missing := [case.name for case, patient in zip(found.cases, named, strict=True) if patient is None]:
        raise DataSetError(
            f"--patient {rule!r} finds no patient in {len(missing)} of {len(named)} names, such as "
            f"{missing[0]}. Change the rule until it fits all."
        )
    cases = [replace(case, patient=patient or "") for case, patient in zip(found.cases, named, strict=True)]
    return found.chosen(range(len(cases)), cases), True


def require_name(name: str) -> None:
    """Raises UnknownName for what cannot be a card's folder."""
    if not NAME.fullmatch(name) or name in TAKEN:
        raise UnknownName(f"{name!r} cannot be a card's name: use small letters, digits and hyphens.")


def require_writable(folder: Path, remedy: str) -> None:
    """Raises CardError, before any work is done, for a folder that takes no file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise CardError(f"{folder} cannot be written to ({error.strerror}). {remedy}") from error


def require_one_process(script: str) -> None:
    """Raises UnknownName under torchrun: every process would write the same card."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UnknownName(f"{script} runs in one process: start it with python -m {script}, not torchrun.")


def require_own(name: str) -> None:
    """Raises CardError for the name of a card that ships."""
    if (cards.WEIGHTS / name / "card.json").is_file():
        card = cards.read(name)
        if not isinstance(card, Card) or card.origin != "own":
            raise CardError(f"{name} ships with Opacity: choose another name, or say --replace.")


def existing(prepared: Prepared) -> Card | None:
    """The card of that name where it came from the same films and settings, to go on with; None for none.

    Raises CardError for one of other films, unless it may be replaced.
    """
    request = prepared.request
    if request.replace or not (cards.WEIGHTS / request.name / "card.json").is_file():
        return None
    card = cards.read(request.name)
    assert isinstance(card, Card)
    if card.training.settings.get(MADE_FROM) != prepared.known_by:
        raise CardError(
            f"{request.name} was made from other films or settings: choose another name, or say --replace."
        )
    return card
