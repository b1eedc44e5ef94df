"""Bleedings and infarcts drawn into normal slices of heads, so that a network learns to outline lesions.

After AnatPaste (Sato 2022) and DRAEM (Zavrtanik 2021). All take x, brain: (N, 1, H, W), slices aligned to
the head and stretched to [0, 1] and brain as 0 or 1, and a generator; all return where they drew, in [0, 1],
and the grey value there as a share of the way from brain to white (to black where negative).
"""

from collections.abc import Callable

import numpy as np
import torch
from scipy import ndimage
from torch import Generator, Tensor
from torch.nn import functional as F

from core.preprocess import stretch
from train.data.augment import blur, uniform
from train.synthesis.chest_lesions import clouds

Drawing = Callable[[Tensor, Tensor, Generator], tuple[Tensor, Tensor]]


def haematoma(x: Tensor, brain: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Blood within the brain: bright islands with a frayed edge."""
    return _islands(brain, generator, radius=(0.04, 0.17)), _brightness(x, generator)


def subdural(x: Tensor, brain: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Blood between brain and skull: a bright band along the skull, thickest in one direction."""
    side = x.shape[-1]
    depth = torch.from_numpy(np.stack([ndimage.distance_transform_edt(mask) for mask in brain[:, 0].numpy()]))
    rows, columns = (torch.linspace(-1, 1, side).view(shape) for shape in ((1, 1, -1, 1), (1, 1, 1, -1)))
    column = (len(x), 1, 1, 1)
    towards = uniform(generator, column, 0, 2 * torch.pi)
    near = torch.cos(torch.atan2(rows, columns) - towards).clamp_min(0) ** uniform(generator, column, 1, 6)
    thick = side * uniform(generator, column, 0.02, 0.12) * near
    return torch.sigmoid(1.5 * (thick - depth[:, None].float())) * brain * (thick > 1), _brightness(
        x, generator
    )


def subarachnoid(x: Tensor, brain: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Blood in the furrows: thin bright lines in part of the brain."""
    pixel = x.shape[-1] / 112
    noise = blur(torch.randn(x.shape, generator=generator), 4.0 * pixel)
    line = torch.exp(-((noise / noise.std((1, 2, 3), keepdim=True) / 0.25) ** 2))
    return line * brain * _islands(brain, generator, radius=(0.15, 0.35)), 0.7 * _brightness(x, generator)


def intraventricular(x: Tensor, brain: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Blood in the ventricles: what is darker than brain turns bright."""
    dark = torch.sigmoid(60 * (_level(x, brain) - 0.06 - blur(x, 1.0)))
    middle = blur(brain, 6.0) > 0.95  # away from the skull, where darkness is fluid around the brain
    return dark * middle * _islands(brain, generator, radius=(0.2, 0.4)), _brightness(x, generator)


def infarct(x: Tensor, brain: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Brain that swells and darkens, with a soft edge."""
    place = _islands(brain, generator, radius=(0.08, 0.28))
    return blur(place, 1.5) * brain, -uniform(generator, (len(x), 1, 1, 1), 0.15, 0.6)


HEMORRHAGES: dict[str, Drawing] = {
    "haematoma": haematoma,
    "subdural": subdural,
    "subarachnoid": subarachnoid,
    "intraventricular": intraventricular,
}
HEAD_LESIONS: dict[str, Drawing] = {**HEMORRHAGES, "infarct": infarct}
LESION_ODDS = ("haematoma", "haematoma", "subdural", "subarachnoid", "intraventricular", "infarct")


def draw_random_lesion(
    x: Tensor, brain: Tensor, generator: Generator, *, chance: float = 1.0
) -> tuple[Tensor, Tensor]:
    """A random lesion in each slice that shows brain.

    x: (N, 1, H, W), stretched to [0, 1].
    brain: (N, 1, H, W), 0 or 1.
    generator: of the random numbers.
    chance: of each slice to get a lesion.
    Returns slices and outlines, (N, 1, H, W) each.
    """
    kind_of = torch.randint(len(LESION_ODDS), (len(x),), generator=generator)
    spared = uniform(generator, (len(x),), 0, 1) >= chance
    kind_of[spared | (brain.sum((1, 2, 3)) == 0)] = -1
    abnormal, where = x.clone(), torch.zeros_like(x)
    for index, kind in enumerate(LESION_ODDS):
        chosen = kind_of == index
        if chosen.any():
            abnormal[chosen], where[chosen] = draw_lesion(kind, x[chosen], brain[chosen], generator)
    return abnormal, where


def draw_lesion(kind: str, x: Tensor, brain: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """One lesion of that kind in every slice, some with a dark halo, stretched again as the app would.

    kind: a key of HEAD_LESIONS.
    x: (N, 1, H, W), stretched to [0, 1].
    brain: (N, 1, H, W), 0 or 1.
    generator: of the random numbers.
    Returns slices and outlines, (N, 1, H, W) each.
    """
    field, towards = HEAD_LESIONS[kind](x, brain, generator)
    level = _level(x, brain)
    end = torch.where(towards > 0, 1.0, 0.0)
    coarse = blur(x, 2.0 * x.shape[-1] / 112)
    grain = 0.5 * (x - coarse) + 0.06 * (clouds(x, generator, cells=12) - 0.5)
    target = level + towards.abs() * (end - level) + grain
    halo = (blur(field, 3.0 * x.shape[-1] / 112) - field).clamp_min(0) * brain * (towards > 0)
    swollen = x - uniform(generator, (len(x), 1, 1, 1), -0.3, 0.35).clamp_min(0) * halo
    return stretch(swollen + field * (target - swollen)), (field > 0.5).float()


def _level(x: Tensor, brain: Tensor) -> Tensor:
    """(N, 1, 1, 1), the usual grey value of brain."""
    rows = [row[mask > 0] for row, mask in zip(x.flatten(1), brain.flatten(1), strict=True)]
    return torch.stack([row.median() if len(row) else x.new_tensor(0.5) for row in rows]).view(-1, 1, 1, 1)


def _brightness(x: Tensor, generator: Generator) -> Tensor:
    return uniform(generator, (len(x), 1, 1, 1), 0.2, 0.9)


def _islands(brain: Tensor, generator: Generator, *, radius: tuple[float, float]) -> Tensor:
    """One place in the brain, cut out of smooth noise so that no two have the same outline."""
    count, _, height, width = brain.shape
    place = torch.multinomial(brain.flatten(1) + 1e-6, 1, generator=generator).view(count, 1, 1, 1)
    rows, columns = torch.arange(height).view(1, 1, -1, 1), torch.arange(width).view(1, 1, 1, -1)
    tall, wide = (height * uniform(generator, (count, 1, 1, 1), *radius) for _ in range(2))
    turn = uniform(generator, (count, 1, 1, 1), 0, torch.pi)
    down, right = rows - place // width, columns - place % width
    along, across = down * turn.cos() + right * turn.sin(), right * turn.cos() - down * turn.sin()
    distance = ((along / tall) ** 2 + (across / wide) ** 2).sqrt()
    noise = F.interpolate(
        torch.randn((count, 1, 14, 14), generator=generator), (height, width), mode="bicubic"
    )
    sharp = uniform(generator, (count, 1, 1, 1), 4, 14)
    return torch.sigmoid(sharp * (1 - distance + 0.35 * noise)) * brain
