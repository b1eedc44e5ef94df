"""Networks pretrained on photographs, cut after their middle layers and never trained here.

Middle layers transfer better to X-ray films than last ones. A backbone lies in weights/ once, in a folder
of its own; every detector that stands on it names it by that folder.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.models.blocks import EPSILON, residual_stage

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # what both were trained with
SIDE = 224


class Backbone(nn.Module, ABC):
    """Feature maps at several depths, all on one grid of `grid` x `grid` places."""

    grid: int
    widths: tuple[int, ...]

    @abstractmethod
    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, SIDE, SIDE), ImageNet-normalised -> one (N, widths[i], grid, grid) per depth."""


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        count, places, width = x.shape
        qkv = self.qkv(x).view(count, places, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(*qkv.unbind(0))
        return self.proj(seen.transpose(1, 2).reshape(count, places, width))  # type: ignore[no-any-return]


class _Scale(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn = _Attention(width, heads)
        self.mlp = nn.Sequential()
        self.mlp.add_module("fc1", nn.Linear(width, 4 * width))
        self.mlp.add_module("act", nn.GELU())
        self.mlp.add_module("fc2", nn.Linear(4 * width, width))
        self.ls1, self.ls2 = _Scale(width), _Scale(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))  # type: ignore[no-any-return]


class VisionTransformer(Backbone):
    """The first eight blocks of DINOv2 ViT-S/14 (Oquab 2023, arXiv:2304.07193), after the 5th and 8th."""

    grid = 16
    widths = (384, 384)
    DEPTHS = (5, 8)

    def __init__(self) -> None:
        super().__init__()
        width = self.widths[0]
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + self.grid**2, width))
        self.patch_embed = nn.Sequential()
        self.patch_embed.add_module("proj", nn.Conv2d(3, width, 14, stride=14))
        self.blocks = nn.ModuleList(_Block(width, heads=6) for _ in range(self.DEPTHS[-1]))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        patches = self.patch_embed(x).flatten(2).transpose(1, 2)  # (N, D, h, w) -> (N, h*w, D)
        tokens = torch.cat([self.cls_token.expand(len(x), -1, -1), patches], dim=1) + self.pos_embed
        maps = []
        for depth, block in enumerate(self.blocks, 1):
            tokens = block(tokens)
            if depth in self.DEPTHS:
                # the stream itself is dominated by a few large numbers; its norm is not
                even = F.layer_norm(tokens[:, 1:], tokens.shape[-1:])
                maps.append(even.transpose(1, 2).unflatten(2, (self.grid, self.grid)))
        return tuple(maps)


class ResidualNetwork(Backbone):
    """ResNet-50 (He 2015, arXiv:1512.03385), first version, after its second and third stage."""

    grid = 14
    widths = (512, 1024)

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64, eps=EPSILON)
        self.layer1 = residual_stage(64, 64, blocks=3, stride=1)
        self.layer2 = residual_stage(256, 128, blocks=4)
        self.layer3 = residual_stage(512, 256, blocks=6)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        second = self.layer2(self.layer1(x))
        return F.avg_pool2d(second, 2), self.layer3(second)

    def steps(self) -> list[nn.Module]:
        """The way to the third stage, as a chain."""
        stem = nn.Sequential(self.conv1, self.bn1, nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1))
        return [stem, *self.layer1, *self.layer2, *self.layer3]


BACKBONES: dict[str, type[Backbone]] = {
    "dinov2-vits14": VisionTransformer,
    "resnet50": ResidualNetwork,
}
