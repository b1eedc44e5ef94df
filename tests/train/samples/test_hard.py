"""Hard samples: by rule, in order, without asking a classifier."""

import ast
from pathlib import Path

import numpy as np
import torch

from core.reading import images
from tests.phantoms.chest import chest
from train.samples import files, hard
from train.samples.files import ManifestRow

CONDITIONS = ("normal", "bacterial pneumonia", "viral pneumonia")


def plain(folder: Path, each: int = 4) -> list[ManifestRow]:
    return [
        files.write_scan(
            torch.from_numpy(chest(seed=number))[None],
            f"chest-{condition.split()[0]}-{number}.png",
            "chest film",
            condition,
            number,
            folder,
        )
        for condition in CONDITIONS
        for number in range(each)
    ]


def test_each_rule_takes_the_next_plain_sample_of_its_condition_and_says_so(tmp_path: Path):
    rows = hard.write(plain(tmp_path), tmp_path)
    assert [row.hard for row in rows] == list(hard.RULES)
    assert [row.condition for row in rows] == [condition for condition, _ in hard.RULES.values()]
    assert [row.seed for row in rows if row.condition == "normal"] == [0, 1, 2, 3]


def test_the_same_samples_come_out_each_time(tmp_path: Path):
    before = plain(tmp_path)
    first, again = hard.write(before, tmp_path), hard.write(before, tmp_path)
    assert [row.sha256 for row in first] == [row.sha256 for row in again]


def test_a_faint_lesion_brightens_the_lungs_and_leaves_the_rest():
    film = torch.from_numpy(chest(seed=0))[None, None]
    mask = torch.zeros_like(film)
    mask[..., 60:140, 60:100] = 1
    made = hard.faint(film, mask, 1, lesion="consolidation")
    brighter = made - film
    # the film is stretched again, so that the rest moves a little
    assert brighter[mask == 1].mean() > 3 * brighter[mask == 0].mean().abs()


def test_no_classifier_is_asked():
    names = {
        name
        for node in ast.walk(ast.parse(Path(hard.__file__).read_text("utf-8")))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert not names & {"core.inference", "core.models", "core.gate", "train.samples.judges"}


def test_turned_and_inverted_films_are_what_they_say(tmp_path: Path):
    rows = {row.hard: row for row in hard.write(plain(tmp_path), tmp_path)}
    side = images.read((tmp_path / rows["normal, on its side"].file).read_bytes(), "a.png").pixels
    source = images.read((tmp_path / "chest-normal-3.png").read_bytes(), "b.png").pixels
    assert np.allclose(np.rot90(source), side, atol=0.01)
