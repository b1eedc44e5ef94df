"""The only place where pixels are resized, so that training and the app cannot differ by a filter."""

from math import ceil

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.types import FloatArray

# The public films come at about this size; larger uploads are brought down to it first, because a
# network trained on soft films reads the extra sharpness of a fresh one as a finding.
FILM_SIZE = 224


def resize(x: Tensor, height: int, width: int) -> Tensor:
    """Bilinear, antialiased when shrinking. Returns (N, C, height, width).

    x: (N, C, H, W).
    height, width: in pixels.
    """
    if x.shape[-2:] == (height, width):
        return x
    return F.interpolate(x, size=(height, width), mode="bilinear", antialias=True, align_corners=False)


def as_film(pixels: FloatArray) -> Tensor:
    """(H, W) in [0, 1] -> (1, 1, FILM_SIZE, FILM_SIZE); the aspect is squared, as in the public films."""
    x = torch.from_numpy(np.array(pixels, dtype=np.float32))[None, None]
    return resize(x, FILM_SIZE, FILM_SIZE)


def crop(films: Tensor, boxes: Tensor, size: int, *, angle: Tensor | None = None) -> Tensor:
    """Cut each film's box out and bring it to a square; outside the film is black.

    films: (N, 1, H, W).
    boxes: (N, 4), fractions (top, left, bottom, right) of the film.
    size: side of the square, in pixels.
    angle: (N,) in radians, turns the box about its centre.
    Returns (N, 1, size, size).
    """
    oversampling = -(-160 // size)  # point sampling aliases when it shrinks: sample finer, then average
    top, left, bottom, right = boxes.unbind(1)
    half_height, half_width = bottom - top, right - left  # in grid units, where the film spans 2
    turn = torch.zeros_like(top) if angle is None else angle
    cos, sin = turn.cos(), turn.sin()
    theta = torch.stack(
        [
            torch.stack([cos * half_width, -sin * half_height, left + right - 1], dim=1),
            torch.stack([sin * half_width, cos * half_height, top + bottom - 1], dim=1),
        ],
        dim=1,
    )
    fine = size * oversampling
    grid = F.affine_grid(theta, [len(films), 1, fine, fine], align_corners=False)
    sampled = F.grid_sample(films, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return F.avg_pool2d(sampled, oversampling) if oversampling > 1 else sampled


def gaussian(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, edges repeated. x: (N, 1, H, W). sigma: in pixels."""
    reach = max(1, ceil(2.5 * sigma))
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=x.device) / sigma) ** 2)
    line = line / line.sum()
    x = F.conv2d(F.pad(x, (reach, reach, 0, 0), mode="replicate"), line.view(1, 1, 1, -1))
    return F.conv2d(F.pad(x, (0, 0, reach, reach), mode="replicate"), line.view(1, 1, -1, 1))
