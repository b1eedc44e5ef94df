"""What external validation says of networks that judge by one plain cue."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core import cards, names
from core.card_types import Card
from core.types import InputSpec
from tests.phantoms.chest import chest
from train import external_validation
from train.data.datasets import Case
from train.data.films import WHOLE
from train.external_validation import abnormal_probabilities, adult_alarm_rates, sharpness_aucs

SPEC = InputSpec(size=224, channels=1, mean=(0.0,), std=(1.0,), region="whole")
N = 12


class Cue(nn.Module):
    """Logits 0 and `gain` times one number of the film, less `offset`."""

    def __init__(self, gain: float, offset: float = 0.0) -> None:
        super().__init__()
        self.gain, self.offset = gain, offset

    def forward(self, x: Tensor) -> Tensor:
        value = self.gain * (self.cue(x) - self.offset)
        return torch.stack([torch.zeros_like(value), value], dim=1)

    def cue(self, x: Tensor) -> Tensor:
        return (x - F.avg_pool2d(x, 3, stride=1, padding=1)).abs().mean((1, 2, 3))


class Corner(Cue):
    def cue(self, x: Tensor) -> Tensor:
        return x[:, :, :40, :40].mean((1, 2, 3))


def card() -> Card:
    found = [card for card in cards.every() if isinstance(card, Card) and card.task == "pneumonia"]
    if not found:
        pytest.skip("no card for pneumonia in weights/")
    return replace(found[0], input=SPEC, labels=("normal", "pneumonia"), threshold=0.5)


def films(*, grain: float = 0.0, mark: float = 0.0) -> Tensor:
    """(N, 1, 224, 224); every second film has the grain, and a grey corner."""
    found = torch.stack([torch.from_numpy(chest(seed=seed))[None] for seed in range(N)])
    noise = torch.randn(found.shape, generator=torch.Generator().manual_seed(0))
    found[1::2] += grain * noise[1::2]
    found[1::2, :, :40, :40] += mark
    return found.clamp(0, 1)


def shown(monkeypatch: pytest.MonkeyPatch, shown: Tensor, labels: tuple[str, str]) -> None:
    """Have these films read, every second one of the second label."""
    cases = [Case(Path(f"{n}"), f"{n}", labels[n % 2], f"{n}", "test") for n in range(N)]
    cases.append(replace(cases[0], name="train", split="train"))

    def load(chosen: list[Case], *_: object) -> tuple[Tensor, Tensor]:
        rows = shown[[int(case.name) for case in chosen]]
        return rows.half(), torch.tensor([[0.4, 0.4, 0.6, 0.6]]).expand(len(rows), -1)

    monkeypatch.setattr(external_validation.tasks, "load_cases", lambda *_, **__: cases)
    monkeypatch.setattr(external_validation.films, "load", load)


def test_a_network_that_sees_grain_alone_is_found_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    grainy = films(grain=0.1)
    shown(monkeypatch, grainy, ("normal", "pneumonia"))
    boxes = WHOLE.expand(N, -1)
    plain = abnormal_probabilities(Cue(1e3), grainy, boxes, SPEC)
    assert plain[1::2].min() > plain[::2].max()
    measured = sharpness_aucs(card(), Cue(50), tmp_path, tmp_path)
    assert measured[names.AUC_EQUAL_SHARPNESS] < 0.7
    assert measured[names.AUC_SHARPENED] == 1


def test_a_network_that_sees_something_else_keeps_its_figure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    shown(monkeypatch, films(grain=0.1, mark=0.5), ("normal", "pneumonia"))
    measured = sharpness_aucs(card(), Corner(5), tmp_path, tmp_path)
    kept = (names.AUC_EQUAL_SHARPNESS, names.AUC_SHARPENED)
    assert {name: measured[name] for name in kept} == dict.fromkeys(kept, 1)


def test_adults_are_counted_at_the_cards_threshold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    marked = films(mark=0.5)
    marked[4, :, :40, :40] = 1.0  # one normal film in six is called abnormal too
    marked[5, :, :40, :40] = 0.0  # and one COVID film is missed
    shown(monkeypatch, marked, ("normal", "covid"))
    measured = adult_alarm_rates(card(), Corner(20, offset=0.35), tmp_path, tmp_path)
    assert measured == {
        names.ADULT_FALSE_ALARMS: pytest.approx(1 / 6),
        names.ADULT_NORMALS: 6,
        names.COVID_FLAGGED: pytest.approx(5 / 6),
        names.COVID_FILMS: 6,
    }
    none = adult_alarm_rates(replace(card(), threshold=1.1), Corner(20), tmp_path, tmp_path)
    assert none[names.ADULT_FALSE_ALARMS] == none[names.COVID_FLAGGED] == 0
