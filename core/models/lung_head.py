"""Pooling that learns where to look, and the answer it gives."""

import torch
from torch import Tensor, nn


class LungHead(nn.Module):
    """Attention over places (Ilse 2018, arXiv:1802.04712), then mean and spread, then one linear layer.

    Taught beside its labels to keep its attention inside the lungs' hull.
    """

    def __init__(self, width: int, classes: int, *, hidden: int = 64, dropout: float = 0.3) -> None:
        super().__init__()
        self.width = width
        self.look = nn.Sequential(nn.Conv2d(width, hidden, 1), nn.Tanh(), nn.Conv2d(hidden, 1, 1))
        self.norm = nn.LayerNorm(2 * width)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(2 * width, classes)

    def attention(self, f: Tensor) -> Tensor:
        """(N, D, h, w) -> (N, 1, h, w), how much each place counts; they sum to 1."""
        logits: Tensor = self.look(f)
        return logits.flatten(2).softmax(2).view_as(logits)

    def forward(self, f: Tensor) -> Tensor:
        """(N, D, h, w) -> (N, K) logits."""
        weight = self.attention(f)
        mean = (f * weight).sum((2, 3))
        spread = ((f.square() * weight).sum((2, 3)) - mean.square()).clamp_min(1e-6).sqrt()
        return self.linear(self.dropout(self.norm(torch.cat([mean, spread], dim=1))))  # type: ignore[no-any-return]
