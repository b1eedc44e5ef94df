"""The one training loop: resume, weight averaging, early stopping, mixed precision, several machines.

Under torchrun every process takes its share of each batch; gradients are averaged between them
(DistributedDataParallel, NCCL on GPUs and gloo elsewhere). The first process validates and writes.
"""

import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import torch
from torch import Generator, Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from core import precision
from train import runs
from train.fit import randomness

Network = TypeVar("Network", bound=nn.Module)
BatchLoss = Callable[[Network, Tensor, Generator], Tensor]  # network, indices (B,), randomness -> scalar
Validate = Callable[[Network], Mapping[str, float]]
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True, slots=True)
class Settings:
    """How long and how fast. patience: epochs without a better figure before stopping.

    bf16: bfloat16, where the device has it.
    """

    epochs: int
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    average: float = 0.998
    patience: int = 10
    seed: int = 0
    bf16: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Outcome(Generic[Network]):
    """The best averaged network, and one row of figures per epoch."""

    network: Network
    curve: tuple[Mapping[str, float], ...]
    minutes: float


def device() -> torch.device:
    """CUDA when there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def join_process_group() -> None:
    """Meet the other processes when torchrun started this one."""
    if "WORLD_SIZE" in os.environ and not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))


def rank_and_size() -> tuple[int, int]:
    """Which process this is, from 0, and of how many."""
    if not distributed.is_initialized():
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def fit(
    network: Network,
    *,
    cases: int,
    batch_loss: BatchLoss[Network],
    validate: Validate[Network],
    watch: str,
    settings: Settings,
    inputs: Mapping[str, object],
    folder: Path,
) -> Outcome[Network]:
    """Train, keeping the averaged weights with the highest `watch` figure of `validate`.

    network: with its starting weights.
    cases: how many training cases there are.
    batch_loss: network, indices (B,) of cases and randomness to a scalar.
    validate: network to figures, once an epoch.
    watch: name of the figure that decides.
    settings: how long and how fast.
    inputs: what else the result depends on, by the words for it: films, labels, code (see runs.digest).
    folder: gets checkpoint.pt after every epoch. Training goes on from it as if it had never stopped, up to
    more epochs or fewer.
    Raises SystemExit where the checkpoint was made from anything else, and for a loss or a figure that is no
    number.
    """
    join_process_group()
    folder.mkdir(parents=True, exist_ok=True)
    run = _Run(network, cases, settings, inputs, folder / CHECKPOINT, batch_loss)
    run.resume()
    while run.epoch < settings.epochs and run.stale < settings.patience:
        started = time.monotonic()
        loss = run.train_epoch()
        row = _from_first(
            lambda loss=loss: {"epoch": run.epoch + 1, "loss": loss, **validate(run.smooth)}  # type: ignore[misc]
        )
        run.finish_epoch(row, row[watch], (time.monotonic() - started) / 60)
        if run.rank == 0:
            print("  ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)
    run.smooth.load_state_dict(run.best_state)
    return Outcome(run.smooth, tuple(run.curve), run.minutes)


def discard_checkpoints(folder: Path) -> None:
    """Begin anew: drop the checkpoints in a folder and those below it."""
    join_process_group()
    if rank_and_size()[0] == 0:
        for path in folder.rglob(CHECKPOINT):
            path.unlink()
    if distributed.is_initialized():
        distributed.barrier()


def _from_first(make: Callable[[], Mapping[str, float]]) -> Mapping[str, float]:
    """What the first process makes, in every process."""
    rank, size = rank_and_size()
    found = [make() if rank == 0 else None]
    if size > 1:
        distributed.broadcast_object_list(found)
    return cast(Mapping[str, float], found[0])


class _Loss(nn.Module, Generic[Network]):
    """The loss as a module's answer, which is what DistributedDataParallel averages gradients of."""

    def __init__(self, network: Network, batch_loss: BatchLoss[Network]) -> None:
        super().__init__()
        self.network, self.batch_loss = network, batch_loss

    def forward(self, indices: Tensor, generator: Generator) -> Tensor:
        return self.batch_loss(self.network, indices, generator)


