"""One line per verdict, and nothing in it that names a person."""

import json
import os
from pathlib import Path

import pytest

from core import audit, cards
from core.__main__ import main
from core.errors import OpacityError
from core.types import Scan
from tests.phantoms.chest import chest, png

CARD = cards.every()[0]


def recorded(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_without_the_variable_nothing_is_written(
    drawn: Scan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.delenv("OPACITY_AUDIT", raising=False)
    monkeypatch.chdir(tmp_path)
    audit.record(CARD, drawn, threshold=0.5, verdict="normal")
    assert not list(tmp_path.iterdir())


def test_lines_are_appended_and_hold_no_names(drawn: Scan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    monkeypatch.setenv("OPACITY_AUDIT", str(path))
    audit.record(CARD, drawn, threshold=0.25, verdict="abnormal")
    audit.record(CARD, drawn, threshold=0.5, verdict="normal", overridden=True)
    first, second = recorded(path)
    assert set(first) == {"time", "card", "weights", "input", "threshold", "verdict", "overridden"}
    assert (first["card"], first["weights"], first["input"]) == (CARD.id, CARD.sha256, drawn.digest)
    assert (first["threshold"], second["overridden"]) == (0.25, True)
    assert drawn.name not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_a_log_that_cannot_be_written_is_an_error(
    drawn: Scan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("OPACITY_AUDIT", str(tmp_path))
    with pytest.raises(OpacityError, match="no verdict is given"):
        audit.record(CARD, drawn, threshold=0.5, verdict="normal")


def test_the_command_line_records_each_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    films, path = tmp_path / "films", tmp_path / "audit.jsonl"
    films.mkdir()
    (films / "jane-doe.png").write_bytes(png(chest()))
    (films / "broken.png").write_bytes(b"?")
    monkeypatch.setenv("OPACITY_AUDIT", str(path))
    assert main(["predict", str(films / "jane-doe.png"), "--card", CARD.id]) == 0
    assert main(["screen", str(films), "--card", CARD.id, "--out", str(tmp_path / "out.csv")]) == 0
    assert len(recorded(path)) == 2
    assert "jane" not in path.read_text()
    assert os.fspath(films) not in path.read_text()
