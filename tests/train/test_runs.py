"""Results kept on disk: made once, told apart by all that they depend on, written whole or not at all."""

import importlib
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from core import cards
from train.data import films
from train.data.datasets import Case
from train.data.sources import SOURCES
from train.fit import distillation
from train.publish.detector_metrics import held_out
from train.runs import cached, code, digest, save


class Maker:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> tuple[Tensor, dict[str, list[int]]]:
        self.asked += 1
        return torch.full((2,), self.asked), {"a": [self.asked]}


def test_the_same_inputs_are_asked_for_once(tmp_path: Path):
    make = Maker()
    first, again = (cached("numbers", ("a", 1), make, tmp_path / "new") for _ in range(2))
    assert make.asked == 1
    assert torch.equal(first[0], again[0])
    assert again[1] == {"a": [1]}
    (path,) = (tmp_path / "new").iterdir()
    assert path.name.startswith("numbers-")


def test_other_inputs_are_made_anew_beside_the_first(tmp_path: Path):
    make = Maker()
    found = [cached("numbers", inputs, make, tmp_path, mmap=True)[1] for inputs in ("a", "b", "a")]
    assert found == [{"a": [1]}, {"a": [2]}, {"a": [1]}]


def test_what_is_drawn_afterwards_does_not_tell_whether_it_was_made_before(tmp_path: Path):
    drawn = []
    for _ in range(2):
        torch.manual_seed(0)
        cached("numbers", (), lambda: torch.rand(3), tmp_path)
        drawn.append(torch.rand(3))
    assert torch.equal(*drawn)


