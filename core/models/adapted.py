"""A frozen vision transformer with low-rank adapters: a large network's sight for a small file."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.errors import CardError
from core.models.backbones import VisionTransformer
from core.models.frozen import FeatureReuse, FrozenBaseClassifier
from core.models.lung_head import LungHead

WIDTH = 2 * VisionTransformer.widths[0]


class LowRank(nn.Module):
    """What a frozen linear layer is changed by (Hu 2021, arXiv:2106.09685); nothing at the start."""

    def __init__(self, inputs: int, outputs: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Linear(inputs, rank, bias=False)
        self.up = nn.Linear(rank, outputs, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(self.down(x))  # type: ignore[no-any-return]


class AdaptedBlock(nn.Module):
    """The four adapters of one transformer block."""

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.qkv, self.proj = LowRank(width, 3 * width, rank), LowRank(width, width, rank)
        self.fc1, self.fc2 = LowRank(width, 4 * width, rank), LowRank(4 * width, width, rank)

    def forward(self, x: Tensor, block: nn.Module) -> Tensor:
        """x: (N, places, width), through the frozen `block` as adapted."""
        x = x + block.ls1(self._attended(block.norm1(x), block.attn))  # type: ignore[operator, arg-type]
        seen = block.norm2(x)  # type: ignore[operator]
        wide = F.gelu(block.mlp.fc1(seen) + self.fc1(seen))  # type: ignore[operator, union-attr]
        changed: Tensor = block.ls2(block.mlp.fc2(wide) + self.fc2(wide))  # type: ignore[operator, union-attr]
        return x + changed

    def _attended(self, x: Tensor, attention: nn.Module) -> Tensor:
        count, places, width = x.shape
        heads: int = attention.heads  # type: ignore[assignment]
        qkv = (attention.qkv(x) + self.qkv(x)).view(count, places, 3, heads, width // heads)  # type: ignore[operator]
        seen = F.scaled_dot_product_attention(*qkv.permute(2, 0, 3, 1, 4).unbind(0))
        joined = seen.transpose(1, 2).reshape(count, places, width)
        return attention.proj(joined) + self.proj(joined)  # type: ignore[operator, no-any-return]


class AdaptedTransformer(FrozenBaseClassifier):
    """DINOv2's first eight blocks, frozen, with adapters and a head that looks at lungs.

    The maps are the tokens after the 5th and the 8th block; the grid is a fourteenth of the input.
    """

    def __init__(self, *, of: str = "dinov2-vits14", rank: int = 16, classes: int = 2) -> None:
        super().__init__(of)
        depth = VisionTransformer.DEPTHS[-1]
        self.adapters = nn.ModuleList(AdaptedBlock(WIDTH // 2, rank) for _ in range(depth))
        self.answer = LungHead(WIDTH, classes)

    def features(self, x: Tensor) -> Tensor:
        net = self.base
        if not isinstance(net, VisionTransformer):
            raise CardError(f"{self.of!r} is no vision transformer, or it is not set yet.")
        patches: Tensor = net.patch_embed(x)
        grid = patches.shape[-2:]
        tokens = patches.flatten(2).transpose(1, 2)  # (N, D, h, w) -> (N, h*w, D)
        first = net.cls_token + net.pos_embed[:, :1]
        tokens = torch.cat([first.expand(len(x), -1, -1), tokens + _places(net, grid[0], grid[1])], dim=1)
        maps = []
        for depth, (block, adapter) in enumerate(zip(net.blocks, self.adapters, strict=True), 1):
            tokens = adapter(tokens, block)
            if depth in net.DEPTHS:
                even = F.layer_norm(tokens[:, 1:], tokens.shape[-1:])
                maps.append(even.transpose(1, 2).unflatten(2, grid))
        return torch.cat(maps, dim=1)

    def head(self, f: Tensor) -> Tensor:
        return self.answer(f)  # type: ignore[no-any-return]


def _places(net: VisionTransformer, height: int, width: int) -> Tensor:
    """The transformer's places (1, h*w, D), stretched where the input is larger than it was trained on."""
    places = net.pos_embed[:, 1:]
    if (height, width) == (net.grid, net.grid):
        return places
    square = places.transpose(1, 2).unflatten(2, (net.grid, net.grid))
    return F.interpolate(square, (height, width), mode="bicubic").flatten(2).transpose(1, 2)


class AnotherHead(FeatureReuse):
    """Another question to a trained classifier's maps, with a head of its own that looks at lungs."""

    def __init__(self, *, of: str, width: int = WIDTH, classes: int = 2) -> None:
        super().__init__(of)
        self.answer = LungHead(width, classes)

    def head(self, f: Tensor) -> Tensor:
        return self.answer(f)  # type: ignore[no-any-return]
