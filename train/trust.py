"""Say in a card how far each of its heat maps can be trusted: python -m train.trust --data DATA"""

import argparse
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from os import cpu_count
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor
from tqdm import tqdm

from core import cards, inference
from core.anatomy import lungs
from core.card_types import Card
from core.errors import UnknownName
from core.explainers import EXPLAINERS, FAST, trust
from core.explainers.ensemble import heat_map
from core.inference import Model
from core.models import AnyClassifier, Classifier
from core.preprocess import align, to_scan_space
from core.reading import images
from core.types import Frame, LungFields, Trust
from train.data.datasets import Case, evenly_spaced
from train.data.tasks import task_of_card

SCANS = 100
SCALE_EVERY = 4  # one in so many validation scans is shown to slow methods, for their scale
NORM_SCANS = 16  # scans on which the norms of randomised networks settle
SCALE_QUANTILE = 0.95  # of each map's hottest place over validation scans: full colour from there on


@dataclass(frozen=True, slots=True)
class ScanTrust:
    """One method on one scan. sanity: rank correlation by randomised stage."""

    lung_share: float | None
    lung_area: float
    deletion: float
    insertion: float
    random_deletion: float
    random_insertion: float
    sanity: Mapping[str, float]
    seconds: float


def main() -> None:
    arguments = parse()
    torch.set_num_threads(1)  # scans in parallel use the cores better than the layers of one do
    chosen = [card for card in cards.shipped() if card.kind == "classifier" and not card.yardstick]
    if arguments.card:
        chosen = [inference.load(arguments.card).card]
    for card in chosen:
        cases = {case.name: case for case in task_of_card(card).cases(arguments.data)}
        model = inference.load(card.id)
        subsampling = Subsampling(
            arguments.scans,
            arguments.slow_every,
            tuple(arguments.methods or EXPLAINERS),
        )
        done = measure_trust(model, cases, subsampling, workers=arguments.workers)
        cards.update(card.id, scales=done.scales, trust=done.trust)
        print_trust_table(done)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with chest_xray/")
    parser.add_argument("--card", help="a folder of weights/; every classifier if left out")
    parser.add_argument("--scans", type=int, default=SCANS, help="of validation, and of test")
    parser.add_argument("--methods", nargs="+", choices=EXPLAINERS, help="only these rows; all when left out")
    parser.add_argument("--slow-every", type=int, default=1, help="slow methods on one scan in so many")
    parser.add_argument("--workers", type=int, default=cpu_count() or 1)
    return parser.parse_args()


@dataclass(frozen=True, slots=True)
class Subsampling:
    """Which scans each method is measured on.

    scans: at most so many of each split.
    slow_every: slow methods see one scan in so many.
    wanted: names of the methods.
    """

    scans: int
    slow_every: int
    wanted: tuple[str, ...]

    def methods(self, index: int, slow_every: int | None = None) -> list[str]:
        """The methods that the scan of that number is shown to."""
        every = slow_every or self.slow_every
        return [name for name in self.wanted if name in FAST or index % every == 0]


def measure_trust(model: Model, cases: Mapping[str, Case], subsampling: Subsampling, *, workers: int) -> Card:
    """The card with heat scales from its validation scans and trust from its test scans.

    model: the classifier with its card.
    cases: by name, all of the card's scores.csv.
    subsampling: which scans, which methods.
    workers: scans looked at side by side.
    """
    card = model.card
    table = cards.scores(card)
    listed = list(zip(table.split, table.case, strict=True))
    validation, test = (
        evenly_spaced([cases[name] for split, name in listed if split == wanted], subsampling.scans)
        for wanted in ("validation", "test")
    )
    for network in member_networks(model):
        network.to(memory_format=torch.channels_last)  # faster, and nobody else's
    stages = randomised_networks(model, evenly_spaced(validation, NORM_SCANS))
    with ThreadPoolExecutor(workers) as pool:
        drawn = pool.map(
            lambda numbered: map_maxima(model, numbered[1], subsampling.methods(numbered[0], SCALE_EVERY)),
            enumerate(validation),
        )
        peaks = list(tqdm(drawn, "scales", len(validation), unit="scan", mininterval=5))
        rows = pool.map(
            lambda numbered: measure_scan(model, stages, numbered[1], subsampling.methods(numbered[0])),
            enumerate(test),
        )
        tables = list(tqdm(rows, "trust", len(test), unit="scan", mininterval=5))
    normal = np.array([case.label == card.labels[0] for case in validation])
    heats = {name: np.array([peak.get(name, np.nan) for peak in peaks]) for name in subsampling.wanted}
    scales = {name: float(np.nanquantile(heat, SCALE_QUANTILE)) for name, heat in heats.items()}
    for name in [name for name, scale in scales.items() if not scale > 0]:
        print(f"{card.id}: {name} is left out, its maps of {len(validation)} validation scans are cold.")
        del scales[name]
    return replace(
        card,
        scales=scales,
        trust={
            name: average_rows(
                [table[name] for table in tables if name in table],
                heat_ratio(heats[name][normal], heats[name][~normal]),
            )
            for name in scales
        },
    )


def heat_ratio(normal: np.ndarray, abnormal: np.ndarray) -> float:
    """Median heat on normal scans over that on abnormal ones.

    normal, abnormal: (n,), NaN where a scan was not shown to the method.
    Maps without heat, or without scans of a class, tell nothing apart: 1.
    """
    cold, hot = (heat[~np.isnan(heat)] for heat in (normal, abnormal))
    if not len(cold) or not len(hot) or np.median(hot) <= 0:
        return 1.0
    return float(np.median(cold) / np.median(hot))


