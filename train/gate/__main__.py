"""Learn and measure the gate of every card: python -m train.gate --data DATA

Weights and thresholds of the networks stay as they are: the check goes to weights/gates/, and card.json gets
the threshold and the refusals by kind.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from tqdm import tqdm

from core import cards, feature_density, gate
from core.anatomy import lungs
from core.card_types import Card, GateCheck, Refusals
from core.errors import RefusedScan
from core.feature_density import FeatureDensity
from core.resample import as_film
from core.types import Scan
from train.data.datasets import Case
from train.gate import pictures
from train.gate.pictures import GateData, Kind, as_films, read_scans
from train.publish import provenance

QUANTILE = 0.99
INVERSE_PENALTY = 0.1  # C of the regression that tells CT from MRI, by validation scans
BATCH = 8  # more at a time is slower: large tensors are given back to the system after each layer


def main() -> None:
    arguments = parse()
    torch.manual_seed(arguments.seed)
    chosen = [card for card in cards.shipped() if not arguments.card or card.id in arguments.card]
    chosen = [card for card in chosen if arguments.modality in (None, card.modality)]
    for modality, segmenter in dict.fromkeys(kind_of(card) for card in chosen):
        same = [card for card in chosen if kind_of(card) == (modality, segmenter)]
        with (
            tempfile.TemporaryDirectory() as folder
        ):  # the app goes on with the old check until all is measured
            fit_gates(same, pictures.gate_data(modality, arguments.data), Path(folder), arguments.seed)
    cards.drop_unused_gates()


def kind_of(card: Card) -> tuple[str, str]:
    """What it reads, and the segmenter that finds lungs for it: cards alike in both see the same facts."""
    return card.modality, lungs.segmenter_of(card.input)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with all public data sets")
    parser.add_argument("--card", nargs="*", default=[], help="all cards when left out")
    parser.add_argument("--modality", choices=sorted(gate.MODALITIES), help="all cards that read this")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def fit_gates(same: Sequence[Card], gate_data: GateData, root: Path, seed: int) -> None:
    """Fit, measure and publish the learned check of cards of one modality.

    same: the cards.
    gate_data: what is added to their scans, and what they are tried on.
    root: where files wait meanwhile.
    seed: of drawn pictures.
    """
    known: dict[str, Tensor] = {}
    learned = [fit_gate(card, gate_data, known, root) for card in same]
    distinct = {check_digest(card): card for card in learned}  # many cards share their training films
    tables = count_refusals(list(distinct.values()), gate_data.kinds(seed), root)
    measured = dict(zip(distinct, tables, strict=True))
    for card in learned:
        publish_gate(card, measured[check_digest(card)], root)


def check_digest(card: Card) -> str:
    """What tells one learned check from another."""
    assert card.gate is not None
    return card.gate.sha256


def publish_gate(card: Card, table: tuple[Refusals, ...], root: Path) -> None:
    """Put the check into weights/gates/, and its refusals on the card.

    card: with its learned check.
    table: refusals by kind of picture.
    root: where the check waits.
    """
    assert card.gate is not None
    cards.write_gate(cards.gate(card, root))
    own = cards.WEIGHTS / card.id / "gate.safetensors"  # brought along by a card from elsewhere
    own.unlink(missing_ok=True)
    cards.update(card.id, gate=replace(card.gate, refusals=table))
    print_refusals(card, table)


def lung_features(films: Iterable[Tensor]) -> Tensor:
    """films: (1, 1, FILM_SIZE, FILM_SIZE) each -> (N, D)."""
    shown = iter(tqdm(films, desc="reading films", mininterval=5))
    return torch.cat(
        [lungs.features(torch.cat(part)) for part in iter(lambda: list(islice(shown, BATCH)), [])]
    )


@dataclass(frozen=True, slots=True, eq=False)
class GateFeatures:
    """Features (N, D) of a card's own training and validation scans, of those learned beside them, and of
    another modality's, as they are and under acquisition shift; None where no other modality looks alike."""

    train: Tensor
    validation: Tensor
    more: Tensor
    more_held_out: Tensor
    others: Tensor | None


def gate_features(card: Card, gate_data: GateData, known: dict[str, Tensor]) -> GateFeatures:
    """Features of all that the card's check is fitted on and has its threshold from.

    card: its scores.csv says which cases are held out.
    gate_data: the card's cases, and what is added.
    known: features at hand, by what they are of; new ones are added.
    """
    table = cards.scores(card)
    held_out = {case for case, split in zip(table.case, table.split, strict=True) if split == "validation"}
    every = gate_data.cases(card)
    sides = [[case for case in every if (case.name in held_out) == held] for held in (False, True)]

    def computed_once(what: str, cases: Sequence[Case], shown: Iterator[Tensor]) -> Tensor:
        key = "\n".join([what, *(case.name for case in cases)])
        if key not in known:
            known[key] = lung_features(shown)
        return known[key]

    train, validation = (
        computed_once("own", cases, as_films(read_scans([case.path for case in cases]))) for cases in sides
    )
    more, more_held_out = (
        computed_once(what, cases if gate_data.of_own else [], make(cases))
        for what, cases, make in zip(
            ("fitted", "held out"), sides, (gate_data.fitted, gate_data.held_out), strict=True
        )
    )
    others = None
    if gate_data.others:
        shown = chain(
            as_films(read_scans([case.path for case in gate_data.others])),
            pictures.acquisition_shifted(gate_data.others, seed=0),
        )
        others = computed_once("others", gate_data.others, shown)
    return GateFeatures(train, validation, more, more_held_out, others)


