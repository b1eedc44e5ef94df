"""Augmentation where the films lie, on the accelerator: another machine, file, border each time."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from core.preprocess import soft_edge, stretch_inside
from core.resample import gaussian

SIDE = 288  # of a stored crop, in pixels
GRID = 72  # of a stored hull
CONTEXT = 1.3  # a stored crop is this much wider than the lungs' box
QUANTISED = torch.tensor(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=torch.float32,
)  # JPEG's luminance table at quality 50


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """films: (N, 1, H, W) in [0, 1]. hull: (N, 1, H, W), 1 inside the hull of the lungs."""

    films: Tensor
    hull: Tensor


def rand(like: Tensor, low: float = 0.0, high: float = 1.0) -> Tensor:
    """(N, 1, 1, 1), uniform."""
    return low + (high - low) * torch.rand(len(like), 1, 1, 1, device=like.device)


def chance(like: Tensor, share: float) -> Tensor:
    return rand(like) < share


def framed(crops: Tensor, hulls: Tensor, size: int, *, moved: bool) -> Batch:
    """Stored crops (N, 1, SIDE, SIDE) uint8 and hulls -> the lungs' box, or one near it."""
    n, device = len(crops), crops.device
    zoom = torch.full((n,), 1 / CONTEXT, device=device)
    theta = torch.zeros(n, 2, 3, device=device)
    if moved:
        angle = (torch.rand(n, device=device) - 0.5) * 2 * math.radians(10)
        stretch = torch.exp((torch.rand(2, n, device=device) - 0.5) * 0.3)
        flip = torch.where(torch.rand(n, device=device) < 0.5, -1.0, 1.0)
        shift = (torch.rand(2, n, device=device) - 0.5) * 0.12
    else:
        angle, flip = torch.zeros(n, device=device), torch.ones(n, device=device)
        stretch, shift = torch.ones(2, n, device=device), torch.zeros(2, n, device=device)
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    theta[:, 0, 0], theta[:, 0, 1], theta[:, 0, 2] = cos * stretch[0] * flip, -sin * stretch[1], shift[0]
    theta[:, 1, 0], theta[:, 1, 1], theta[:, 1, 2] = sin * stretch[0] * flip, cos * stretch[1], shift[1]
    grid = F.affine_grid(theta, [n, 1, size, size], align_corners=False)
    films = F.grid_sample(crops.float() / 255, grid, padding_mode="zeros", align_corners=False)
    hull = F.grid_sample(hulls.float(), grid, padding_mode="zeros", align_corners=False)
    return Batch(films, hull)


def other_machine(x: Tensor, partner: Tensor) -> Tensor:
    """Low frequencies take the amplitude of another film (Yang 2020, arXiv:2004.05498), some of them."""
    spectrum, other = torch.fft.rfft2(x), torch.fft.rfft2(partner)
    high, wide = x.shape[-2:]
    rows = torch.fft.fftfreq(high, device=x.device).abs().view(-1, 1) * high
    columns = torch.fft.rfftfreq(wide, device=x.device).abs().view(1, -1) * wide
    reach = rand(x, 1.0, 4.0)
    low = ((rows < reach) & (columns < reach)).float() * rand(x, 0.2, 1.0) * chance(x, 0.35)
    amplitude = spectrum.abs() * (1 - low) + other.abs() * low
    mixed: Tensor = torch.fft.irfft2(torch.polar(amplitude, spectrum.angle()), s=(high, wide))
    return mixed


def resampled(x: Tensor) -> Tensor:
    """As another copy of the file: smaller, by another filter, and back. By parts of the batch."""
    parts = []
    for part in x.chunk(6):
        size = int(torch.randint(72, x.shape[-1] + 1, ()))
        way = int(torch.randint(6, ()))
        if way == 0:
            small = F.interpolate(part, (size, size), mode="nearest")
        elif way == 1:
            small = F.interpolate(part, (size, size), mode="bicubic", antialias=True)
        elif way == 2:
            small = F.interpolate(part, (size, size), mode="bilinear")
        elif way == 3:
            small = F.interpolate(part, (size, size), mode="bilinear", antialias=True)
        else:
            parts.append(part)
            continue
        parts.append(F.interpolate(small, part.shape[-2:], mode="bicubic" if size % 2 else "bilinear"))
    return torch.cat(parts)


