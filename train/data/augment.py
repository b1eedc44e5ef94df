"""Augmentations and simulated acquisition shifts: batches of tensors, random numbers from a generator."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as T


def uniform(generator: Generator, shape: tuple[int, ...], low: float, high: float) -> Tensor:
    """Uniform random numbers in [low, high).

    generator: of the random numbers.
    shape: of the result.
    low, high: the range.
    """
    return low + (high - low) * torch.rand(shape, generator=generator)


def bernoulli(generator: Generator, count: int, chance: float) -> Tensor:
    """Coin tosses: (count,) bool.

    generator: of the random numbers.
    count: how many.
    chance: of each to be True.
    """
    return torch.rand(count, generator=generator) < chance


def jitter_boxes(
    boxes: Tensor, generator: Generator, *, shift: float = 0.04, zoom: float = 0.10, turn: float = 8.0
) -> tuple[Tensor, Tensor]:
    """Move, scale and turn boxes as another film or another lung segmentation would.

    boxes: (N, 4), fractions of the film.
    generator: of the random numbers.
    shift, zoom: at most, as fractions of the box.
    turn: at most, in degrees.
    Returns boxes (N, 4) and angles (N,) in radians.
    """
    count = len(boxes)
    top, left, bottom, right = boxes.unbind(1)
    height, width = bottom - top, right - left
    y = (top + bottom) / 2 + height * uniform(generator, (count,), -shift, shift)
    x = (left + right) / 2 + width * uniform(generator, (count,), -shift, shift)
    half_height = height / 2 * uniform(generator, (count,), 1 - zoom, 1 + zoom)
    half_width = width / 2 * uniform(generator, (count,), 1 - zoom, 1 + zoom)
    angle = math.radians(turn) * uniform(generator, (count,), -1, 1)
    moved = torch.stack([y - half_height, x - half_width, y + half_height, x + half_width], dim=1)
    return moved, angle


def blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, sigma in pixels. x: (N, 1, H, W)."""
    side = 2 * math.ceil(3 * sigma) + 1
    blurred: Tensor = T.gaussian_blur(x, [side, side], [sigma])
    return blurred


def random_flip(x: Tensor, generator: Generator, *, chance: float = 0.5) -> Tensor:
    """Flip left and right.

    x: (N, C, H, W).
    generator: of the random numbers.
    chance: of each film to be flipped.
    """
    flipped = bernoulli(generator, len(x), chance)[:, None, None, None].to(x.device)
    return torch.where(flipped, x.flip(3), x)


def random_exposure(x: Tensor, generator: Generator, *, gamma: float = 0.4, contrast: float = 0.25) -> Tensor:
    """Random gamma, contrast and brightness.

    x: (N, 1, H, W), near [0, 1].
    generator: of the random numbers.
    gamma: the exponent is a factor within exp(+-gamma).
    contrast: grey values are scaled by a factor within 1 +- contrast and moved by half as much.
    """
    column = (len(x), 1, 1, 1)
    power = uniform(generator, column, -gamma, gamma).exp().to(x.device)
    scale = uniform(generator, column, 1 - contrast, 1 + contrast).to(x.device)
    offset = uniform(generator, column, -contrast / 2, contrast / 2).to(x.device)
    return ((x.clamp(0, 1.2) + 1e-4) ** power - 0.5) * scale + 0.5 + offset


def random_acquisition(x: Tensor, generator: Generator, *, chance: float = 0.5) -> Tensor:
    """Blur, sharpen, resample or add noise, of one kind and strength for the whole batch.

    Sharpness tells the classes of public sets apart without any anatomy; so it must not be worth learning.

    x: (N, 1, H, W), in [0, 1].
    generator: of the random numbers.
    chance: of each film to be changed.
    """
    chosen = bernoulli(generator, len(x), chance)[:, None, None, None].to(x.device)
    kind = int(torch.randint(4, (), generator=generator))
    strength = float(torch.rand((), generator=generator))
    if kind == 0:
        changed = blur(x, 0.4 + 1.6 * strength)
    elif kind == 1:
        changed = x + (0.3 + 1.2 * strength) * (x - blur(x, 1.5))
    elif kind == 2:
        small = F.interpolate(x, scale_factor=0.8 - 0.45 * strength, mode="bilinear", antialias=True)
        changed = F.interpolate(small, size=x.shape[-2:], mode="bilinear")
    else:
        noise = torch.randn(x.shape, generator=generator).to(x.device)
        changed = x + (0.01 + 0.06 * strength) * noise
    return torch.where(chosen, changed, x)


