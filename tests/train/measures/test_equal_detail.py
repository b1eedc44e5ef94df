"""What is left of a card that judges by one plain cue when detail is made equal."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from core import names
from core.types import Scan
from tests.phantoms.chest import chest
from train.data.datasets import Case
from train.measures import equal_detail
from train.publish.detector_metrics import equalise_sharpness, sharpness_inside

N = 12
BOXES = torch.tensor([[0.4, 0.4, 0.6, 0.6]]).expand(N, -1)
CASES = [Case(Path(str(n)), str(n), ("normal", "ill")[n % 2], str(n), "test") for n in range(N)]


def films() -> Tensor:
    """Every second film is ill: it is grainy and has a bright corner."""
    found = torch.stack([torch.from_numpy(chest(seed=seed))[None] for seed in range(N)])
    found[1::2] += 0.1 * torch.randn(found[1::2].shape, generator=torch.Generator().manual_seed(0))
    found[1::2, :, :40, :40] += 0.5
    return found.clamp(0, 1)


def measured(monkeypatch: pytest.MonkeyPatch, score: Callable[[Tensor], float]) -> dict[str, float]:
    def judge(_: object, scan: Scan) -> SimpleNamespace:
        return SimpleNamespace(score=score(torch.from_numpy(scan.pixels)))

    monkeypatch.setattr(equal_detail.inference, "judge", judge)
    model = SimpleNamespace(card=SimpleNamespace(id="any", labels=("normal", "ill")))
    even = equalise_sharpness(films(), BOXES)
    return equal_detail.at_equal_detail(model, CASES, even, BOXES)  # type: ignore[arg-type]


def test_detail_is_made_equal_where_it_counts():
    before, after = (sharpness_inside(f, BOXES) for f in (films(), equalise_sharpness(films(), BOXES)))
    assert before.max() / before.min() > 2
    assert after.max() / after.min() < 1.2


def test_a_card_keeps_what_is_no_detail_beside_what_detail_still_tells(monkeypatch: pytest.MonkeyPatch):
    found = measured(monkeypatch, lambda film: float(film[:40, :40].mean()))
    left = sharpness_inside(equalise_sharpness(films(), BOXES), BOXES)
    ill = [case.label == "ill" for case in CASES]
    told = roc_auc_score(ill, left)
    assert found == {names.AUC_EQUAL_DETAIL: 1, names.AUC_OF_DETAIL: max(told, 1 - told)}


def test_the_scans_judged_are_those_of_equal_detail(monkeypatch: pytest.MonkeyPatch):
    seen: list[Tensor] = []

    def score(film: Tensor) -> float:
        seen.append(film)
        return float(len(seen))

    measured(monkeypatch, score)
    assert torch.equal(torch.stack(seen)[:, None], equalise_sharpness(films(), BOXES))
