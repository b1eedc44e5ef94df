import itertools
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core import cards, inference
from core.batch import folders, labelled_folders, screening
from core.batch.rows import Job
from core.errors import NotEnoughLabels
from core.inference import Model
from core.models import MODELS, fusion
from tests.phantoms.chest import chest, png
from tests.quick import CLASSIFIER as CARD
from tests.quick import DETECTOR

ENSEMBLE = next(card for card in cards.every() if card.model == "ensemble-classifier")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Ten films, one that the gate refuses, one that cannot be read, one that is not there."""
    folder = tmp_path_factory.mktemp("films")
    for seed in range(10):
        (folder / f"{seed}.png").write_bytes(png(chest(opacity=0.05 * seed, seed=seed)))
    noise = np.random.default_rng(0).random((224, 224), dtype=np.float32)
    (folder / "3-noise.png").write_bytes(png(noise))
    (folder / "5-text.png").write_text("not a picture")
    return [*folders.files([folder]), folder / "gone.png"]


def test_folders_are_walked_and_hidden_files_left_out(tmp_path: Path):
    (tmp_path / "a").mkdir()
    for name in ("b.png", "a/c.png", ".hidden", "a/.DS_Store"):
        (tmp_path / name).write_bytes(b"")
    names = [path.name for path in folders.files([tmp_path, tmp_path / "b.png"])]
    assert names == ["c.png", "b.png", "b.png"]


def test_every_file_has_its_row_in_its_place(films: list[Path]):
    rows = list(screening.screen(inference.load(CARD.id), films))
    assert [row.path for row in rows] == [path.as_posix() for path in films]
    others = {Path(row.path).name: row.status for row in rows if row.status != "ok"}
    assert others == {"3-noise.png": "refused", "5-text.png": "unreadable", "gone.png": "unreadable"}
    assert {len(row.digest) for row in rows} == {64, 0}


@pytest.mark.parametrize("card", [CARD, DETECTOR], ids=lambda card: card.kind)
def test_a_row_does_not_depend_on_its_neighbours(card: cards.Card, films: list[Path]):
    model = screening.load(card.id)
    rows = {row.path: row for row in screening.screen(model, films)}
    turned = screening.screen(model, films[::-1])
    alone = screening.screen(model, films[4:5])
    assert all(rows[row.path] == row for row in [*turned, *alone])


@pytest.mark.parametrize("card", [CARD, ENSEMBLE, DETECTOR], ids=lambda card: card.id)
def test_many_are_judged_as_one_is(card: cards.Card, films: list[Path]):
    model = inference.load(card.id)
    for row in screening.screen(screening.load(card.id), films[:8]):
        one = screening.judge_named(model, Path(row.path).read_bytes(), row.path)
        assert replace(row, score=None, probabilities={}) == replace(one, score=None, probabilities={})
        if one.score is not None:
            assert row.score == pytest.approx(one.score, rel=1e-5, abs=1e-5)


def test_a_row_does_not_depend_on_the_number_of_judges(films: list[Path]):
    model, threads = screening.load(CARD.id), torch.get_num_threads()
    one, three = (list(screening.screen(model, films, workers=workers)) for workers in (1, 3))
    assert one == three
    assert torch.get_num_threads() == threads


def test_pooling_laid_out_for_many_is_the_same_on_odd_sides():
    layers = nn.Sequential(nn.MaxPool2d(2))
    x = torch.randn(2, 3, 9, 12)
    assert torch.equal(fusion.fused(layers)(x), layers(x))


def test_a_linear_layer_laid_out_for_many_gives_a_film_the_same_bits_in_every_place():
    torch.manual_seed(0)
    layers = fusion.fused(nn.Sequential(nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 2)))
    for _ in range(20):
        x = torch.randn(screening.BATCH_SIZE, 512)
        assert torch.equal(layers(x.flip(0)), layers(x).flip(0))


def test_processors_without_onednn_are_served(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    torch.manual_seed(0)
    network = MODELS["cnn"]().eval()
    x = torch.randn(2, 1, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(fusion.fused(network)(x), network(x), atol=1e-5)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_network_laid_out_for_many_answers_the_same(name: str):
    torch.manual_seed(0)
    network = MODELS[name](channels=3).eval()
    x = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        many = torch.softmax(fusion.fused(network)(x), dim=1)
        assert torch.allclose(many, torch.softmax(network(x), dim=1), atol=1e-5)


def test_another_threshold_changes_the_verdict_only(films: list[Path]):
    model = inference.load(CARD.id)
    low, high = (next(screening.screen(model, films[:1], Job(threshold=t))) for t in (0.0, 1.1))
    assert (low.verdict, high.verdict) == ("abnormal", "normal")
    assert low.score == high.score


def test_what_the_gate_refuses_is_judged_on_request_and_said(films: list[Path]):
    noise = [path for path in films if "noise" in path.name]
    (row,) = screening.screen(inference.load(CARD.id), noise, Job(override=True))
    assert row.status == "ok"
    assert row.error.startswith("Gate overridden. Not read:")


def test_known_files_are_passed_over(films: list[Path]):
    model = inference.load(CARD.id)
    first = list(screening.screen(model, films))
    again = list(screening.screen(model, films, Job(known={row.digest for row in first})))
    assert {row.status for row in again[:-1]} == {"known"}
    assert again[-1].status == "unreadable"  # gone.png has no bytes to be known by


def test_stopping_early_reads_no_further(films: list[Path], monkeypatch: pytest.MonkeyPatch):
    opened: list[Path] = []
    stopped = threading.Event()
    open_one, set_threads = screening._open, torch.set_num_threads

    def open_slowly(model: Model, path: Path, frame: int | None, job: Job) -> object:
        if len(opened) >= 2 * screening.BATCH_SIZE:  # these are still waiting when the first row has come
            stopped.wait(60)
        opened.append(path)
        return open_one(model, path, frame, job)

    def note_the_end(threads: int) -> None:  # given back by the caller's thread, last of all
        set_threads(threads)
        if threading.current_thread() is threading.main_thread():
            stopped.set()

    rows = screening.screen(inference.load(CARD.id), itertools.cycle(films))
    monkeypatch.setattr(screening, "_open", open_slowly)
    monkeypatch.setattr(torch, "set_num_threads", note_the_end)
    assert next(rows).status == "ok"
    rows.close()
    assert 2 * screening.BATCH_SIZE <= len(opened) < screening.BATCHES_AHEAD * screening.BATCH_SIZE


def test_one_class_alone_is_said_before_anything_is_judged(tmp_path: Path):
    (tmp_path / "normal").mkdir()
    (tmp_path / "normal" / "film.png").write_bytes(b"never opened")
    with pytest.raises(NotEnoughLabels, match="All labelled films are normal"):
        labelled_folders.labelled_files(CARD, tmp_path)
