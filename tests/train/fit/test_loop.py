"""Training goes on where it stopped as if it had not, or says why it does not."""

import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator, Tensor, nn

from train.fit.loop import Settings, discard_checkpoints, fit

X = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
Y = X @ torch.tensor([1.0, -2.0, 0.5, 0.0])


def loss(network: nn.Linear, chosen: Tensor, generator: Generator) -> Tensor:
    noise = 0.01 * torch.randn(len(chosen), generator=generator)
    return (network(X[chosen])[:, 0] - Y[chosen] + noise).square().mean()


def closeness(network: nn.Linear) -> Mapping[str, float]:
    with torch.no_grad():
        return {"closeness": -float((network(X)[:, 0] - Y).square().mean())}


SETTINGS = Settings(epochs=6, batch=16, learning_rate=0.1, average=0.5, bf16=False)
INPUTS: Mapping[str, object] = {"numbers": (X, Y)}


def run(
    folder: Path,
    *,
    stop_after: int | None = None,
    start: int = 0,
    inputs: Mapping[str, object] = INPUTS,
    **changes: float,
) -> tuple[nn.Linear, list[float]]:
    torch.manual_seed(start)
    settings = replace(SETTINGS, **changes)
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
        inputs=inputs,
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
        settings=replace(SETTINGS, patience=2),
        inputs={},
        folder=tmp_path,
    )
    assert len(outcome.curve) == 4
    assert torch.equal(outcome.network.weight, seen[1])


class Noisy(nn.Module):
    """Draws from every generator there is: dropout from PyTorch's own."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.5), nn.Linear(16, 1))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y + 0.01 * (random.random() + np.random.random()) if self.training else y


def noisy(folder: Path, epochs: int, *, stop_after: int | None = None, tried: int = 0) -> Noisy:
    """tried: what else the process drew before, which must not matter to a run that goes on."""
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)
    network = Noisy()
    torch.rand(tried), np.random.random(tried), [random.random() for _ in range(tried)]
    calls = 0

    def validate(net: Noisy) -> Mapping[str, float]:
        nonlocal calls
        calls += 1
        if calls == stop_after:
            raise KeyboardInterrupt
        with torch.no_grad():
            return {"closeness": -float((net(X)[:, 0] - Y).square().mean())}

    return fit(
        network,
        cases=64,
        batch_loss=lambda net, chosen, _: (net(X[chosen])[:, 0] - Y[chosen]).square().mean(),
        validate=validate,
        watch="closeness",
        settings=replace(SETTINGS, epochs=epochs),
        inputs=INPUTS,
        folder=folder,
    ).network


def test_a_network_with_dropout_that_was_stopped_goes_on_bit_for_bit(tmp_path: Path):
    whole = noisy(tmp_path / "whole", 4)
    with pytest.raises(KeyboardInterrupt):
        noisy(tmp_path / "stopped", 4, stop_after=3)
    resumed = noisy(tmp_path / "stopped", 4, tried=5)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_more_epochs_lengthen_a_run_and_fewer_end_it(tmp_path: Path):
    _, first = run(tmp_path, epochs=3)
    _, longer = run(tmp_path, epochs=5)
    assert len(longer) == 5
    assert longer[:3] == first
    _, shorter = run(tmp_path, epochs=2)
    assert shorter == longer


def test_a_stopped_run_may_be_ended_earlier(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, stop_after=2)
    assert len(run(tmp_path, epochs=4)[1]) == 4


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"inputs": {"numbers": (X, Y + 1)}}, "numbers"),
        ({"inputs": {"numbers": (X, Y), "code": "other"}}, "code"),
        ({"inputs": {}}, "numbers"),
        ({"learning_rate": 0.2}, "settings"),
        ({"seed": 1}, "settings"),
        ({"start": 1}, "starting weights"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, float], named: str
):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, stop_after=2)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(SystemExit, match=f"another run: made from other {named}.*--fresh"):
        run(tmp_path, **changes)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    discard_checkpoints(tmp_path)
    assert len(run(tmp_path, **changes)[1]) == 6


def test_a_checkpoint_that_does_not_say_what_it_was_made_from_is_refused(tmp_path: Path):
    run(tmp_path)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    del state["made_from"]
    torch.save(state, tmp_path / "checkpoint.pt")
    with pytest.raises(SystemExit, match="earlier version"):
        run(tmp_path)


def test_beginning_anew_drops_the_checkpoints_of_earlier_stages_too(tmp_path: Path):
    run(tmp_path / "a" / "head")
    run(tmp_path / "b")
    discard_checkpoints(tmp_path / "a")
    assert [path.parent.name for path in tmp_path.rglob("checkpoint.pt")] == ["b"]


@pytest.mark.parametrize("what", ["loss", "gradient", "closeness"])
def test_what_is_no_number_stops_training_and_spares_the_checkpoint(tmp_path: Path, what: str):
    steps, epochs = 0, 0

    def batch_loss(network: nn.Linear, chosen: Tensor, generator: Generator) -> Tensor:
        nonlocal steps
        steps += 1
        value = loss(network, chosen, generator)
        if what == "loss" and steps == 6:  # of four an epoch
            return value * float("nan")
        # the root's slope at 0 is infinite
        return value + (network.weight * 0).sum().sqrt() if what == "gradient" and steps == 6 else value

    def validate(network: nn.Linear) -> Mapping[str, float]:
        nonlocal epochs
        epochs += 1
        return {"closeness": float("nan")} if what == "closeness" and epochs == 2 else closeness(network)

    torch.manual_seed(0)
    with pytest.raises(SystemExit, match=f"stopped in epoch 2: {what} is nan.*keeps epoch 1"):
        fit(
            nn.Linear(4, 1),
            cases=64,
            batch_loss=batch_loss,
            validate=validate,
            watch="closeness",
            settings=SETTINGS,
            inputs=INPUTS,
            folder=tmp_path,
        )
    _, curve = run(tmp_path)
    assert curve == run(tmp_path / "whole")[1]