def test_a_maker_that_fails_leaves_nothing(tmp_path: Path):
    def fail() -> Tensor:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cached("numbers", (), fail, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_half_written_takes_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "checkpoint.pt"
    save(torch.zeros(1), path)

    def stop(_: object, to: Path) -> None:
        to.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", stop)
    with pytest.raises(KeyboardInterrupt):
        save(torch.ones(1), path)
    assert list(tmp_path.iterdir()) == [path]
    assert torch.equal(torch.load(path, weights_only=True), torch.zeros(1))


def test_what_was_read_stays_when_another_process_writes_the_same(tmp_path: Path):
    path = tmp_path / "films.pt"
    save(torch.zeros(3), path)
    mapped = torch.load(path, weights_only=True, mmap=True)
    save(torch.ones(3), path)
    assert torch.equal(mapped, torch.zeros(3))
    assert torch.equal(torch.load(path, weights_only=True), torch.ones(3))


@dataclass(frozen=True)
class Spec:
    size: int
    mean: tuple[float, ...] = (0.5,)


@dataclass(frozen=True)
class Other:
    size: int
    mean: tuple[float, ...] = (0.5,)


def test_values_that_differ_have_digests_that_differ():
    ones = torch.ones(2, 2)
    values: list[object] = [
        *(None, True, 1, 1.0, "1", b"1", "", (), ("",), {}, ("ab", "c"), ("a", "bc"), (("a",), "bc")),
        *({"a": 1, "b": 2}, {"a": 2, "b": 1}, (("a", 1), ("b", 2)), Spec(1), Spec(2), Other(1)),
        *(ones, ones.half(), ones.bfloat16(), ones.int(), ones.flatten(), ones[:1], 2 * ones),
        *(torch.tensor(1.0), torch.empty(0), torch.empty(0, 2), ones[0] > 0),
    ]
    assert len({digest(value) for value in values}) == len(values)


def test_values_that_are_alike_have_one_digest():
    grid = torch.arange(6.0).reshape(2, 3)
    assert digest(grid.T) == digest(grid.T.contiguous())
    assert digest({"a": 1, "b": grid}) == digest({"b": grid.clone(), "a": 1})
    assert digest([1, Spec(2)]) == digest((1, Spec(2)))
    assert digest("films", 7) == "7a243e9a8e27310565b29b513a9562a7b7c15b850b06b60e9aab958c55fcd089"


def test_a_file_counts_by_what_it_holds(tmp_path: Path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"film")
    second.write_bytes(b"film")
    before = digest([first])
    assert before == digest([second]) != digest([b"film"])
    first.write_bytes(b"corrected")
    assert digest([first]) != before


@pytest.mark.parametrize("value", [object(), Spec, digest, {1}, (1, [print]), {"a": object()}])
def test_what_has_no_lasting_bytes_is_refused(value: object):
    with pytest.raises(TypeError, match="No digest for"):
        digest(value)


def test_code_counts_by_what_it_says_and_comments_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(tmp_path)
    found = []
    for name, text in (("one", "a = 1"), ("two", "a = 1  # once"), ("three", "a = 2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
        (tmp_path / name / "part.py").write_text(text + "\n")
        found.append(code(importlib.import_module(name)))
    assert found[0] == found[1] != found[2]
    assert code(test_code_counts_by_what_it_says_and_comments_do_not) != code(Maker)


def test_films_are_read_anew_when_the_code_that_reads_them_changes(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    before = digest(films.cache_inputs([case], "whole"))
    monkeypatch.setattr(films, "code", lambda *_: "other")
    assert digest(films.cache_inputs([case], "whole")) != before


@pytest.fixture
def case(tmp_path: Path) -> Case:
    draw(tmp_path / "film.png", 0)
    return Case(tmp_path / "film.png", "film.png", "normal", "1", "test")


def draw(path: Path, grey: int) -> None:
    Image.new("L", (32, 32), grey).save(path)


def test_a_film_corrected_under_its_old_name_is_read_anew(case: Case, tmp_path: Path):
    first, _ = films.load([case], "whole", tmp_path / "runs")
    draw(case.path, 255)
    second, boxes = films.load([case], "whole", tmp_path / "runs")
    assert float(first.max()) == 0
    assert float(second.min()) == 1
    assert torch.equal(boxes, films.WHOLE)


def test_held_out_films_are_read_anew_when_corrected(case: Case, tmp_path: Path):
    first = held_out(SOURCES["brain-mri"], (case,), tmp_path / "runs")
    draw(case.path, 255)
    held_out.cache_clear()  # as in the next process
    second = held_out(SOURCES["brain-mri"], (case,), tmp_path / "runs")
    assert float(first.films.max()) == 0
    assert float(second.films.min()) == 1


class Named:
    """A card that is nothing but its sha256."""

    def __init__(self, sha256: str) -> None:
        self.sha256 = sha256


def test_another_network_for_lungs_finds_their_boxes_anew(case: Case, monkeypatch: pytest.MonkeyPatch):
    keys = []
    for sha256 in ("a", "b"):
        monkeypatch.setattr(cards, "read", lambda _, sha256=sha256: Named(sha256))
        keys.append([digest(films.cache_inputs([case], region)) for region in ("lungs", "head")])
    (lungs, head), (other_lungs, other_head) = keys
    assert lungs != other_lungs
    assert head == other_head != lungs


def test_another_teacher_looks_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen = iter(torch.randn(3, 5, 4))
    monkeypatch.setattr(distillation.checkpoints, "backbone", lambda _: torch.nn.Identity())
    monkeypatch.setattr(distillation.views, "logits", lambda *_: next(seen))
    shown, boxes = torch.rand(5, 1, 8, 8), films.WHOLE.expand(5, -1)
    found = []
    for sha256 in ("a", "a", "b"):
        monkeypatch.setattr(cards, "read", lambda _, sha256=sha256: Named(sha256))
        found.append(distillation.teacher_features(shown, boxes, "whole", tmp_path))
    shown[1] += 1  # one film of five
    found.append(distillation.teacher_features(shown, boxes, "whole", tmp_path))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[1], found[2])
    assert not torch.equal(found[2], found[3])
