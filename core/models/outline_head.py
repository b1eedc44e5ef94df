"""An outline from the maps of a trained classifier."""

from torch import Tensor, nn
from torch.nn import functional as F

from core.models.blocks import convolution
from core.models.frozen import FrozenBase

LIMIT = 4.0  # log odds beyond which a classifier is sure enough


class OutlineHead(FrozenBase):
    """(N, C, H, W), as the classifier is fed -> (N, 1, H, W) logits, from maps upsampled once.

    The classifier's own log odds of a sick film are added everywhere, so that a film which it calls normal is
    hardly ever marked.
    """

    def __init__(self, *, of: str, maps: int = 768, width: int = 48) -> None:
        super().__init__(of)
        self.coarse = nn.Sequential(
            nn.Dropout2d(0.2),
            nn.Conv2d(maps, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            *convolution(width, width, inplace=True),
        )
        self.fine = nn.Sequential(*convolution(width, width // 2, inplace=True), nn.Conv2d(width // 2, 1, 1))
        self.gate = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        logits = self.from_maps(self.base_classifier().features(x))
        return F.interpolate(logits, size=x.shape[-2:], mode="bilinear", align_corners=False)

    def from_maps(self, maps: Tensor) -> Tensor:
        """The classifier's maps (N, D, h, w) -> (N, 1, 2h, 2w) logits."""
        answer = self.base_classifier().head(maps)
        odds = (answer[:, 1:].logsumexp(1) - answer[:, 0]).clamp(-LIMIT, LIMIT)
        fine = F.interpolate(self.coarse(maps), scale_factor=2.0, mode="bilinear", align_corners=False)
        logits: Tensor = self.fine(fine) + self.gate(odds[:, None])[:, :, None, None]
        return logits
