from pathlib import Path

import pytest

from core import cards, inference, screening
from core.errors import NotEnoughLabels
from tests.phantom import chest, png

CARD = next(card for card in cards.every() if card.kind == "classifier")


def test_folders_are_walked_and_hidden_files_left_out(tmp_path: Path):
    (tmp_path / "a").mkdir()
    for name in ("b.png", "a/c.png", ".hidden", "a/.DS_Store"):
        (tmp_path / name).write_bytes(b"")
    names = [path.name for path in screening.files([tmp_path, tmp_path / "b.png"])]
    assert names == ["c.png", "b.png", "b.png"]


def test_another_threshold_changes_the_verdict_only(tmp_path: Path):
    path = tmp_path / "film.png"
    path.write_bytes(png(chest()))
    model = inference.load(CARD.id)
    low, high = (screening.judge_file(model, path, threshold=t) for t in (0.0, 1.1))
    assert (low.verdict, high.verdict) == ("abnormal", "normal")
    assert low.score == high.score


def test_a_missing_file_is_a_row_not_an_end(tmp_path: Path):
    row = screening.judge_file(inference.load(CARD.id), tmp_path / "gone.png")
    assert row.status == "unreadable"
    assert "gone.png" in row.error


def test_one_class_alone_cannot_be_evaluated(tmp_path: Path):
    (tmp_path / "normal").mkdir()
    (tmp_path / "normal" / "film.png").write_bytes(png(chest()))
    with pytest.raises(NotEnoughLabels):
        screening.evaluate_folders(inference.load(CARD.id), tmp_path)
