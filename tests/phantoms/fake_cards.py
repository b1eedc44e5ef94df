"""Made-up cards beside the shipped ones, for what no shipped card shows: untrained networks, drawn scores."""

import hashlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import streamlit as st
import torch

from core import cards, checkpoints, cost, gate, inference
from core.card_types import Card, Scores
from core.evaluation import thresholds
from core.evaluation.binary import evaluate
from core.models import MODELS
from pages.shared.caches import ahead

REAL = cards.read("pneumonia-cnn")
assert isinstance(REAL, Card)
REDIRECTED = {
    cards: ("every", "broken", "read", "scores", "weights", "gate", "remove", "version"),
    cost: ("megabytes",),
    gate: ("check",),
    inference: ("load",),
}


def made_up(card_id: str, labels: tuple[str, ...], *, skill: float, seed: int = 0, **changes: object) -> Card:
    """A card with its own scores. skill: how far the true class stands out in the logits."""
    table = _scores(labels, skill, seed)
    truth = np.array([label != labels[0] for label in table.label], dtype=int)
    split = np.array(table.split)
    held = split == "validation"
    threshold = thresholds.youden(truth[held], table.score[held])
    report = {
        name: evaluate(
            name,
            truth[split == name],
            table.score[split == name],
            points={"youden": threshold},
            probabilistic=True,
        )
        for name in ("validation", "test")
    }
    assert isinstance(REAL, Card)
    card = replace(
        REAL,
        id=card_id,
        title=card_id.capitalize(),
        labels=labels,
        arguments={"classes": len(labels)},
        threshold=threshold,
        report=report,
        gate=None,
        known=None,
        trust={},
        figures={},
        scales={"grad-cam": 1.0, "layer-cam": 1.0},
    )
    return replace(card, **changes)  # type: ignore[arg-type]


def _scores(labels: tuple[str, ...], skill: float, seed: int) -> Scores:
    rng = np.random.default_rng(seed)
    n = 240
    truth = rng.integers(0, len(labels), n)
    logits = rng.normal(size=(n, len(labels))) + skill * np.eye(len(labels))[truth]
    known = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return Scores(
        split=("validation",) * (n // 2) + ("test",) * (n // 2),
        case=tuple(f"{place}.png" for place in range(n)),
        label=tuple(labels[place] for place in truth),
        score=1 - known[:, 0],
        probabilities=dict(zip(labels, known.T, strict=True)),
    )


@contextmanager
def weights(root: Path, *made: tuple[Card, float, int]) -> Iterator[None]:
    """The app finds these cards beside the shipped ones while the block lasts.

    made: card, skill and seed, as for `made_up`. root: an empty folder.
    """
    for folder in cards.WEIGHTS.iterdir():
        (root / folder.name).symlink_to(folder)
    for card, skill, seed in made:
        torch.manual_seed(seed)
        network = checkpoints.pack(MODELS[card.model](**card.arguments))
        known = replace(card, sha256=hashlib.sha256(network).hexdigest())
        cards.write(known, network, _scores(card.labels, skill, seed), root)
    with ExitStack() as stack:
        for module, names in REDIRECTED.items():
            for name in names:
                stack.enter_context(patch.object(module, name, _redirected(getattr(module, name), root)))
        stack.enter_context(patch.object(ahead, "prepare"))  # or it loads the default card for each test
        _let_go()
        yield
    _let_go()


def _redirected(function: Callable[..., object], root: Path) -> Callable[..., object]:
    """The function, with `root` for its argument of that name whatever it is called with."""

    def call(*given: object, **named: object) -> object:
        bound = inspect.signature(function).bind(*given, **named)
        bound.arguments["root"] = root
        return function(*bound.args, **bound.kwargs)

    return call


def _let_go() -> None:
    """What the app remembers of cards would outlive them."""
    st.cache_data.clear()
    st.cache_resource.clear()
