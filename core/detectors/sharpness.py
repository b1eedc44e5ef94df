"""The yardstick: a score made by hand, with nothing learned but what is usual."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, FittedDetector
from core.detectors.blocks import ErrorStandardiser

WINDOW = 31  # pixels
STRIDE = 4


class Sharpness(FittedDetector):
    """How little fine detail the middle of the film shows: minus the log of a low quantile of |x - G1(x)|.

    Consolidation hides ribs and vessels, so it scores high; so does any blurred film, whatever is on it.
    top, bottom, side: the border left out, as fractions of the film. quantile: over 31-pixel windows.
    map: minus the log of the local detail beyond what is usual, in standard deviations of held-out normals.
    """

    def __init__(
        self,
        *,
        size: int = 224,
        top: float = 0.134,
        bottom: float = 0.179,
        side: float = 0.134,
        quantile: float = 0.25,
    ) -> None:
        super().__init__()
        self.rows = slice(round(top * size), size - round(bottom * size))
        self.columns = slice(round(side * size), size - round(side * size))
        self.quantile = quantile
        self.usual = ErrorStandardiser(size // STRIDE)

    def detail(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, H, W), the mean of |x - G1(x)| in the window around each place."""
        grey = x.mean(1, keepdim=True)
        fine = (grey - blurred(grey)).abs()
        return F.avg_pool2d(fine, WINDOW, 1, WINDOW // 2, count_include_pad=False)[:, 0]

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Nothing is fitted: the score is a formula."""

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        self.usual.fit(self._smoothness(self.detail(x)) for x in batches)

    def score(self, x: Tensor) -> DetectorOutput:
        detail = self.detail(x)
        middle = detail[:, self.rows, self.columns].flatten(1)
        score = -(torch.quantile(middle, self.quantile, dim=1) + 1e-6).log()
        return DetectorOutput(score, self.usual(self._smoothness(detail)).clamp_min(0), None)

    @staticmethod
    def _smoothness(detail: Tensor) -> Tensor:
        return -(F.avg_pool2d(detail[:, None], STRIDE)[:, 0] + 1e-6).log()


def blurred(x: Tensor, sigma: float = 1.0) -> Tensor:
    """Gaussian blur of one channel, edges repeated."""
    reach = math.ceil(4 * sigma)
    at = torch.arange(-reach, reach + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-(at**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    padded = F.pad(x, (reach, reach, reach, reach), mode="reflect")
    return F.conv2d(F.conv2d(padded, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1))
