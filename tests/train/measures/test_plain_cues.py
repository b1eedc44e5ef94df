from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from core.models.border import Border
from train.data.datasets import Case
from train.hospitals import baselines
from train.measures import plain_cues


def films(cases: list[Case], *, marked: bool) -> Tensor:
    """Noise, with a middle that tells the classes apart and, where marked, an edge that does."""
    ill = torch.tensor([float(case.label != "normal") for case in cases]).view(-1, 1, 1, 1)
    found = torch.rand(len(cases), 1, 48, 48, generator=Generator().manual_seed(sum(cases[0].name.encode())))
    found[:, :, 22:26, 22:26] = ill
    if marked:
        found[:, :, :3] = ill
    return found


@pytest.mark.parametrize(("marked", "low", "high"), [(True, 0.99, 1.0), (False, 0.3, 0.7)])
def test_the_border_tells_marks_at_the_edge_and_nothing_of_the_middle(
    marked: bool, low: float, high: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cases = [
        Case(tmp_path / f"{split}{n}.png", f"{split}{n}", ("normal", "ill")[n % 2], f"{n}", split)
        for split in ("train", "test")
        for n in range(60)
    ]
    for case in cases:
        case.path.write_text(case.name)
    monkeypatch.setattr(baselines, "read_films", lambda part: films(part, marked=marked))
    tested = [case.name for case in cases if case.split == "test"]
    assert low <= plain_cues.border_auc(cases, tested, tmp_path) <= high


def test_borders_are_those_of_the_cases_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    case = Case(tmp_path / "a.png", "a", "normal", "a", "train")
    case.path.write_text("a")
    monkeypatch.setattr(baselines, "read_films", lambda part: films(part, marked=False))
    one = plain_cues.borders(Border(), [case], tmp_path)
    again = plain_cues.borders(Border(), [replace(case, name="b")], tmp_path)
    assert one.shape == (1, 48 * 48 - 36 * 36)
    assert np.array_equal(one, again)
