"""A network that outlines lesions, and has never seen one: they were drawn into normal scans."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, TrainedDetector
from core.detectors.blocks import ErrorStandardiser
from core.models.unet import UNet

CERTAIN = 8.0  # logits; beyond it one pixel would outweigh a lesion


class LesionSegmenter(TrainedDetector):
    """A small U-Net that marks what a program drew into normal scans (after Sato 2022, Zavrtanik 2021).

    AnatPaste, DRAEM (arXiv:2108.07610). share: of the pixels, those marked most, that make the score, their
    mean logit. map: logit beyond the usual at that place, in standard deviations of held-out normals.
    """

    def __init__(self, *, size: int = 112, width: int = 12, levels: int = 4, share: float = 0.01) -> None:
        super().__init__()
        self.share = share
        self.net = UNet(width=width, levels=levels)
        self.usual = ErrorStandardiser(size)

    def marks(self, x: Tensor) -> Tensor:
        """(N, 1, H, W) -> (N, H, W), logits that a pixel belongs to a lesion."""
        marks: Tensor = self.net(x)[:, 0].clamp(-CERTAIN, CERTAIN)
        return marks

    def loss(self, x: Tensor) -> Tensor:
        """Of normal scans: every mark is one too many."""
        return self.outline_loss(x, torch.zeros_like(x))

    def outline_loss(self, x: Tensor, drawn: Tensor) -> Tensor:
        """drawn: (N, 1, H, W) in [0, 1], where lesions are. Cross-entropy and overlap (Milletari 2016)."""
        marks = self.net(x)
        shown = marks.sigmoid()
        overlap = (2 * (shown * drawn).sum((1, 2, 3)) + 1) / (
            shown.square().sum((1, 2, 3)) + drawn.square().sum((1, 2, 3)) + 1
        )
        crossed = F.binary_cross_entropy_with_logits(marks, drawn)
        loss: Tensor = crossed + 0.2 * (1 - overlap).mean()
        return loss

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        self.usual.fit(self.marks(x) for x in batches)

    def score(self, x: Tensor) -> DetectorOutput:
        marks = self.marks(x)
        most = marks.flatten(1).topk(max(1, round(self.share * marks[0].numel())), dim=1).values
        return DetectorOutput(most.mean(1), self.usual(marks).clamp_min(0), None)
