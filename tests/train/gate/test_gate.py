"""The learned check of the gate: what it is fitted on, where its threshold comes from, whom it refuses."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from core import cards, feature_density
from core.card_types import Card, Refusals, Scores
from core.names import CHEST_FILM
from core.reading import images
from core.types import Scan
from tests.phantoms.chest import chest, png
from train.data.datasets import Case
from train.gate import __main__ as gate
from train.gate import negatives, pictures
from train.gate.pictures import GateData

WIDTH = 80  # of the features: more than the axes of the density


@pytest.fixture(scope="module")
def card() -> Card:
    found = [card for card in cards.every() if card.modality == CHEST_FILM and card.gate is not None]
    if not found:
        pytest.skip("no gated card for chest films in weights/")
    return found[0]


def cases_of(folder: Path, count: int, *, seed: int = 0) -> list[Case]:
    """Drawn films on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for n in range(count):
        path = folder / f"{seed + n}.png"
        path.write_bytes(png(chest(96, seed=seed + n)))
        found.append(Case(path, path.name, "normal", path.stem, "train"))
    return found


def held_out(cases: Sequence[Case], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have scores.csv say that the last two were for validation, and of the test."""
    names = tuple(case.name for case in cases[-2:])
    table = Scores(
        ("validation",) * 2 + ("test",),
        (*names, cases[0].name),
        ("normal",) * 3,
        np.zeros(3),
        {"normal": np.zeros(3)},
    )
    monkeypatch.setattr(cards, "scores", lambda _: table)


def nothing(_: Sequence[Case]) -> Iterator[Tensor]:
    return iter([torch.zeros(1, 1, 224, 224)])


def data_of(cases: list[Case], others: Sequence[Case] = ()) -> GateData:
    return GateData(
        cases=lambda _: cases,
        more="drawn films",
        of_own=False,
        fitted=nothing,
        held_out=nothing,
        kinds=lambda _: iter(()),
        others=others,
    )


def test_validation_scans_of_the_card_are_kept_apart_and_nothing_is_computed_twice(
    card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cases = cases_of(tmp_path, 5)
    held_out(cases, monkeypatch)
    known: dict[str, Tensor] = {}
    first = gate.gate_features(card, data_of(cases), known)
    assert (len(first.train), len(first.validation), len(first.more)) == (3, 2, 1)
    assert first.others is None
    own = gate.lung_features(pictures.as_films(pictures.read_scans([cases[-1].path])))
    assert torch.allclose(first.validation[1:], own, atol=1e-4)
    monkeypatch.setattr(gate, "lung_features", lambda _: pytest.fail("computed again"))
    again = gate.gate_features(replace(card, id="another"), data_of(cases), known)
    assert torch.equal(first.train, again.train)


def spread_by(factor: float, count: int, seed: int, *, moved: float = 0.0) -> Tensor:
    return moved + factor * torch.randn(count, WIDTH, generator=Generator().manual_seed(seed))


def fitted(
    card: Card, seen: gate.GateFeatures, root: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Card, feature_density.FeatureDensity]:
    monkeypatch.setattr(gate, "gate_features", lambda *_: seen)
    learned = gate.fit_gate(card, data_of([]), {}, root)
    assert learned.gate is not None
    return learned, feature_density.unpack(cards.gate(learned, root))


@pytest.mark.parametrize("wider", ["validation", "more_held_out"])
def test_the_threshold_lets_either_side_pass(
    card: Card, wider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen = gate.GateFeatures(
        train=spread_by(1, 300, 0),
        validation=spread_by(1.5 if wider == "validation" else 1, 100, 1),
        more=spread_by(1, 100, 2),
        more_held_out=spread_by(1.5 if wider == "more_held_out" else 1, 100, 3),
        others=None,
    )
    learned, like = fitted(card, seen, tmp_path, monkeypatch)
    widest = like.distance(getattr(seen, wider))
    assert learned.gate.threshold == pytest.approx(float(widest.quantile(0.99)), rel=1e-4)
    for part in (seen.validation, seen.more_held_out):
        assert (like.distance(part) <= learned.gate.threshold).float().mean() >= 0.99
    assert float(like.distance(spread_by(1, 50, 4, moved=3)).min()) > learned.gate.threshold
    assert learned.gate.data["threshold from its own validation scans"] == 100
    assert learned.sha256 == card.sha256


def test_slices_of_another_modality_are_told_apart(
    card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen = gate.GateFeatures(*(spread_by(1, 150, n) for n in range(4)), others=spread_by(1, 150, 5, moved=1))
    _, like = fitted(card, seen, tmp_path, monkeypatch)
    own, other = like.log_odds(spread_by(1, 100, 6)), like.log_odds(spread_by(1, 100, 7, moved=1))
    assert own is not None
    assert other is not None
    assert (own < 0).float().mean() > 0.95
    assert (other > 0).float().mean() > 0.95


def test_refusals_are_counted_by_kind_and_by_test(card: Card):
    films = [images.read(png(chest(opacity=0.1 * seed, seed=seed)), "film.png") for seed in range(3)]
    small = replace(films[0], pixels=films[0].pixels[:40, :40])
    negative = [replace(film, pixels=1 - film.pixels) for film in films[:2]]
    shut = replace(card, gate=replace(card.gate, threshold=0.0))
    kinds = [
        ("films", False, iter(films)),
        ("thumbnails", True, iter([small])),
        ("negatives", True, iter(negative)),
    ]
    table, strict = gate.count_refusals([card, shut], kinds, cards.WEIGHTS)
    assert table == (
        Refusals("films", False, 3, 0, {}),
        Refusals("thumbnails", True, 1, 1, {"size": 1}),
        Refusals("negatives", True, 2, 2, {"negative": 2}),
    )
    assert strict[0] == Refusals("films", False, 3, 3, {"unlike": 3})


def test_a_check_is_published_for_all_cards_that_name_it(
    card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    waiting, weights = tmp_path / "waiting", tmp_path / "weights"
    (weights / card.id).mkdir(parents=True)
    (weights / card.id / "gate.safetensors").write_bytes(b"the card's own, of before")
    learned = replace(card, gate=replace(card.gate, sha256=hashlib.sha256(b"learned").hexdigest()))
    cards.write_gate(b"learned", waiting)
    changed: dict[str, object] = {}
    monkeypatch.setattr(cards, "WEIGHTS", weights)
    monkeypatch.setattr(cards, "write_gate", partial(cards.write_gate, root=weights))
    monkeypatch.setattr(cards, "update", lambda name, **changes: changed.update(changes, id=name))
    table = (Refusals("films", False, 3, 1, {"unlike": 1}),)
    gate.publish_gate(learned, table, waiting)
    assert cards.gate(learned, weights) == b"learned"
    assert changed == {"id": card.id, "gate": replace(learned.gate, refusals=table)}


def test_slices_under_acquisition_shift_are_other_slices_and_repeat_with_the_seed(tmp_path: Path):
    cases = cases_of(tmp_path, 3)
    first, again, other = (
        torch.cat(list(pictures.acquisition_shifted(cases, seed=seed))) for seed in (0, 0, 1)
    )
    plain = torch.cat(list(pictures.as_films(pictures.read_scans([case.path for case in cases]))))
    assert first.shape == plain.shape
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert (first - plain).abs().mean((1, 2, 3)).min() > 0.01


def test_turned_scans_are_the_same_pixels_turned():
    scan = Scan(np.array([[1, 2], [3, 4]], dtype=np.float32), "", "scan")
    assert pictures.rotated(scan, 1).pixels.tolist() == [[2, 4], [1, 3]]
    assert pictures.rotated(scan, 2).pixels.tolist() == [[4, 3], [2, 1]]


@pytest.mark.parametrize("make", [negatives.drawings, negatives.text_pages, negatives.noise])
def test_pictures_that_are_no_scan_can_be_read_and_repeat_with_the_seed(make):
    first, again, other = (
        [data for data, _ in zip(make(np.random.default_rng(seed)), range(6), strict=False)]
        for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other
    assert all(images.read(data, "picture.png").pixels.std() > 0.01 for data in first)
