"""What cannot be gone on with ends in one sentence, before any film is read."""

from pathlib import Path

import pytest

from core.errors import CardError, UnknownName
from train.new import request


def test_a_folder_that_takes_no_file_is_said_with_the_way_out(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CardError, match=r"cannot be written to \(Not a directory\)\. Name another"):
        request.require_writable(tmp_path / "file" / "runs", "Name another folder with --runs.")
    request.require_writable(tmp_path / "new" / "runs", "")
    assert list((tmp_path / "new" / "runs").iterdir()) == []


@pytest.mark.parametrize("name", ["", "My Model", "../up", "samples", "gates", "-x", "größe"])
def test_what_cannot_be_a_cards_folder_is_refused(name: str):
    with pytest.raises(UnknownName, match="small letters, digits and hyphens"):
        request.require_name(name)


def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UnknownName, match=r"train\.fitted runs in one process"):
        request.require_one_process("train.fitted")
    monkeypatch.setenv("WORLD_SIZE", "1")
    request.require_one_process("train.fitted")


def test_a_card_that_ships_keeps_its_name():
    with pytest.raises(CardError, match=r"ships with Opacity.*--replace"):
        request.require_own("pneumonia-cnn")
    request.require_own("nobodys")
