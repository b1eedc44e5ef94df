"""A small U-Net (Ronneberger 2015, arXiv:1505.04597)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.models.blocks import convolution


def _double(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        *convolution(inputs, outputs, inplace=True),
        *convolution(outputs, outputs, inplace=True),
    )


class UNet(nn.Module):
    """(N, 1, H, W) in [0, 1] -> (N, 1, H, W) logits; H and W divisible by 2 ** (levels - 1)."""

    def __init__(self, *, width: int = 16, levels: int = 4) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(levels)]
        self.down = nn.ModuleList(
            _double(inputs, outputs) for inputs, outputs in zip([1, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(
            _double(deep + shallow, shallow)
            for deep, shallow in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.pool = nn.MaxPool2d(2)
        self.out = nn.Conv2d(width, 1, 1)

    def encode(self, x: Tensor) -> list[Tensor]:
        """The maps of every level, from the finest to the deepest."""
        # Every film is brought to the same brightness and contrast first: exposure says nothing of anatomy.
        x = x - x.mean((2, 3), keepdim=True)
        variance = x.square().sum((2, 3), keepdim=True) / (x[0, 0].numel() - 1)
        x = x / (variance.sqrt() + 1e-3)
        skips: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(self.pool(x) if level else x)
            skips.append(x)
        return skips

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))

    def decode(self, skips: list[Tensor]) -> Tensor:
        """The maps of `encode` -> logits."""
        x = skips[-1]
        for block, skip in zip(self.up, skips[-2::-1], strict=True):
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = block(torch.cat([x, skip], dim=1))
        return self.out(x)  # type: ignore[no-any-return]
