"""Read, write and verify weights/<id>/: card.json, model.safetensors, scores.csv.

No torch here: the app lists its cards before any network is needed.
"""

import csv
import hashlib
import io
import math
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError

from core import retired
from core.card_types import BackboneCard, Card, Scores, SegmenterCard
from core.errors import AlteredWeights, CardError, MissingWeights, UnknownName
from core.ranking import order


def _weights() -> Path:
    """The folder that OPACITY_WEIGHTS names, or the checkout's, or what was installed with this package."""
    if named := os.environ.get("OPACITY_WEIGHTS"):
        return Path(named)
    package = Path(__file__).resolve().parent
    checkout = package.parent / "weights"
    return checkout if checkout.is_dir() else package / "weights"


WEIGHTS = _weights()
SAMPLES = "samples"  # a folder of scans, which core.samples reads: its card is no model's
GATES = "gates"  # learned checks, each stored once for all cards that were taught the same films


AnyCard = Card | SegmenterCard | BackboneCard
_ADAPTER: TypeAdapter[AnyCard] = TypeAdapter(Annotated[AnyCard, Field(discriminator="kind")])


def read(card_id: str, root: Path = WEIGHTS) -> AnyCard:
    """The card of that id, without scales that scale nothing: it has no map by these methods.

    Raises UnknownName, or CardError when the file breaks its own rules.
    """
    path = root / card_id / "card.json"
    if card_id not in _folders(root):
        missing = retired.notice(card_id) or f"No card {card_id!r}."
        raise UnknownName(f"{missing} Choose from: {', '.join(c.id for c in every(root))}.")
    try:
        card = _ADAPTER.validate_json(path.read_bytes())
    except ValidationError as error:
        raise CardError(f"{path} is no card: {_fault(error)}. Write it again with train/.") from error
    if card.id != card_id:
        raise CardError(f"{path} says its id is {card.id!r}. The folder must carry the same name.")
    if isinstance(card, Card) and (bad := _unusable_scales(card)):
        return replace(card, scales={name: v for name, v in card.scales.items() if name not in bad})
    return card


def _unusable_scales(card: Card) -> dict[str, float]:
    """Heat is divided by its scale: by 0 or by what is no number no picture comes of it."""
    return {name: value for name, value in card.scales.items() if not 0 < value < math.inf}