def map_maxima(model: Model, case: Case, methods: Sequence[str]) -> dict[str, float]:
    """The highest value of each method's map for the last label.

    model: the classifier with its card.
    case: the file.
    methods: names in EXPLAINERS.
    """
    x, _, frame = load_aligned(model, case)
    network, target = explainable_network(model), len(model.card.labels) - 1
    return {name: float(to_scan_space(heat_map(network, x, target, name), frame).max()) for name in methods}


def randomised_networks(model: Model, cases: Sequence[Case]) -> dict[str, AnyClassifier]:
    """The network with more and more of its layers randomised."""
    films = torch.cat([load_aligned(model, case)[0] for case in cases])
    generator = Generator().manual_seed(0)
    return {
        stage: trust.randomised(explainable_network(model), stage, films, generator) for stage in trust.STAGES
    }


def measure_scan(
    model: Model,
    stages: Mapping[str, AnyClassifier],
    case: Case,
    methods: Sequence[str],
) -> dict[str, ScanTrust]:
    """These methods on one scan, for the class that the network finds most probable.

    model: the classifier with its card.
    stages: the network with more and more of its layers randomised, by name.
    case: the file.
    methods: names in EXPLAINERS.
    """
    x, fields, frame = load_aligned(model, case)
    network = explainable_network(model)
    with torch.no_grad():
        target = int(network(x)[0].argmax())
    pairs = [
        trust.deletion_and_insertion(network, x, target, heat, half=True) for heat in trust.random_maps()
    ]
    random_deletion, random_insertion = (trust.mean_curve(curves).area for curves in zip(*pairs, strict=True))
    even = to_scan_space(torch.ones(1, 1), frame)
    hull = lungs.hull_in(fields.mask)
    rows: dict[str, ScanTrust] = {}
    for name in methods:
        start = time.perf_counter()
        heat = heat_map(network, x, target, name)
        seconds = time.perf_counter() - start
        deletion, insertion = trust.deletion_and_insertion(network, x, target, heat, half=True)
        rows[name] = ScanTrust(
            lung_share=trust.inside_share(to_scan_space(heat, frame), hull),
            lung_area=trust.inside_share(even, hull) or 0.0,
            deletion=deletion.area,
            insertion=insertion.area,
            random_deletion=random_deletion,
            random_insertion=random_insertion,
            sanity={
                s: trust.rank_correlation(heat, heat_map(other, x, target, name))
                for s, other in stages.items()
            },
            seconds=seconds,
        )
    return rows


def average_rows(rows: Sequence[ScanTrust], normal_heat: float) -> Trust:
    """The table's row of one method. A map without heat has no lung share."""
    shares = [row.lung_share for row in rows if row.lung_share is not None]
    return Trust(
        n=len(rows),
        lung_share=float(np.mean(shares)) if shares else 0.0,
        lung_area=float(np.mean([row.lung_area for row in rows])),
        deletion=float(np.mean([row.deletion for row in rows])),
        insertion=float(np.mean([row.insertion for row in rows])),
        random_deletion=float(np.mean([row.random_deletion for row in rows])),
        random_insertion=float(np.mean([row.random_insertion for row in rows])),
        sanity={s: float(np.mean([row.sanity[s] for row in rows])) for s in trust.STAGES},
        normal_heat=normal_heat,
        seconds=float(np.mean([row.seconds for row in rows])),
    )


def load_aligned(model: Model, case: Case) -> tuple[Tensor, LungFields, Frame]:
    """A file as the app feeds it: (1, C, size, size), its lungs, and the part of the scan that it shows."""
    scan = images.read(case.path.read_bytes(), case.name)
    fields = lungs.find(scan)
    x, frame = align(scan, model.card.input, fields)
    return x, fields, frame


def explainable_network(model: Model) -> AnyClassifier:
    if not isinstance(model.network, AnyClassifier):
        raise UnknownName(f"{model.card.id} is a detector: its map is its score, place by place.")
    return model.network


def member_networks(model: Model) -> list[Classifier]:
    """Those that are asked: one, or the members of an ensemble."""
    network = explainable_network(model)
    return (
        [network]
        if isinstance(network, Classifier)
        else [member.network for member in network.loaded_members()]
    )


def print_trust_table(card: Card) -> None:
    """Print the table that the card now holds."""
    print(f"{card.id}: opens with {trust.best_method(card.trust, card.localisation)}")
    print(
        f"{'method':22}{'scale':>8}{'lungs':>7}{'delete':>8}{'insert':>8}{'head':>7}{'half':>7}{'all':>7}"
        f"{'normal':>7}{'s':>8}"
    )
    for name, row in card.trust.items():
        sanity = "".join(f"{row.sanity[stage]:7.2f}" for stage in trust.STAGES)
        print(
            f"{name:22}{card.scales[name]:8.3g}{row.lung_share:7.2f}{row.deletion:8.3f}{row.insertion:8.3f}"
            f"{sanity}{row.normal_heat:7.2f}{row.seconds:8.3f}"
        )
    first = next(iter(card.trust.values()))
    print(
        f"{'random':22}{'':8}{first.lung_area:7.2f}{first.random_deletion:8.3f}{first.random_insertion:8.3f}"
    )


if __name__ == "__main__":
    main()
