"""Learn and measure the gate of the chest cards: python -m train.gate --data DATA

Weights and thresholds of the networks stay as they are: each card gets gate.safetensors, and card.json
the threshold and the refusals by kind.
"""

import argparse
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from core import cards, gate, images, likeness, lungs
from core.errors import RefusedScan, UnreadableImage
from core.resample import as_film
from core.types import Card, GateCheck, Refusals, Scan
from train import provenance, strangers
from train.data import Case, chest_xray
from train.tasks import TASKS

QUANTILE = 0.99
MOST = 300  # pictures of one kind, except where false refusals are counted
BATCH = 8  # more at a time is slower: large tensors are given back to the system after each layer


def main() -> None:
    arguments = parse()
    torch.manual_seed(arguments.seed)
    films = Sources(arguments.data)
    adults = features(paths(films.adults[::4])), features(paths(films.adults[2::4]))
    chosen = [card for card in cards.every() if card.modality == gate.FILM]
    chosen = [card for card in chosen if arguments.card in (None, card.id)]
    taught = {card.id: films.taught(card) for card in chosen}
    every = list({case.name: case for cases in taught.values() for case in cases}.values())
    found = dict(zip([case.name for case in every], features(paths([c.path for c in every])), strict=True))
    with tempfile.TemporaryDirectory() as folder:  # the app goes on with the old check until all is measured
        root = Path(folder)
        learned = [
            learn(card, {case.name: found[case.name] for case in taught[card.id]}, *adults, root)
            for card in chosen
        ]
        unlike = {check_of(card): card for card in learned}  # many cards were taught the same films
        tables = measure(list(unlike.values()), kinds(films, arguments.seed), root)
        measured = dict(zip(unlike, tables, strict=True))
        for card in learned:
            publish(card, measured[check_of(card)], root)


def check_of(card: Card) -> str:
    """What tells one learned check from another."""
    assert card.gate is not None
    return card.gate.sha256


def publish(card: Card, table: tuple[Refusals, ...], root: Path) -> None:
    assert card.gate is not None
    now = cards.read(card.id)  # others may have written to it in the meantime
    assert isinstance(now, Card)
    shutil.copy(root / card.id / "gate.safetensors", cards.WEIGHTS / card.id)
    cards.write_card(replace(now, gate=replace(card.gate, refusals=table)))
    announce(card, table)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with all public data sets")
    parser.add_argument("--card", help="one card; all chest cards when left out")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


@dataclass(frozen=True)
class Sources:
    """Where films lie. adults: even ones teach the gate, odd ones measure it."""

    data: Path

    @property
    def children(self) -> list[Case]:
        return chest_xray(self.data)

    def taught(self, card: Card) -> list[Case]:
        """The films that the card learned from or was chosen with."""
        cases = TASKS[card.task].cases(self.data) if card.task in TASKS else self.children
        return [case for case in cases if case.split == "train"]

    @property
    def adults(self) -> list[Path]:
        return files(self.data / "covid_radiography/Normal")


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]


def paths(these: Sequence[Path]) -> Iterator[Scan]:
    return (images.read(path.read_bytes(), path.name) for path in these)


def features(scans: Iterable[Scan]) -> Tensor:
    films = (as_film(scan.pixels) for scan in tqdm(scans, desc="reading films", mininterval=5))
    return torch.cat(
        [lungs.features(torch.cat(part)) for part in iter(lambda: list(islice(films, BATCH)), [])]
    )


