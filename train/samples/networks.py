"""The two networks that make sample scans: an autoencoder to 28x28 latents, and a denoiser in them."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

REDUCTION = 8  # pixels per latent, each way
LATENT = 6  # channels
GROUPS = 8


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity; without normalisation, which blurs what stands alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.second(F.relu(self.first(x)))
        return x + change


class Autoencoder(nn.Module):
    """Scans (N, 1, H, W) in [0, 1] to latents (N, LATENT, H / 8, W / 8) and back; any H, W by 8."""

    def __init__(self, width: int = 64, latent: int = LATENT) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(16, width, 3, padding=1),
            Residual(width),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            Residual(2 * width),
            nn.Conv2d(2 * width, 2 * latent, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(latent, 2 * width, 3, padding=1),
            Residual(2 * width),
            Residual(2 * width),
            nn.Conv2d(2 * width, 4 * width, 1),
            nn.PixelShuffle(2),
            Residual(width),
            Residual(width),
            nn.Conv2d(width, 2 * width, 1),
            nn.PixelShuffle(2),
            Residual(width // 2),
            nn.Conv2d(width // 2, 4, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def encode(self, scans: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latents, each (N, latent, H / 8, W / 8)."""
        mean, spread = self.encoder(scans * 2 - 1).chunk(2, dim=1)
        return mean, spread.clamp(-12, 4)

    def decode(self, latents: Tensor) -> Tensor:
        pixels: Tensor = self.decoder(latents)
        return (pixels + 1) / 2


class ConditionedResidual(nn.Module):
    """A residual block whose second half is scaled and shifted by time and condition."""

    def __init__(self, incoming: int, width: int, embedding: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.GroupNorm(GROUPS, incoming), nn.SiLU(), nn.Conv2d(incoming, width, 3, padding=1)
        )
        self.modulation = nn.Linear(embedding, 2 * width)
        self.norm = nn.GroupNorm(GROUPS, width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.past = nn.Conv2d(incoming, width, 1) if incoming != width else nn.Identity()
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
        y = self.norm(self.first(x)) * (1 + scale) + shift
        past: Tensor = self.past(x)
        change: Tensor = self.second(F.silu(y))
        return past + change


class Attention(nn.Module):
    """Every place looks at every other: what makes the left lung match the right."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(GROUPS, width)
        self.qkv = nn.Conv2d(width, 3 * width, 1)
        self.project = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.project.weight)

    def forward(self, x: Tensor) -> Tensor:
        n, width, h, w = x.shape
        parts = self.qkv(self.norm(x)).view(n, 3, self.heads, width // self.heads, h * w)
        query, key, value = parts.transpose(-1, -2).unbind(1)  # each (n, heads, h * w, width / heads)
        attended = F.scaled_dot_product_attention(query, key, value)
        mixed: Tensor = self.project(attended.transpose(-1, -2).reshape(n, width, h, w))
        return x + mixed


class Denoiser(nn.Module):
    """A U-Net over 28, 14 and 7 places a side, conditioned on the time and the mode.

    modes: how many. It sees the noisy latents beside what the bell curves make of them.
    """

    def __init__(
        self, modes: int, *, latent: int = LATENT, widths: tuple[int, int, int] = (48, 128, 192)
    ) -> None:
        super().__init__()
        fine, middle, coarse = widths
        embedding = 4 * fine
        self.latent, self.frequencies = latent, fine
        self.time = nn.Sequential(nn.Linear(fine, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.mode = nn.Embedding(modes, embedding)
        self.stem = nn.Conv2d(2 * latent, fine, 3, padding=1)
        self.down_fine = ConditionedResidual(fine, fine, embedding)
        self.to_middle = nn.Conv2d(fine, middle, 2, stride=2)
        self.down_middle = ConditionedResidual(middle, middle, embedding)
        self.to_coarse = nn.Conv2d(middle, coarse, 2, stride=2)
        self.bottom = nn.ModuleList([ConditionedResidual(coarse, coarse, embedding) for _ in range(2)])
        self.attention = Attention(coarse)
        self.from_coarse = nn.Sequential(nn.Conv2d(coarse, 4 * middle, 1), nn.PixelShuffle(2))
        self.up_middle = ConditionedResidual(2 * middle, middle, embedding)
        self.from_middle = nn.Sequential(nn.Conv2d(middle, 4 * fine, 1), nn.PixelShuffle(2))
        self.up_fine = ConditionedResidual(2 * fine, fine, embedding)
        self.output = nn.Sequential(
            nn.GroupNorm(GROUPS, fine), nn.SiLU(), nn.Conv2d(fine, latent, 3, padding=1)
        )
        nn.init.zeros_(self.output[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.output[-1].bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, time: Tensor, mode: Tensor) -> Tensor:
        """The velocity's correction.

        x: (N, 2 * latent, 28, 28), noisy latents beside what the prior makes of them.
        time: (N,), 1 is noise.
        mode: (N,).
        Returns (N, latent, 28, 28).
        """
        embedding = F.silu(self.time(time_embedding(time, self.frequencies)) + self.mode(mode))
        fine = self.down_fine(self.stem(x), embedding)
        middle = self.down_middle(self.to_middle(fine), embedding)
        coarse = self.attention(self.bottom[0](self.to_coarse(middle), embedding))
        coarse = self.bottom[1](coarse, embedding)
        middle = self.up_middle(torch.cat([middle, self.from_coarse(coarse)], dim=1), embedding)
        fine = self.up_fine(torch.cat([fine, self.from_middle(middle)], dim=1), embedding)
        velocity: Tensor = self.output(fine)
        return velocity


def time_embedding(time: Tensor, width: int) -> Tensor:
    """(N,) in [0, 1] -> (N, width), sines and cosines from slow to fast."""
    rates = torch.exp(torch.linspace(0, math.log(1000), width // 2))
    turns = time[:, None] * rates
    return torch.cat([turns.sin(), turns.cos()], dim=1)
