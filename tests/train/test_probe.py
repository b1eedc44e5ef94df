from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor, nn

from core.models.base import Classifier
from core.models.frozen import DenseHead
from core.types import InputSpec
from train.data.datasets import Case
from train.data.films import WHOLE
from train.data.tasks import TASKS
from train.fit.frozen_features import Features, extract_features
from train.probe import refuse_leakage


def case(name: str, split: str) -> Case:
    return Case(Path(name), name, "normal", name, split)


def test_a_network_that_learned_from_a_held_out_scan_is_refused():
    cases = [case("a", "train"), case("b", "validation"), case("c", "test")]
    refuse_leakage(cases, [case("a", "train"), case("d", "train"), case("c", "test")], "below")
    for held_out in ("b", "c"):
        with pytest.raises(SystemExit, match="below was trained on 1 of"):
            refuse_leakage(cases, [case(held_out, "train")], "below")


class Scaled(Classifier):
    """A base network whose features are the film times its weight. It counts the films that it sees."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(float(weight)))
        self.seen = 0

    def features(self, x: Tensor) -> Tensor:
        self.seen += len(x)
        return x * self.weight

    def head(self, f: Tensor) -> Tensor:
        return f.mean((2, 3))


def asked(base: Scaled, folder: Path, *, shown: float = 0.0, copies: int = 1, seed: int = 0) -> Features:
    """Features of two training films on that base."""
    network = DenseHead(of="below@0", width=1, classes=2)
    network.set_base(base)
    films = torch.rand(2, 1, 64, 64, generator=Generator().manual_seed(0)) ** (1 + shown)
    parts = {name: (films, WHOLE.expand(2, -1)) for name in ("train", "validation")}
    cases = [case(f"{split}-{n}", split) for split in ("train", "validation") for n in range(2)]
    spec = InputSpec(size=32, channels=1, mean=(0.0,), std=(1.0,), region="whole")
    task = TASKS["pneumonia"]
    return extract_features(network, spec, task, cases, parts, folder / "head-0", copies=copies, seed=seed)[
        "train"
    ]


def test_a_base_is_asked_once(tmp_path: Path):
    base = Scaled(1)
    first = asked(base, tmp_path)
    seen = base.seen
    again = asked(base, tmp_path)
    assert base.seen == seen > 0
    assert torch.equal(first.copies, again.copies)
    assert again.copies.shape == (1, 2, 1)
    assert again.truth.tolist() == [0, 0]


def test_a_second_base_does_not_train_on_the_features_of_the_first(tmp_path: Path):
    first, second = (asked(Scaled(weight), tmp_path) for weight in (1, 2))
    assert torch.allclose(second.views[""], 2 * first.views[""])


def test_another_seed_augments_films_in_another_way(tmp_path: Path):
    first, second = (asked(Scaled(1), tmp_path, seed=seed) for seed in (0, 1))
    assert torch.equal(first.views[""], second.views[""])
    assert not torch.equal(first.copies, second.copies)


def test_other_films_are_looked_at(tmp_path: Path):
    first, second = (asked(Scaled(1), tmp_path, shown=shown) for shown in (0, 1))
    assert not torch.allclose(first.views[""], second.views[""])


def test_more_copies_are_made(tmp_path: Path):
    assert [len(asked(Scaled(1), tmp_path, copies=copies).copies) for copies in (1, 2)] == [1, 2]
