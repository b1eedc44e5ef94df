"""An autoencoder that learns to take lesions away: denoising with a hard bottleneck."""

from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, TrainedDetector
from core.detectors.blocks import ErrorStandardiser, decoder, encoder
from core.detectors.error_given_detail import ErrorGivenDetail, ReconstructionDetector

CELLS = 8  # per side; opacities are larger than one, ribs and vessels smaller
WORST = 0.1  # share of the cells that make the score


class DenoisingAutoencoder(ReconstructionDetector, TrainedDetector):
    """Fed films with drawn lesions, it must give back the healthy film (after Vincent 2008, Kascenas 2022).

    given_detail: judge the absolute error against the detail of the same place. Without it, the score is what
    is left of the signed error after averaging over 8 x 8 cells: how much brighter than restored a cell is
    beyond what is usual there, in standard deviations of held-out normals, mean of the worst tenth. map: the
    same at each cell.
    """

    def __init__(
        self,
        *,
        size: int = 64,
        channels: int = 1,
        width: int = 24,
        latent: int = 128,
        given_detail: bool = False,
    ) -> None:
        super().__init__()
        self.grid = size // 16
        self.encoder = encoder(channels, width)
        self.squeeze = nn.Linear(4 * width * self.grid**2, latent)
        self.spread = nn.Linear(latent, 4 * width * self.grid**2)
        self.decoder = decoder(channels, width)
        self.usual = ErrorStandardiser(CELLS)
        self.given = ErrorGivenDetail(size) if given_detail else None

    def reconstruct(self, x: Tensor) -> Tensor:
        code = self.squeeze(self.encoder(x).flatten(1))
        return self.decoder(self.spread(code).unflatten(1, (-1, self.grid, self.grid)))  # type: ignore[no-any-return]

    def loss(self, x: Tensor) -> Tensor:
        return self.restoration_loss(x, x)

    def restoration_loss(self, ill: Tensor, healthy: Tensor) -> Tensor:
        """ill: (N, C, H, W), healthy: the same films before lesions were drawn. Error and error of edges."""
        restored = self.reconstruct(ill)
        edges = sum(F.l1_loss(restored.diff(dim=side), healthy.diff(dim=side)) for side in (2, 3))
        return F.l1_loss(restored, healthy) + edges

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        self.usual.fit(self._coarse_error(x, self.reconstruct(x)) for x in batches)

    def raw(self, x: Tensor) -> DetectorOutput:
        restored = self.reconstruct(x)
        brighter = self.usual(self._coarse_error(x, restored)).clamp_min(0)
        worst = brighter.flatten(1).topk(round(WORST * CELLS**2)).values
        return DetectorOutput(worst.mean(1), brighter, restored)

    @staticmethod
    def _coarse_error(x: Tensor, restored: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d((x - restored).mean(1, keepdim=True), CELLS)[:, 0]
