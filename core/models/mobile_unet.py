"""A U-Net (Ronneberger 2015, arXiv:1505.04597), its way down MobileNetV2 (Sandler 2018, arXiv:1801.04381)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.models.blocks import convolution

STAGES = (2, 4, 7, 14, 18)  # MobileNetV2's layers end here before each halving: strides 2, 4, 8, 16, 32
WIDTHS = (16, 24, 32, 96, 320)


class MobileUNet(nn.Module):
    """(N, 3, H, W), ImageNet-normalised -> (N, 1, H, W) logits; H and W divisible by 32."""

    def __init__(self, *, width: int = 16) -> None:
        from torchvision.models import mobilenet_v2  # where it is needed: it takes long

        super().__init__()
        self.layers = mobilenet_v2(weights=None).features[: STAGES[-1]]
        ups = [width * 2 ** min(level, 2) for level in range(len(WIDTHS) - 1)]
        deeper = [*ups[1:], WIDTHS[-1]]
        self.up = nn.ModuleList(
            nn.Sequential(
                *convolution(deep + shallow, out, inplace=True), *convolution(out, out, inplace=True)
            )
            for deep, shallow, out in zip(deeper, WIDTHS, ups, strict=False)
        )
        self.out = nn.Conv2d(ups[0], 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        size, skips = x.shape[-2:], []
        for layer, block in enumerate(self.layers, 1):
            x = block(x)
            if layer in STAGES:
                skips.append(x)
        for up, skip in zip(reversed(self.up), skips[-2::-1], strict=True):
            x = F.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=False)
            x = up(torch.cat([x, skip], dim=1))
        logits: Tensor = F.interpolate(self.out(x), size=size, mode="bilinear", align_corners=False)
        return logits