class _Run(Generic[Network]):
    """The state that a checkpoint holds."""

    def __init__(
        self,
        network: Network,
        cases: int,
        settings: Settings,
        inputs: Mapping[str, object],
        checkpoint: Path,
        batch_loss: BatchLoss[Network],
    ) -> None:
        self.settings, self.cases, self.checkpoint = settings, cases, checkpoint
        self.rank, self.size = rank_and_size()
        self.made_from = self._digests(network, inputs)
        self.network = network.to(device=device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
        average = get_ema_multi_avg_fn(settings.average)
        self.averaged = AveragedModel(self.network, multi_avg_fn=average, use_buffers=True).eval()
        loss = _Loss(self.network, batch_loss)
        self.loss: nn.Module = loss if self.size == 1 else DistributedDataParallel(loss)
        learning = [p for p in network.parameters() if p.requires_grad]
        groups: list[dict[str, Any]] = [
            {"params": [p for p in learning if p.ndim > 1]},
            {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(
            groups, lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            max_lr=settings.learning_rate,
            total_steps=settings.epochs * self.steps,
            pct_start=0.15,
        )
        self.epoch, self.stale, self.best, self.minutes = 0, 0, float("-inf"), 0.0
        self.best_state: dict[str, Tensor] = {}
        self.curve: list[Mapping[str, float]] = []

    def _digests(self, network: nn.Module, inputs: Mapping[str, object]) -> dict[str, str]:
        """All that the run depends on, by the words for it; how long it goes is free to change."""
        written_in = {type(part).__module__ for part in network.modules()}
        known = {
            "settings": replace(self.settings, epochs=0, patience=0),
            "starting weights": network.state_dict(),
            "frozen weights": [name for name, p in network.named_parameters() if not p.requires_grad],
            "number of cases": self.cases,
            "number of processes": self.size,
            "network": runs.code(*(sys.modules[m] for m in sorted(written_in) if m.startswith("core."))),
            "training loop": runs.code(sys.modules[__name__]),
            **inputs,
        }
        return {name: runs.digest(value) for name, value in known.items()}

    @property
    def smooth(self) -> Network:
        return cast(Network, self.averaged.module)

    @property
    def steps(self) -> int:
        return max(self.cases // self.settings.batch, 1)

    def train_epoch(self) -> float:
        self.network.train()
        # seeded anew each epoch, so that a run which goes on sees what it would have seen
        seed = self.settings.seed * 1000 + self.epoch
        order = torch.randperm(self.cases, generator=Generator().manual_seed(seed))
        generator = Generator().manual_seed(seed * 64 + self.rank)
        total = 0.0
        name = f"epoch {self.epoch + 1}/{self.settings.epochs}"
        for step in tqdm(range(self.steps), desc=name, unit="batch", mininterval=30, disable=self.rank > 0):
            batch = order[step * self.settings.batch :][: self.settings.batch]
            with precision.half(device(), wanted=self.settings.bf16):
                loss = self.loss(batch[self.rank :: self.size], generator)
            self.require_finite({"loss": float(loss.detach())})
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            self.require_finite({"gradient": float(norm)})
            self.optimizer.step()
            self.scheduler.step()
            self.averaged.update_parameters(self.network)
            total += float(loss.detach())
        return total / self.steps

    def require_finite(self, figures: Mapping[str, float]) -> None:
        """Raises SystemExit before anything that is no number reaches the weights or the checkpoint."""
        for name, value in figures.items():
            if not math.isfinite(value):
                kept = f"{self.checkpoint} keeps epoch {self.epoch}" if self.epoch else "Nothing was kept"
                raise SystemExit(
                    f"Training stopped in epoch {self.epoch + 1}: {name} is {value:g}. {kept}. "
                    "Lower the learning rate, or look for films without content."
                )

    def finish_epoch(self, row: Mapping[str, float], figure: float, minutes: float) -> None:
        self.require_finite(row)
        self.curve.append(row)
        self.epoch += 1
        self.minutes += minutes
        self.stale += 1
        if figure > self.best:
            self.best, self.stale = figure, 0
            self.best_state = {k: v.clone() for k, v in self.smooth.state_dict().items()}
        state = self._state()
        if self.rank == 0:
            runs.save(state, self.checkpoint)  # a stop while writing must not cost the run

    def _state(self) -> dict[str, object]:
        return {
            "made_from": self.made_from,
            "random": randomness.states(),
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps": {name: getattr(self.scheduler, name) for name in ("last_epoch", "_step_count")},
            "best_state": self.best_state,
            "progress": (self.epoch, self.stale, self.best, self.minutes),
            "curve": self.curve,
        }

    def resume(self) -> None:
        if not self.checkpoint.is_file():
            return
        state = torch.load(self.checkpoint, map_location=device(), weights_only=True)
        self._require_made_from(state.get("made_from"))
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["steps"])  # of a schedule as long as the run is now
        self.best_state, self.curve = state["best_state"], state["curve"]
        self.epoch, self.stale, self.best, self.minutes = state["progress"]
        randomness.restore(state["random"])
        print(f"Going on after epoch {self.epoch} of {self.settings.epochs}.", flush=True)

    def _require_made_from(self, known: Mapping[str, str] | None) -> None:
        """Raises SystemExit for a checkpoint of anything else: old weights would get new figures."""
        if known is None:
            why = "an earlier version wrote it, which did not say from what"
        else:
            names = sorted(known.keys() | self.made_from.keys())
            other = [name for name in names if known.get(name) != self.made_from.get(name)]
            if not other:
                return
            why = f"made from other {', '.join(other)}"
        raise SystemExit(
            f"{self.checkpoint} is of another run: {why}. Begin anew with --fresh, or keep it and give "
            "another folder with --runs."
        )
