"""The convolutional autoencoder: what cannot be rebuilt from normal scans is suspicious."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, TrainedDetector
from core.detectors.blocks import decoder, encoder
from core.detectors.error_given_detail import ErrorGivenDetail, ReconstructionDetector


class Autoencoder(ReconstructionDetector, TrainedDetector):
    """Four halvings into `latent` numbers and back.

    The bottleneck is dense: a convolutional one lets local texture through and rebuilds lesions as well
    as lungs. given_detail: judge the error against the detail of the same place. Without it, map: absolute
    error in standard deviations of held-out normals at that place, below the usual error zero; score: the
    mean over the image of the squared, unclipped deviations.
    """

    def __init__(
        self,
        *,
        size: int = 96,
        channels: int = 1,
        width: int = 32,
        latent: int = 128,
        given_detail: bool = False,
    ) -> None:
        super().__init__()
        self.grid = size // 16
        self.encoder = encoder(channels, width)
        self.squeeze = nn.Linear(4 * width * self.grid**2, latent)
        self.spread = nn.Linear(latent, 4 * width * self.grid**2)
        self.decoder = decoder(channels, width)
        self.register_buffer("error_mean", torch.zeros(size, size))
        self.register_buffer("error_std", torch.ones(size, size))
        self.error_mean: Tensor
        self.error_std: Tensor
        self.given = ErrorGivenDetail(size) if given_detail else None

    def reconstruct(self, x: Tensor) -> Tensor:
        code = self.squeeze(self.encoder(x).flatten(1))
        grid = self.spread(code).unflatten(1, (-1, self.grid, self.grid))
        return self.decoder(grid)  # type: ignore[no-any-return]

    def loss(self, x: Tensor) -> Tensor:
        return F.l1_loss(self.reconstruct(x), x)

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        errors = torch.cat([(self.reconstruct(x) - x).abs().mean(1) for x in batches])
        self.error_mean.copy_(errors.mean(0))
        # Places that never err would turn noise into alarm.
        self.error_std.copy_(errors.std(0).clamp_min(float(errors.std(0).median()) / 4))

    def raw(self, x: Tensor) -> DetectorOutput:
        reconstruction = self.reconstruct(x)
        deviation = ((reconstruction - x).abs().mean(1) - self.error_mean) / self.error_std
        return DetectorOutput(deviation.square().mean((1, 2)), deviation.clamp_min(0), reconstruction)
