"""A small hybrid: convolutions see texture, attention sees the whole film."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.models.base import Classifier
from core.models.blocks import convolution


def _halving(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(*convolution(inputs, outputs), nn.MaxPool2d(2))


class Attention(nn.Module):
    """Multi-head self-attention and a two-layer network, each normalised and added (Vaswani 2017).

    Written out because torch's own block takes another route without gradients than with them, and maps
    would differ in the last digits.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mix = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (N, L, D) -> (N, heads, L, D / heads)
            for part in self.project(self.before(tokens)).chunk(3, dim=2)
        )
        seen = F.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.out(seen.transpose(1, 2).flatten(2))
        return tokens + self.mix(tokens)  # type: ignore[no-any-return]


class CNNTransformer(Classifier):
    """Three convolutions of 32, 64 and 128 maps, then attention over the cells as tokens.

    The grid is an eighth of the input, its tokens laid back on it after the last LayerNorm.
    """

    def __init__(
        self,
        *,
        classes: int = 2,
        channels: int = 1,
        width: int = 128,
        depth: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            _halving(channels, width // 4), _halving(width // 4, width // 2), _halving(width // 2, width)
        )
        self.attention = nn.Sequential(*(Attention(width, heads, dropout) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, classes))

    def features(self, x: Tensor) -> Tensor:
        grid = self.convolutions(x)
        tokens = (grid + places(grid)).flatten(2).transpose(1, 2)  # (N, D, h, w) -> (N, h*w, D)
        tokens = self.norm(self.attention(tokens))
        return tokens.transpose(1, 2).unflatten(2, grid.shape[-2:])  # type: ignore[no-any-return]

    def head(self, f: Tensor) -> Tensor:
        return self.dense(f.mean((2, 3)))  # type: ignore[no-any-return]


def places(grid: Tensor) -> Tensor:
    """Where each cell lies, as sines and cosines of row and column. grid: (N, D, h, w) -> (1, D, h, w)."""
    depth, height, width = grid.shape[1:]
    count = torch.arange(max(depth // 4, height, width), dtype=grid.dtype, device=grid.device)
    pace = torch.exp(count[: depth // 4] * (-8.0 / (depth // 4)))
    rows, columns = (count[:length, None] * pace for length in (height, width))
    down = torch.cat([rows.sin(), rows.cos()], dim=1).T[:, :, None].expand(-1, -1, width)
    across = torch.cat([columns.sin(), columns.cos()], dim=1).T[:, None, :].expand(-1, height, -1)
    return torch.cat([down, across])[None]
