"""How an ensemble's members are chosen, with scores in place of networks."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from core import cards
from core.types import Card
from train import ensemble
from train.rehearsal import Rehearsal

CARD = next(card for card in cards.every() if card.kind == "detector")
KIND = ("normal",) * 40 + ("taken otherwise",) * 40 + ("lobar",) * 40
ACTED = Rehearsal(torch.zeros(0), torch.zeros(0), KIND)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, np.ndarray]], list[Card]]:
    """Cards that stand for these scores."""

    def made(scores: dict[str, np.ndarray]) -> list[Card]:
        monkeypatch.setattr(ensemble.checkpoints, "network", lambda card: ensemble.Ensemble(members=card.id))
        monkeypatch.setattr(ensemble, "remember", lambda _: None)
        monkeypatch.setattr(ensemble, "scored", lambda network, *_: scores[network.members[0]])
        return [replace(CARD, id=name) for name in scores]

    return made


def test_members_that_help_are_taken_and_useless_ones_are_not(
    pool: Callable[[dict[str, np.ndarray]], list[Card]],
):
    rng = np.random.default_rng(0)
    ill = np.array([kind == "lobar" for kind in KIND])
    cards = pool(
        {
            "left": ill + rng.normal(size=120),
            "noise": rng.normal(size=120),
            "right": ill + rng.normal(size=120),
        }
    )
    assert [card.id for card in ensemble.choose(cards, ACTED, CARD.input)] == ["left", "right"]
