from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor, nn

from train.fit.loop import Settings, fit

X = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
Y = X @ torch.tensor([1.0, -2.0, 0.5, 0.0])


def loss(network: nn.Linear, chosen: Tensor, generator: Generator) -> Tensor:
    noise = 0.01 * torch.randn(len(chosen), generator=generator)
    return (network(X[chosen])[:, 0] - Y[chosen] + noise).square().mean()


def closeness(network: nn.Linear) -> Mapping[str, float]:
    with torch.no_grad():
        return {"closeness": -float((network(X)[:, 0] - Y).square().mean())}


def run(folder: Path, *, stop_after: int | None = None, **changes: int) -> tuple[nn.Linear, list[float]]:
    torch.manual_seed(0)
    settings = Settings(epochs=6, batch=16, learning_rate=0.1, average=0.5, bf16=False, **changes)
    calls = 0

    def validate(network: nn.Linear) -> Mapping[str, float]:
        nonlocal calls
        calls += 1
        if stop_after is not None and calls > stop_after:
            raise KeyboardInterrupt
        return closeness(network)

    outcome = fit(
        nn.Linear(4, 1),
        cases=64,
        batch_loss=loss,
        validate=validate,
        watch="closeness",
        settings=settings,
        folder=folder,
    )
    return outcome.network, [row["closeness"] for row in outcome.curve]


def test_training_comes_closer(tmp_path: Path):
    _, curve = run(tmp_path)
    assert len(curve) == 6
    assert curve[-1] > curve[0]


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path):
    whole, whole_curve = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", stop_after=3)
    resumed, curve = run(tmp_path / "stopped")
    assert curve == whole_curve
    assert torch.equal(resumed.weight, whole.weight)


def test_the_same_seed_trains_the_same_network(tmp_path: Path):
    first, _ = run(tmp_path / "a")
    second, _ = run(tmp_path / "b")
    other, _ = run(tmp_path / "c", seed=1)
    assert torch.equal(first.weight, second.weight)
    assert not torch.equal(first.weight, other.weight)


def test_training_stops_when_nothing_gets_better_and_keeps_the_best(tmp_path: Path):
    figures = iter([0.1, 0.9, 0.3, 0.2, 0.1, 0.0])
    seen: list[Tensor] = []

    def validate(network: nn.Linear) -> Mapping[str, float]:
        seen.append(network.weight.detach().clone())
        return {"figure": next(figures)}

    outcome = fit(
        nn.Linear(4, 1),
        cases=64,
        batch_loss=loss,
        validate=validate,
        watch="figure",
        settings=Settings(epochs=6, batch=16, patience=2, bf16=False),
        folder=tmp_path,
    )
    assert len(outcome.curve) == 4
    assert torch.equal(outcome.network.weight, seen[1])