def learn(card: Card, taught: dict[str, Tensor], adults: Tensor, more_adults: Tensor, root: Path) -> Card:
    """Fit on the card's training films and a quarter of the adults; the threshold lets 99 % of the card's
    validation films pass, and 99 % of another quarter of the adults. Writes root/<id>/gate.safetensors.

    taught: features of the card's own training and validation films by name.
    """
    held_out = {
        case
        for case, split in zip(cards.scores(card).case, cards.scores(card).split, strict=True)
        if split == "validation"
    }
    train = torch.stack([seen for name, seen in taught.items() if name not in held_out])
    validation = torch.stack([seen for name, seen in taught.items() if name in held_out])
    # Adults count as much as children, or they would be strangers here.
    like = likeness.fit(torch.cat([train, adults.repeat(max(len(train) // len(adults) // 2, 1), 1)]))
    data = likeness.pack(like)
    (root / card.id).mkdir()
    (root / card.id / "gate.safetensors").write_bytes(data)
    cuts = [float(torch.quantile(like.distance(part), QUANTILE)) for part in (validation, more_adults)]
    check = GateCheck(
        threshold=max(cuts),
        quantile=QUANTILE,
        data={
            "features": "deepest maps of lung-fields, averaged over quarters",
            "fitted on its own training films": len(train),
            "fitted on adults (COVID-19 Radiography, Normal)": len(adults),
            "threshold from its own validation films": len(validation),
            "threshold from adults, other ones": len(more_adults),
        },
        refusals=(),
        command=provenance.command(),
        sha256=provenance.sha256(data),
    )
    return replace(card, gate=check)


Kind = tuple[str, bool, Iterator[Scan]]


def kinds(films: Sources, seed: int) -> Iterator[Kind]:
    """(name, whether it ought to be refused, scans)."""
    data = films.data
    test = [case.path for case in films.children if case.split == "test"]
    adults = films.adults[1::2]
    both = spread([*test, *adults], MOST)
    yield "children's films, official test", False, paths(test)
    yield "adults' films, half not used before", False, paths(adults)
    yield "adults' films with COVID-19", False, paths(spread(files(data / "covid_radiography/COVID"), MOST))
    yield "DICOM chest films", False, readable(files(data / "dicom/cxr"))
    yield "negatives", True, (replace(scan, pixels=1 - scan.pixels) for scan in paths(both))
    for turns, name in ((1, "turned left"), (2, "upside down"), (3, "turned right")):
        yield f"films {name}", True, (turned(scan, turns) for scan in paths(both))
    yield "brain MRI", True, paths(spread(files(data / "brain_mri/test"), MOST))
    for folder in ("brain_ct", "brain_ct_hemorrhage"):
        yield f"head CT ({folder})", True, paths(spread(files(data / folder), MOST))
    yield "DICOM CT slices", True, readable(files(data / "dicom/ct"))
    yield "DICOM, other than chest", True, readable(files(data / "dicom/not_chest"))
    for make in (strangers.photographs, strangers.drawings, strangers.text_pages, strangers.noise):
        made = islice(make(np.random.default_rng(seed)), MOST)
        yield make.__name__.replace("_", " "), True, (images.read(data, make.__name__) for data in made)


def spread(these: Sequence[Path], most: int) -> list[Path]:
    """At most so many of them, evenly chosen."""
    return [these[i] for i in np.linspace(0, len(these) - 1, min(most, len(these))).astype(int)]


def readable(these: Sequence[Path]) -> Iterator[Scan]:
    for path in these:
        try:
            yield images.read(path.read_bytes(), path.name)
        except UnreadableImage:
            continue


def turned(scan: Scan, quarters: int) -> Scan:
    return replace(scan, pixels=np.ascontiguousarray(np.rot90(scan.pixels, quarters)))


def measure(learned: Sequence[Card], every: Iterable[Kind], root: Path) -> list[tuple[Refusals, ...]]:
    """The gate's answers, for each card one row per kind."""
    tables: list[list[Refusals]] = [[] for _ in learned]
    for name, wanted, scans in every:
        failed: list[Counter[str]] = [Counter() for _ in learned]
        n = 0
        for scan, known, negative in with_facts(tqdm(scans, desc=name, mininterval=5), learned, root):
            n += 1
            for card, counts in zip(learned, failed, strict=True):
                counts[test_failed(scan, card, known, negative, root)] += 1
        for table, counts in zip(tables, failed, strict=True):
            passed = counts.pop("", 0)
            table.append(Refusals(name, wanted, n, n - passed, dict(counts.most_common())))
    return [tuple(table) for table in tables]


def with_facts(
    scans: Iterable[Scan], asked: Sequence[Card], root: Path
) -> Iterator[tuple[Scan, gate.Facts, gate.Facts]]:
    """Each scan with what the gate has to know of it and, where a card refuses it, of its negative."""
    scans = iter(scans)
    while part := list(islice(scans, BATCH)):
        films = torch.cat([as_film(scan.pixels) for scan in part])
        seen = facts(films)
        settled = [replace(scan, turned=True) for scan in part]
        refused = [
            i
            for i, scan in enumerate(settled)
            if any(test_failed(scan, card, seen[i], seen[i], root) for card in asked)
        ]
        negatives = dict(zip(refused, facts(1 - films[refused]) if refused else [], strict=True))
        yield from ((scan, seen[i], negatives.get(i, seen[i])) for i, scan in enumerate(part))


def facts(films: Tensor) -> list[gate.Facts]:
    both = zip(lungs.probabilities(films), lungs.features(films), strict=True)
    return [gate.Facts(lungs.measure(probability), features[None]) for probability, features in both]


def test_failed(scan: Scan, card: Card, known: gate.Facts, negative: gate.Facts, root: Path) -> str:
    """The test that the scan failed, "" if it passed."""
    try:
        gate.check(scan, card, known=known, negative=negative, root=root)
    except RefusedScan as reason:
        return reason.test
    return ""


def announce(card: Card, table: Sequence[Refusals]) -> None:
    assert card.gate is not None
    print(f"{card.id}: distance at most {card.gate.threshold:.3f}")
    for row in table:
        tests = ", ".join(f"{test} {count}" for test, count in row.tests.items())
        print(f"  {row.kind:40} {row.refused:5} of {row.n:5} refused ({row.refused / row.n:.1%}) {tests}")


if __name__ == "__main__":
    main()
