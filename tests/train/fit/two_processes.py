"""What each process of a torchrun does in test_distributed.py: python two_processes.py FOLDER"""

import sys
from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from train.fit import loop

X = torch.randn(64, 4, generator=Generator().manual_seed(0))
Y = X @ torch.tensor([1.0, -2.0, 0.5, 0.0])


def loss(network: nn.Linear, chosen: Tensor, _: Generator) -> Tensor:
    return (network(X[chosen])[:, 0] - Y[chosen]).square().mean()


def train(folder: Path) -> nn.Linear:
    """A linear network on known numbers, 16 cases at a time over all processes."""
    torch.manual_seed(0)
    return loop.fit(
        nn.Linear(4, 1),
        cases=64,
        batch_loss=loss,
        validate=lambda net: {"closeness": -float(loss(net, torch.arange(64), Generator()).detach())},
        watch="closeness",
        settings=loop.Settings(epochs=3, batch=16, learning_rate=0.05, average=0.5, bf16=False),
        inputs={"numbers": (X, Y)},
        folder=folder,
    ).network


if __name__ == "__main__":
    learned = train(Path(sys.argv[1]))
    rank, size = loop.rank_and_size()
    torch.save({"weight": learned.weight.detach(), "size": size}, Path(sys.argv[1]) / f"rank-{rank}.pt")
    torch.distributed.destroy_process_group()