def sharpness(x: Tensor) -> Tensor:
    """Blurred by some, sharpened by some, each to its own degree."""
    fine, coarse = gaussian(x, 1.0), gaussian(x, 2.2)
    degree = rand(x, -1.2, 1.0)
    soft = torch.where(chance(x, 0.5), fine, coarse)
    changed = torch.where(degree > 0, x + degree * (soft - x), x - 0.8 * degree * (x - fine))
    return torch.where(chance(x, 0.6), changed, x)


def compressed(x: Tensor) -> Tensor:
    """JPEG at a random quality: blocks of 8 x 8, cosines, quantised."""
    k = torch.arange(8, device=x.device, dtype=torch.float32)
    basis = torch.cos((2 * k[None] + 1) * k[:, None] * math.pi / 16) / 2
    basis[0] /= math.sqrt(2)
    n, _, high, wide = x.shape
    blocks = (x * 255 - 128).view(n, high // 8, 8, wide // 8, 8).permute(0, 1, 3, 2, 4)
    cosines = basis @ blocks @ basis.T
    quality = torch.rand(n, 1, 1, 1, 1, device=x.device) * 70 + 20
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    table = (QUANTISED.to(x.device) * scale).clamp_min(1)
    back = basis.T @ ((cosines / table).round() * table) @ basis
    restored = (back.permute(0, 1, 3, 2, 4).reshape(n, 1, high, wide) + 128) / 255
    return torch.where(chance(x, 0.5), restored, x)


def evened(x: Tensor) -> Tensor:
    """Local contrast brought to the same everywhere, as some machines do, to a random degree."""
    around = gaussian(F.avg_pool2d(x, 4), 5.0)
    spread = gaussian(F.avg_pool2d(x.square(), 4), 5.0) - around.square()
    around, spread = (F.interpolate(m, x.shape[-2:], mode="bilinear") for m in (around, spread))
    local = 0.5 + 0.2 * (x - around) / (spread.clamp_min(1e-4).sqrt() + 0.03)
    degree = rand(x, 0.0, 0.8) * chance(x, 0.3)
    return x + degree * (local - x)


def exposed(x: Tensor) -> Tensor:
    """Gamma and noise. x near [0, 1]."""
    curve = torch.exp(rand(x, -0.5, 0.5))
    x = x.clamp(0, 1) ** curve
    return x + rand(x, 0.0, 0.05) * chance(x, 0.4) * torch.randn_like(x)


def erased(x: Tensor) -> Tensor:
    """A grey rectangle somewhere in a third of the films: a tube, a marker, burned-in text."""
    high, wide = x.shape[-2:]
    rows = torch.arange(high, device=x.device).view(1, 1, -1, 1) / high
    columns = torch.arange(wide, device=x.device).view(1, 1, 1, -1) / wide
    top, left, tall, long = rand(x), rand(x), rand(x, 0.03, 0.25), rand(x, 0.03, 0.25)
    there = (rows > top) & (rows < top + tall) & (columns > left) & (columns < left + long)
    return torch.where(there & chance(x, 0.35), rand(x, -0.1, 1.1), x)


def outside(x: Tensor, hull: Tensor, other: Tensor, *, black: float, swapped: float) -> Tensor:
    """What lies outside the hull: blackened in a share of films, another film's in a share, its own else."""
    draw = rand(x)
    fill = torch.where(draw < black, torch.zeros_like(x), torch.where(draw < black + swapped, other, x))
    return x * hull + fill * (1 - hull)


def another_day(crops: Tensor, hulls: Tensor, size: int, *, black: float, swapped: float) -> Batch:
    """Training view: (N, 1, size, size), stretched, outside handled; not yet normalised."""
    seen = framed(crops, hulls, size, moved=True)
    order = torch.randperm(len(crops), device=crops.device)
    x = other_machine(seen.films, seen.films[order]).clamp(0, 1)
    x = compressed(sharpness(resampled(evened(x))))
    x = stretch_inside(exposed(x), seen.hull)
    hull = soft_edge(seen.hull, rand(x, 0.15, 0.6))
    x = outside(erased(x), hull, x[order], black=black, swapped=swapped)
    return Batch(x, seen.hull)


def plain(crops: Tensor, hulls: Tensor, size: int, *, black: bool) -> Batch:
    """The view of the app."""
    seen = framed(crops, hulls, size, moved=False)
    x = stretch_inside(seen.films, seen.hull)
    return Batch(x * soft_edge(seen.hull) if black else x, seen.hull)
