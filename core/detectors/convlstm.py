"""The convolutional LSTM autoencoder, as taught for video: here the film is a sequence of one frame."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, TrainedDetector
from core.detectors.blocks import ErrorStandardiser


class ConvLSTMCell(nn.Module):
    """An LSTM whose gates are convolutions (Shi 2015, arXiv:1506.04214), without peepholes."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.gates = nn.Conv2d(inputs + width, 4 * width, 3, padding=1)

    def forward(self, frames: Tensor) -> Tensor:
        """(N, T, inputs, H, W) -> hidden states (N, T, width, H, W), from a state of zeros."""
        count, _, _, height, wide = frames.shape
        hidden = frames.new_zeros(count, self.width, height, wide)
        memory = torch.zeros_like(hidden)
        states = []
        for frame in frames.unbind(1):
            take, forget, give, new = self.gates(torch.cat([frame, hidden], dim=1)).chunk(4, dim=1)
            memory = forget.sigmoid() * memory + take.sigmoid() * new.tanh()
            hidden = give.sigmoid() * memory.tanh()
            states.append(hidden)
        return torch.stack(states, dim=1)


class ConvLSTMAutoencoder(TrainedDetector):
    """Two strided convolutions, three ConvLSTM layers and the way back (Chong 2017, arXiv:1701.01546).

    score: mean absolute error of the reconstruction. map: absolute error beyond what is usual at that place,
    in standard deviations of held-out normals.
    """

    def __init__(self, *, size: int = 64, channels: int = 1, width: int = 32) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, width, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(width, width, 5, stride=2, padding=2),
            nn.ReLU(),
        )
        self.cells = nn.Sequential(
            ConvLSTMCell(width, width), ConvLSTMCell(width, width // 4), ConvLSTMCell(width // 4, width)
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(width, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(width, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, channels, 3, padding=1),
        )
        self.usual = ErrorStandardiser(size)

    def reconstruct(self, x: Tensor) -> Tensor:
        frames = self.encoder(x)[:, None]  # (N, T=1, D, h, w)
        return self.decoder(self.cells(frames)[:, -1])  # type: ignore[no-any-return]

    def loss(self, x: Tensor) -> Tensor:
        return F.l1_loss(self.reconstruct(x), x)

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        self.usual.fit((self.reconstruct(x) - x).abs().mean(1) for x in batches)

    def score(self, x: Tensor) -> DetectorOutput:
        reconstruction = self.reconstruct(x)
        error = (reconstruction - x).abs().mean(1)
        return DetectorOutput(error.mean((1, 2)), self.usual(error).clamp_min(0), reconstruction)
