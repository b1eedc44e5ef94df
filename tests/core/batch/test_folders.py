"""What lies in folders: each thing has its row, nothing hangs or stops a run, names stay whole."""

import csv
import json
import os
import socket
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

from core import __main__ as command_line
from core.batch import folders, screening
from core.batch.rows import Job, ScreeningRow
from core.errors import UnreadableImage
from tests.phantoms.chest import chest, png
from tests.quick import CLASSIFIER as CARD

FILM, OTHER = png(chest()), png(chest(seed=5))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Good films first and last, and between them all that a folder may hold."""
    place = tmp_path / "films"
    for name in (
        "a.png",
        ".ipynb_checkpoints/a.png",
        ".Trash-1000/files/b.png",
        "__MACOSX/._a.png",
        "z/z.png",
    ):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(FILM if name == "a.png" else OTHER)
    (place / "elsewhere").mkdir()
    (tmp_path / "study2").mkdir()
    (tmp_path / "study2/c.png").write_bytes(FILM)
    (place / "linked").symlink_to("../study2")
    (place / "broken").symlink_to("nowhere")
    (place / "round").symlink_to("round")
    os.mkfifo(place / "pipe")
    with (place / "huge.zip").open("wb") as file:
        file.truncate(200 * 2**30)  # sparse: takes no room
    return place


def named(rows) -> dict[str, ScreeningRow]:
    return {Path(row.path).name: row for row in rows}


def test_each_thing_in_a_folder_has_its_row(folder: Path):
    heard = socket.socket(socket.AF_UNIX)
    heard.bind(os.path.relpath(folder / "socket"))
    rows = named(screening.screen(screening.load(CARD.id), folders.files([folder])))
    heard.close()
    assert {name: row.status for name, row in rows.items() if row.status != "unreadable"} == {
        "a.png": "ok",
        "z.png": "ok",
        "c.png": "ok",
    }
    assert rows["pipe"].error == "pipe is a pipe: choose a PNG, JPEG or DICOM file."
    assert rows["huge.zip"].error == "huge.zip has 204,800 MB and the limit is 50 MB: export it smaller."
    assert "cannot be opened" in rows["broken"].error
    assert "cannot be opened" in rows["round"].error
    assert "cannot be opened" in rows["socket"].error
    assert len(rows) == 8


def test_a_linked_folder_is_gone_through_once_and_a_loop_never(tmp_path: Path):
    films, far = tmp_path / "films", tmp_path / "far"
    for place in (films / "batch1", far):
        place.mkdir(parents=True)
        (place / f"{place.name}.png").write_bytes(FILM)
    (films / "batch2").symlink_to(far)
    (films / "again").symlink_to(far)
    (films / "first").symlink_to(films / "batch1")
    (far / "back").symlink_to(films)
    (films / "up").symlink_to(tmp_path)
    found = [path.relative_to(films).as_posix() for path in folders.files([films])]
    assert found == ["again/far.png", "batch1/batch1.png", "up"]
    with pytest.raises(UnreadableImage, match="up is a link to a folder around it"):
        folders.read(films / "up")


def test_a_folder_that_cannot_be_opened_has_a_row(folder: Path, monkeypatch: pytest.MonkeyPatch):
    real = os.scandir

    def locked(path):
        if Path(path).name == "z":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", locked)
    found = folders.files([folder])
    assert folder / "z" in found
    monkeypatch.setattr(os, "open", lambda path, _: locked(path))
    with pytest.raises(PermissionError):
        folders.read(folder / "z")


def test_a_folder_among_the_files_is_said_to_be_one(folder: Path):
    with pytest.raises((UnreadableImage, OSError)):
        folders.read(folder / "elsewhere")


def run(*arguments: object) -> int:
    return command_line.main(["screen", "--card", CARD.id, *map(str, arguments)])


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


ODD = [b"caf\xe9.png", b"new\nline.png", b'comma, "quote".png', "Röntgen-胸.png".encode()]


def test_names_in_any_encoding_come_out_whole(tmp_path: Path):
    folder = tmp_path / "films"
    folder.mkdir()
    for index, name in enumerate(ODD):
        (folder / os.fsdecode(name)).write_bytes(png(chest(seed=index)))
    assert run(folder, "--out", tmp_path / "r.csv") == 0
    assert {os.fsencode(Path(row["path"]).name) for row in table(tmp_path / "r.csv")} == set(ODD)
    assert run(folder, "--out", tmp_path / "r.parquet") == 0
    rows = parquet.read_table(tmp_path / "r.parquet").to_pylist()
    assert {row["path_bytes"].rsplit(b"/", 1)[-1] for row in rows} == set(ODD)
    assert {Path(row["path"]).name for row in rows} >= {"caf\\udce9.png", "Röntgen-胸.png"}
    assert {row["status"] for row in rows} == {"ok"}


def two_pages() -> bytes:
    pages = [Image.fromarray(np.rint(chest(opacity=o) * 255).astype(np.uint8)) for o in (0.0, 0.4)]
    file = BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    return file.getvalue()


def test_frames_are_counted_and_judged_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "a.png").write_bytes(FILM)
    (folder / "two.tif").write_bytes(two_pages())
    assert run(folder, "--out", tmp_path / "r.csv") == 0
    first = {Path(row["path"]).name: row for row in table(tmp_path / "r.csv")}
    assert (first["two.tif"]["frames"], first["two.tif"]["frame"]) == ("2", "1")
    assert (first["a.png"]["frames"], first["a.png"]["frame"]) == ("1", "1")
    assert "1 hold several frames or pages: one was judged" in capsys.readouterr().err
    assert run(folder, "--frames", "all", "--out", tmp_path / "all.csv") == 0
    every = [row for row in table(tmp_path / "all.csv") if row["path"].endswith("two.tif")]
    assert [row["frame"] for row in every] == ["1", "2"]
    assert every[0]["score"] == first["two.tif"]["score"] != every[1]["score"]


def test_a_stopped_run_over_all_frames_goes_on(tmp_path: Path):
    path = tmp_path / "two.tif"
    path.write_bytes(two_pages())
    for _ in range(2):
        assert run(path, "--frames", "all", "--out", tmp_path / "r.parquet") == 0
    rows = parquet.read_table(tmp_path / "r.parquet").to_pylist()
    assert sorted(row["frame"] for row in rows) == [1, 2]


def test_the_same_file_twice_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "films"
    folder.mkdir()
    for name, data in (("a.png", FILM), ("b.png", OTHER), ("copy.png", FILM)):
        (folder / name).write_bytes(data)
    assert run(folder, "--out", tmp_path / "r.csv") == 0
    same = {Path(row["path"]).name: row["same_as"] for row in table(tmp_path / "r.csv")}
    assert same == {"a.png": "", "b.png": "", "copy.png": (folder / "a.png").as_posix()}
    assert "1 of them are copies of others" in capsys.readouterr().err


def test_predict_says_which_frame_of_how_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "two.tif").write_bytes(two_pages())
    assert command_line.main(["predict", "--card", CARD.id, "--json", str(tmp_path / "two.tif")]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["frame"], answer["frames"]) == (1, 2)
    assert command_line.main(["predict", "--card", CARD.id, str(tmp_path / "two.tif")]) == 0
    assert "Frame 1 of 2: --frame N judges another." in capsys.readouterr().out


def test_a_refused_row_keeps_the_digest_of_the_file(tmp_path: Path):
    path = tmp_path / "two.tif"
    path.write_bytes(two_pages())
    rows = list(screening.screen(screening.load(CARD.id), [path], Job(every_frame=True)))
    assert len({row.digest for row in rows}) == 1