def fit_gate(card: Card, gate_data: GateData, known: dict[str, Tensor], root: Path) -> Card:
    """The card with its learned check, which is written under root.

    The threshold lets 99 % of the card's own validation scans pass, and 99 % of the others held out.

    card: the one whose training scans are learned.
    gate_data: what is added to them.
    known: features at hand; new ones are added.
    root: where files wait until all is measured.
    """
    seen = gate_features(card, gate_data, known)
    # what is added counts as much as the card's own, or it would be far from all that was learned
    times = max(len(seen.train) // len(seen.more) // 2, 1)
    density = feature_density.fit(torch.cat([seen.train, seen.more.repeat(times, 1)]))
    if seen.others is not None:
        density = separate_from_others(density, torch.cat([seen.train, seen.more]), seen.others)
    data = feature_density.pack(density)
    cards.write_gate(data, root)
    cuts = [
        float(torch.quantile(density.distance(part), QUANTILE))
        for part in (seen.validation, seen.more_held_out)
    ]
    check = GateCheck(
        threshold=max(cuts),
        quantile=QUANTILE,
        data={
            "features": "deepest maps of lung-fields, averaged over quarters",
            "fitted on its own training scans": len(seen.train),
            f"fitted on {gate_data.more}": len(seen.more),
            "threshold from its own validation scans": len(seen.validation),
            f"threshold from {gate_data.more}, held out": len(seen.more_held_out),
            **({} if seen.others is None else {"told from slices of the other modality": len(seen.others)}),
        },
        refusals=(),
        command=provenance.command(),
        sha256=provenance.sha256(data),
    )
    return replace(card, gate=check)


def separate_from_others(density: FeatureDensity, own: Tensor, others: Tensor) -> FeatureDensity:
    """The density that also knows the others, by logistic regression, both sides counting alike.

    density: fitted on own scans.
    own: (N, D), their features.
    others: (M, D), those of another modality.
    """
    z = (torch.cat([own, others]) - density.mean) / density.scale
    truth = [False] * len(own) + [True] * len(others)
    fitted = LogisticRegression(C=INVERSE_PENALTY, class_weight="balanced", max_iter=3000).fit(
        z.numpy(), truth
    )
    return replace(density, against=torch.from_numpy(np.append(fitted.coef_[0], fitted.intercept_)).float())


def count_refusals(learned: Sequence[Card], every: Iterable[Kind], root: Path) -> list[tuple[Refusals, ...]]:
    """The gate's answers, for each card one row per kind.

    learned: cards with their learned check.
    every: the kinds of pictures, each gone through once.
    root: where the learned checks wait.
    """
    tables: list[list[Refusals]] = [[] for _ in learned]
    for name, wanted, scans in every:
        failed: list[Counter[str]] = [Counter() for _ in learned]
        n = 0
        for scan, known, negative in with_facts(tqdm(scans, desc=name, mininterval=5), learned, root):
            n += 1
            for card, counts in zip(learned, failed, strict=True):
                counts[failed_test(scan, card, known, negative, root)] += 1
        for table, counts in zip(tables, failed, strict=True):
            passed = counts.pop("", 0)
            table.append(Refusals(name, wanted, n, n - passed, dict(counts.most_common())))
    return [tuple(table) for table in tables]


def with_facts(
    scans: Iterable[Scan], asked: Sequence[Card], root: Path
) -> Iterator[tuple[Scan, gate.ScanFeatures, gate.ScanFeatures]]:
    """Each scan with what the gate has to know of it and, where a card refuses it, of its negative.

    scans: read one batch at a time.
    asked: the cards, which have one segmenter.
    root: where the learned checks wait.
    """
    scans, segmenter = iter(scans), kind_of(asked[0])[1]
    while part := list(islice(scans, BATCH)):
        shown = torch.cat([as_film(scan.pixels) for scan in part])
        seen = facts(shown, segmenter)
        settled = [replace(scan, turned=True) for scan in part]
        refused = [
            i
            for i, scan in enumerate(settled)
            if any(failed_test(scan, card, seen[i], seen[i], root) for card in asked)
        ]
        negatives = dict(zip(refused, facts(1 - shown[refused], segmenter) if refused else [], strict=True))
        yield from ((scan, seen[i], negatives.get(i, seen[i])) for i, scan in enumerate(part))


def facts(films: Tensor, segmenter: str) -> list[gate.ScanFeatures]:
    """films: (N, 1, H, W). segmenter: the card of the one that finds lungs."""
    both = zip(lungs.probabilities(films, lungs.network(segmenter)), lungs.features(films), strict=True)
    return [gate.ScanFeatures(lungs.measure(probability), features[None]) for probability, features in both]


def failed_test(
    scan: Scan, card: Card, known: gate.ScanFeatures, negative: gate.ScanFeatures, root: Path
) -> str:
    """The test of the gate that the scan failed, "" if it passed.

    scan: as read.
    card: with its learned check.
    known, negative: facts of the scan and of its negative.
    root: where the check waits.
    """
    try:
        gate.check(scan, card, described=known, negative=negative, root=root)
    except RefusedScan as reason:
        return reason.test
    return ""


def print_refusals(card: Card, table: Sequence[Refusals]) -> None:
    assert card.gate is not None
    print(f"{card.id}: distance at most {card.gate.threshold:.3f}")
    for row in table:
        tests = ", ".join(f"{test} {count}" for test, count in row.tests.items())
        print(f"  {row.kind:40} {row.refused:5} of {row.n:5} refused ({row.refused / row.n:.1%}) {tests}")


if __name__ == "__main__":
    main()