def _fault(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def every(root: Path = WEIGHTS) -> tuple[Card, ...]:
    """All cards that a person can choose, as `ranking.order` has them. Broken cards are left to `broken`."""
    faulty = broken(root)
    readable = (read(name, root) for name in _folders(root) if name not in faulty)
    cards = [card for card in readable if isinstance(card, Card)]
    return tuple(sorted(cards, key=order))


def shipped(root: Path = WEIGHTS) -> tuple[Card, ...]:
    """The same without a person's own: what scripts that measure all cards on the public sets go through."""
    return tuple(card for card in every(root) if card.origin == "shipped")


def outlining(root: Path = WEIGHTS) -> tuple[SegmenterCard, ...]:
    """The cards that outline a lesion, by id; those that find lungs are no choice of a person's."""
    faulty = broken(root)
    found = (read(name, root) for name in _folders(root) if name not in faulty)
    return tuple(card for card in found if isinstance(card, SegmenterCard) and card.task != "lungs")


def broken(root: Path = WEIGHTS) -> dict[str, str]:
    """Folders whose card.json cannot be used, and why: one of them must not take the others down."""
    faults: dict[str, str] = {}
    for name in _folders(root):
        try:
            read(name, root)
        except CardError as fault:
            faults[name] = str(fault)
    return faults


def version(root: Path = WEIGHTS) -> str:
    """Changes with every card that is written or removed; costs one look at each file's date."""
    marks = [(path.parent.name, path.stat().st_mtime_ns) for path in sorted(root.glob("*/card.json"))]
    return hashlib.sha256(repr(marks).encode()).hexdigest()


def weights(card: AnyCard, root: Path = WEIGHTS) -> bytes:
    """The card's safetensors file, checked. Raises MissingWeights or AlteredWeights."""
    return _checked(root / card.id / "model.safetensors", card.sha256, card.training.command)


def gate(card: Card, root: Path = WEIGHTS) -> bytes:
    """The file that the card's learned check needs, checked. Raises CardError.

    A card may bring a gate.safetensors of its own; else it shares one by the start of its sha256.
    """
    if card.gate is None:
        raise CardError(
            f"Card {card.id} has no learned check. Make it with: python -m train.gate --data DATA"
        )
    own, shared = root / card.id / "gate.safetensors", _shared_gate(card.gate.sha256, root)
    return _checked(own if own.is_file() else shared, card.gate.sha256, card.gate.command)


def write_gate(data: bytes, root: Path = WEIGHTS) -> None:
    """Store a learned check for all cards that name its sha256."""
    path = _shared_gate(hashlib.sha256(data).hexdigest(), root)
    path.parent.mkdir(parents=True, exist_ok=True)
    _put(path, data)


def drop_unused_gates(root: Path = WEIGHTS) -> None:
    """Remove shared checks that no card names. A broken card may still need its own: then nothing goes."""
    if broken(root):
        return
    named = {_shared_gate(card.gate.sha256, root) for card in every(root) if card.gate}
    for path in (root / GATES).glob("*.safetensors"):
        if path not in named:
            path.unlink()


def _shared_gate(sha256: str, root: Path) -> Path:
    return root / GATES / f"{sha256[:12]}.safetensors"


def embeddings(card: Card, root: Path = WEIGHTS) -> bytes:
    """The embeddings.npz of the card's known cases, checked. Raises CardError."""
    if card.known is None:
        raise CardError(
            f"Card {card.id} has no known cases. Make them with: "
            f"python -m train.index --data DATA --card {card.id}"
        )
    return _checked(root / card.id / "embeddings.npz", card.known.sha256, card.known.command)


def write_embeddings(card_id: str, data: bytes, root: Path = WEIGHTS) -> None:
    """Store the known cases of a card; its `known` has to name their sha256."""
    _put(root / card_id / "embeddings.npz", data)


def _checked(path: Path, sha256: str, command: str) -> bytes:
    """The file, if it is the one that its card was written for. command: makes it again."""
    if not path.is_file():
        raise MissingWeights(f"{path} is missing. Make it with: {command}")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise AlteredWeights(
            f"{path} is not the file its card was written for (sha256 differs). Make it with: {command}"
        )
    return data


def scores(card: Card, root: Path = WEIGHTS) -> Scores:
    """The card's scores.csv. Raises CardError when it is missing or has a different header."""
    path = root / card.id / "scores.csv"
    if not path.is_file():
        raise CardError(f"{path} is missing. Make it with: {card.training.command}")
    return _table(path)


def normals(card: Card, root: Path = WEIGHTS) -> Scores | None:
    """Normals that the card learned from, judged by networks like its own that had not seen their run.

    They have the columns of scores.csv; None where nobody made them for these weights. Raises CardError for
    another header.
    """
    path = _normals(card, root)
    return _table(path) if path.is_file() else None


def write_normals(card: Card, table: Scores, root: Path = WEIGHTS) -> None:
    """Store what `normals` reads, in place of those of other weights."""
    path = _normals(card, root)
    _put(path, _as_csv(table))
    for other in path.parent.glob("normals-*.csv"):
        if other != path:
            other.unlink()


def _normals(card: Card, root: Path) -> Path:
    return root / card.id / f"normals-{card.sha256[:12]}.csv"


def _table(path: Path) -> Scores:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    expected = {"split", "case", "label", "score"}
    if not rows or not expected <= rows[0].keys():
        raise CardError(f"{path} must start with split,case,label,score and have rows.")
    names = [name for name in rows[0] if name.startswith("p_")]
    return Scores(
        split=tuple(row["split"] for row in rows),
        case=tuple(row["case"] for row in rows),
        label=tuple(row["label"] for row in rows),
        score=np.array([float(row["score"]) for row in rows]),
        probabilities={n.removeprefix("p_"): np.array([float(row[n]) for row in rows]) for n in names},
    )


def write(card: AnyCard, data: bytes, table: Scores | None, root: Path = WEIGHTS) -> Path:
    """Write the whole folder; the card last, so that a half-written folder is no card.

    Raises CardError, and writes nothing, for a card that could not be read again.
    card: goes to card.json.
    data: goes to model.safetensors.
    table: goes to scores.csv; None for a network without scores.
    root: the folder of weights.
    """
    folder, text = root / card.id, _as_json(card)
    folder.mkdir(parents=True, exist_ok=True)
    _put(folder / "model.safetensors", data)
    if table is not None:
        _put(folder / "scores.csv", _as_csv(table))
    _put(folder / "card.json", text)
    return folder


def write_card(card: AnyCard, root: Path = WEIGHTS) -> None:
    """Write card.json alone. Raises CardError, and writes nothing, when it could not be read again."""
    _put(root / card.id / "card.json", _as_json(card))


def _as_json(card: AnyCard) -> bytes:
    """The bytes of card.json. Raises CardError when they could not be read again."""
    for name, value in (_unusable_scales(card) if isinstance(card, Card) else {}).items():
        raise CardError(
            f"Card {card.id} was not written: scales.{name} is {value:g}, and a scale must be above 0. "
            "Leave this map out, or measure it on more scans."
        )
    data = _ADAPTER.dump_json(card, indent=1, warnings=False) + b"\n"
    try:
        _ADAPTER.validate_json(data)
    except ValidationError as error:
        raise CardError(f"Card {card.id} was not written: {_fault(error)}.") from error
    return data


def update(card_id: str, root: Path = WEIGHTS, **changes: Any) -> AnyCard:
    """Change fields of a card as it is now, for figures that come after the weights; returns the new card.

    A mapping, such as figures or scales, adds to the card's own; anything else takes its place. Readers see
    the old card or the new one. Raises CardError for a field or a value that no card has.
    """
    card = read(card_id, root)
    known = {field.name for field in fields(card)} - {"id", "kind"}  # these two say which card it is
    if unknown := sorted(changes.keys() - known):
        raise CardError(
            f"{unknown[0]} of {card_id} cannot be changed. Choose from: {', '.join(sorted(known))}."
        )
    merged: dict[str, Any] = {
        name: {**getattr(card, name), **value} if isinstance(value, Mapping) else value
        for name, value in changes.items()
    }
    changed = replace(card, **merged)
    write_card(changed, root)
    return changed


def remove(card_id: str, root: Path = WEIGHTS) -> None:
    """Delete a card that a person made; the card first, so that a half-deleted folder is no card.

    Raises CardError for a card that ships, and for one that others stand on.
    """
    card = read(card_id, root)
    if not isinstance(card, Card) or card.origin != "own":
        raise CardError(f"{card_id} ships with Opacity and is not removed: only your own models are.")
    above = [other.id for other in every(root) if f"{card_id}@" in str(other.arguments)]
    if above:
        raise CardError(f"{', '.join(above)} stands on {card_id}. Remove that first.")
    folder = root / card_id
    (folder / "card.json").unlink()
    shutil.rmtree(folder)
    drop_unused_gates(root)


def as_written(table: Scores) -> Scores:
    """The same table as scores.csv will give it back: with six significant digits."""
    return replace(
        table,
        score=_rounded(table.score),
        probabilities={name: _rounded(values) for name, values in table.probabilities.items()},
    )


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([float(_digits(value)) for value in values])


def _digits(value: float) -> str:
    return f"{value:.6g}"


def _as_csv(table: Scores) -> bytes:
    columns = [table.score, *table.probabilities.values()]
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["split", "case", "label", "score", *(f"p_{name}" for name in table.probabilities)])
    for index, head in enumerate(zip(table.split, table.case, table.label, strict=True)):
        writer.writerow([*head, *(_digits(column[index]) for column in columns)])
    return file.getvalue().encode()


def _put(path: Path, data: bytes) -> None:
    """Write beside and rename: who reads meanwhile, or after a failure, finds the old file whole."""
    beside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _folders(root: Path) -> list[str]:
    if not root.is_dir():
        raise CardError(f"There is no folder {root}. Name the one with the weights in OPACITY_WEIGHTS.")
    return sorted(path.parent.name for path in root.glob("*/card.json") if path.parent.name != SAMPLES)