def random_erasing(x: Tensor, generator: Generator, *, chance: float = 0.3, side: float = 0.3) -> Tensor:
    """Put a grey rectangle somewhere, as a tube, marker or burned-in text would.

    x: (N, 1, H, W), in [0, 1].
    generator: of the random numbers.
    chance: of each film to get one.
    side: of the largest rectangle, as a fraction of the film.
    """
    _, _, height, width = x.shape
    result = x.clone()
    for index in bernoulli(generator, len(x), chance).nonzero().flatten().tolist():
        tall, wide = (
            1 + int(e) for e in uniform(generator, (2,), 0.05, side) * torch.tensor([height, width])
        )
        top = int(torch.randint(height - tall, (), generator=generator))
        left = int(torch.randint(width - wide, (), generator=generator))
        result[index, :, top : top + tall, left : left + wide] = float(torch.rand((), generator=generator))
    return result


def random_white_out(x: Tensor, mask: Tensor, generator: Generator, *, chance: float = 0.3) -> Tensor:
    """Make one lung opaque, as effusion or dense consolidation does.

    x: (N, 1, H, W), in [0, 1].
    mask: (N, 1, H, W), 1 where lung.
    generator: of the random numbers.
    chance: of each film to be changed.
    """
    count, _, height, width = x.shape
    columns = torch.arange(width, device=x.device).view(1, 1, 1, -1)
    middle = (mask * columns).sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp_min(1)
    left = bernoulli(generator, count, 0.5).to(x.device)
    side = (columns < middle.view(-1, 1, 1, 1)) == left.view(-1, 1, 1, 1)
    feather = 2 * (height // 16) + 1
    alpha = T.gaussian_blur(F.max_pool2d(mask * side, 5, 1, 2), [feather, feather], [feather / 4])
    bright = torch.quantile(x.flatten(1), 0.9, dim=1).view(-1, 1, 1, 1)
    haze = F.interpolate(
        torch.rand((count, 1, 5, 5), generator=generator), size=(height, width), mode="bicubic"
    )
    dense = bright * (0.75 + 0.25 * haze.to(x.device))
    chosen = bernoulli(generator, count, chance).view(-1, 1, 1, 1).to(x.device)
    opacity = alpha * uniform(generator, (count, 1, 1, 1), 0.5, 1.0).to(x.device)
    return torch.where(chosen, x * (1 - opacity) + dense * opacity, x)


def _each_with_own_strength(
    x: Tensor, change: Callable[[Tensor, float], Tensor], generator: Generator
) -> Tensor:
    strengths = torch.rand(len(x), generator=generator).tolist()
    return torch.cat([change(row[None], strength) for row, strength in zip(x, strengths, strict=True)])


def _downsampled(x: Tensor, strength: float) -> Tensor:
    small = F.interpolate(x, scale_factor=0.8 - 0.4 * strength, mode="bilinear", antialias=True)
    return F.interpolate(small, size=x.shape[-2:], mode="bilinear")


ACQUISITION_SHIFTS: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "blur": lambda x, g: _each_with_own_strength(x, lambda row, strength: blur(row, 0.5 + 1.3 * strength), g),
    "coarse": lambda x, g: _each_with_own_strength(x, _downsampled, g),
    "exposure": lambda x, g: random_exposure(x, g, gamma=0.3, contrast=0.1),
    "sharpen": lambda x, g: x + uniform(g, (len(x), 1, 1, 1), 0.3, 1.2) * (x - blur(x, 1.5)),
    "noise": lambda x, g: x + uniform(g, (len(x), 1, 1, 1), 0.01, 0.05) * torch.randn(x.shape, generator=g),
}
"""What another machine may do to a scan, by name. x: (N, 1, H, W) in about [0, 1]."""
