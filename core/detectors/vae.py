"""The variational autoencoder: normal scans as one smooth cloud of codes."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, TrainedDetector
from core.detectors.blocks import ErrorStandardiser, decoder, encoder
from core.detectors.error_given_detail import ErrorGivenDetail, ReconstructionDetector


class VariationalAutoencoder(ReconstructionDetector, TrainedDetector):
    """Four halvings into the mean and spread of `latent` numbers (Kingma 2013, arXiv:1312.6114).

    The score takes the mean of the code, never a sample. given_detail: judge the error against the detail of
    the same place. Without it: the mean over the image of the squared deviations of the error from the usual,
    plus `divergence` times the code's Kullback-Leibler divergence per number.
    beta: its weight in training (Higgins 2017). map: absolute error beyond the usual, in standard deviations.
    """

    def __init__(
        self,
        *,
        size: int = 96,
        channels: int = 1,
        width: int = 32,
        latent: int = 64,
        beta: float = 1e-3,
        divergence: float = 0.0,
        given_detail: bool = False,
    ) -> None:
        super().__init__()
        self.grid, self.beta, self.divergence = size // 16, beta, divergence
        self.encoder = encoder(channels, width)
        self.squeeze = nn.Linear(4 * width * self.grid**2, 2 * latent)
        self.spread = nn.Linear(latent, 4 * width * self.grid**2)
        self.decoder = decoder(channels, width)
        self.usual = ErrorStandardiser(size)
        self.given = ErrorGivenDetail(size) if given_detail else None

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the code, each (N, latent)."""
        mean, log_variance = self.squeeze(self.encoder(x).flatten(1)).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 6)

    def decode(self, code: Tensor) -> Tensor:
        return self.decoder(self.spread(code).unflatten(1, (-1, self.grid, self.grid)))  # type: ignore[no-any-return]

    def reconstruct(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x)[0])

    def loss(self, x: Tensor) -> Tensor:
        mean, log_variance = self.encode(x)
        code = mean
        if self.training:
            code = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        return F.mse_loss(self.decode(code), x) + self.beta * _divergence(mean, log_variance).mean()

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        self.usual.fit((self.reconstruct(x) - x).abs().mean(1) for x in batches)

    def raw(self, x: Tensor) -> DetectorOutput:
        mean, log_variance = self.encode(x)
        reconstruction = self.decode(mean)
        deviation = self.usual((reconstruction - x).abs().mean(1))
        score = deviation.square().mean((1, 2)) + self.divergence * _divergence(mean, log_variance)
        return DetectorOutput(score, deviation.clamp_min(0), reconstruction)


def _divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """(N, latent) each -> (N,), from the standard normal, per number of the code."""
    return (mean.square() + log_variance.exp() - 1 - log_variance).mean(1) / 2
