"""The convolutional LSTM autoencoder, as taught for video: here the film unfolds from coarse to fine."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, TrainedDetector
from core.detectors.blocks import ErrorStandardiser
from core.detectors.error_given_detail import ErrorGivenDetail, ReconstructionDetector


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


class ConvLSTMAutoencoder(ReconstructionDetector, TrainedDetector):
    """Two strided convolutions, three ConvLSTM layers and the way back (Chong 2017, arXiv:1701.01546).

    steps: frames in the sequence. With one, as public projects have it, the frame is the film and the network
    gives it back. With more the film grows sharper, each frame twice as fine as the one before, and after
    each the network foretells the next: what it adds is what lungs have at that place.
    given_detail: score by the error beyond what is usual for the detail that a level adds, mean of the
    levels; without it by the mean absolute error. map: in standard deviations of held-out normals.
    """

    def __init__(
        self,
        *,
        size: int = 64,
        channels: int = 1,
        width: int = 32,
        steps: int = 1,
        given_detail: bool = False,
    ) -> None:
        super().__init__()
        self.steps = steps
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
        self.given = ErrorGivenDetail(size, levels=steps) if given_detail else None

    def foretell(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, C, H, W) -> frames, the next of each, and the next as foretold: (N, steps, C, H, W) each."""
        sequence = coarse_to_fine(x, self.steps)
        frames, following = sequence[:, :-1], sequence[:, 1:]
        seen = self.encoder(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        added = self.decoder(self.cells(seen).flatten(0, 1)).unflatten(0, frames.shape[:2])
        return frames, following, frames + added

    def reconstruct(self, x: Tensor) -> Tensor:
        if self.steps > 1:
            return self.foretell(x)[2][:, -1]
        frames = self.encoder(x)[:, None]  # (N, T=1, D, h, w)
        return self.decoder(self.cells(frames)[:, -1])  # type: ignore[no-any-return]

    def loss(self, x: Tensor) -> Tensor:
        if self.steps == 1:
            return F.l1_loss(self.reconstruct(x), x)
        _, following, foretold = self.foretell(x)
        return F.l1_loss(foretold, following)

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        self.usual.fit((self.reconstruct(x) - x).abs().mean(1) for x in batches)

    def raw(self, x: Tensor) -> DetectorOutput:
        reconstruction = self.reconstruct(x)
        error = (reconstruction - x).abs().mean(1)
        return DetectorOutput(error.mean((1, 2)), self.usual(error).clamp_min(0), reconstruction)

    def error_and_detail(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of each level: the error of what was foretold, and how much the level adds to the one before."""
        if self.steps == 1:
            return super().error_and_detail(x)
        frames, following, foretold = self.foretell(x)
        return (foretold - following).abs().mean(2), (following - frames).abs().mean(2)


def coarse_to_fine(x: Tensor, steps: int) -> Tensor:
    """(N, C, H, W) -> (N, steps + 1, C, H, W): 2 ** steps times coarser, then twice as fine each, then x."""
    side = x.shape[-2:]
    coarser = [F.avg_pool2d(x, 2**step) for step in range(steps, 0, -1)]
    return torch.stack([*(F.interpolate(level, side, mode="bilinear") for level in coarser), x], dim=1)
