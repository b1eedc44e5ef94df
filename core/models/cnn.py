"""The small network of the field: three convolutional blocks, dropout, a dense head."""

import torch
from torch import Tensor, nn

from core.models.base import Classifier
from core.models.blocks import convolution


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Sequential(*convolution(inputs, outputs, stride=stride)),
        nn.Sequential(*convolution(outputs, outputs)),
        nn.MaxPool2d(2),
    )


class CNN(Classifier):
    """Three blocks of two convolutions each; the grid is a sixteenth of the input."""

    def __init__(self, *, classes: int = 2, channels: int = 1, width: int = 32, dropout: float = 0.4) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            _block(channels, width, stride=2),
            _block(width, 2 * width),
            _block(2 * width, 4 * width),
            nn.Sequential(*convolution(4 * width, 8 * width)),
        )
        self.dense = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(16 * width, 4 * width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4 * width, classes),
        )

    def features(self, x: Tensor) -> Tensor:
        return self.blocks(x)  # type: ignore[no-any-return]

    def steps(self) -> list[nn.Module]:
        return list(self.blocks)

    def head(self, f: Tensor) -> Tensor:
        pooled = torch.cat([f.mean((2, 3)), f.amax((2, 3))], dim=1)  # (N, D, h, w) -> (N, 2D)
        return self.dense(pooled)  # type: ignore[no-any-return]
