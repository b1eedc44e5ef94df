"""Opacities drawn into the lungs of normal films, so that a detector may be chosen without any abnormal film.

After CutPaste (Li 2021, arXiv:2104.04015) and AnatPaste (Sato 2022), but blended as disease would be: fluid
in place of air brightens the lung towards soft tissue and washes vessels out; ribs stay, paler.
All take x, mask: (N, 1, H, W), films stretched to [0, 1] and lungs as 0 to 1, and a generator.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from core.preprocess import stretch
from train.data.augment import blur, uniform

Lesion = Callable[[Tensor, Tensor, Generator], Tensor]


def haze(x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """Ill-defined cloudy patches somewhere in the lungs."""
    return _opacify(x, mask * clouds(x, generator, cells=4), generator, strength=(0.3, 0.8))


def consolidation(x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """One dense patch, about a lobe large."""
    return _opacify(x, mask * blobs(x, mask, generator, radius=(0.12, 0.28)), generator, strength=(0.5, 0.95))


def perihilar(x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """Haze on both sides of the heart, fading outwards."""
    columns = torch.linspace(-1, 1, x.shape[-1]).view(1, 1, 1, -1)
    rows = torch.linspace(-1, 1, x.shape[-2]).view(1, 1, -1, 1)
    width = uniform(generator, (len(x), 1, 1, 1), 0.45, 0.8)
    fading = torch.exp(-((columns / width) ** 2) - ((rows - 0.1) / 0.7) ** 2)
    patches = 0.4 + 0.6 * clouds(x, generator, cells=6)
    return _opacify(x, mask * fading * patches, generator, strength=(0.6, 1.0))


def veil(x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """Both lungs lose air evenly."""
    return _opacify(x, mask, generator, strength=(0.12, 0.45))


def opaque_side(x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """One lung, or its lower part, turns white, as effusion does."""
    columns = torch.arange(x.shape[-1]).view(1, 1, 1, -1)
    middle = (mask * columns).sum((1, 2, 3), keepdim=True) / mask.sum((1, 2, 3), keepdim=True).clamp_min(1)
    left = uniform(generator, (len(x), 1, 1, 1), 0, 1) < 0.5
    rows = torch.linspace(0, 1, x.shape[-2]).view(1, 1, -1, 1)
    from_row = uniform(generator, (len(x), 1, 1, 1), -0.2, 0.7)
    field = ((columns < middle) == left) * torch.sigmoid((rows - from_row) * 15)
    return _opacify(x, mask * field, generator, strength=(0.4, 0.95))


def interstitial(x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """Coarse strands and rings over the vessels, with some haze."""
    noise = torch.randn(x.shape, generator=generator)
    pixel = x.shape[-1] / 224
    strands = blur(noise, 1.6 * pixel) - blur(noise, 4.0 * pixel)
    strands = strands / strands.std((1, 2, 3), keepdim=True)
    amount = uniform(generator, (len(x), 1, 1, 1), 0.03, 0.09)
    field = mask * (0.3 + 0.7 * clouds(x, generator, cells=4))
    return _opacify(x + amount * strands * field, field, generator, strength=(0.1, 0.35), wash=0.2)


def transplant(x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """Soft tissue of another film, pasted into the lung with a soft edge."""
    donor = x.roll(1, 0)
    pixel = x.shape[-1] / 224
    tissue = torch.where(blur(donor, 4.0 * pixel) > 0.55, donor, blur(x, 8.0 * pixel).clamp_min(0.6))
    field = blobs(x, mask, generator, radius=(0.08, 0.2)) * mask
    field = field * uniform(generator, (len(x), 1, 1, 1), 0.5, 0.9)
    return x * (1 - field) + tissue * field


LESIONS: dict[str, Lesion] = {
    "haze": haze,
    "consolidation": consolidation,
    "perihilar": perihilar,
    "veil": veil,
    "opaque side": opaque_side,
    "interstitial": interstitial,
    "transplant": transplant,
}


def draw_lesion(kind: str, x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """One lesion of that kind in every film, stretched again as the app would.

    kind: a key of LESIONS.
    x: (N, 1, H, W), stretched to [0, 1].
    mask: (N, 1, H, W), lungs as 0 to 1.
    generator: of the random numbers.
    """
    return stretch(LESIONS[kind](x, blur(mask, 3.0 * x.shape[-1] / 224), generator))


def draw_random_lesion(x: Tensor, mask: Tensor, generator: Generator, *, chance: float = 1.0) -> Tensor:
    """One lesion of a random kind in each film; the others stay as they are.

    x: (N, 1, H, W), stretched to [0, 1].
    mask: (N, 1, H, W), lungs as 0 to 1.
    generator: of the random numbers.
    chance: of each film to get a lesion.
    """
    kinds = list(LESIONS)
    kind_of = torch.randint(len(kinds), (len(x),), generator=generator)
    kind_of[uniform(generator, (len(x),), 0, 1) >= chance] = -1
    result = x.clone()
    for index, kind in enumerate(kinds):
        chosen = kind_of == index
        if chosen.any():
            result[chosen] = draw_lesion(kind, x[chosen], mask[chosen], generator)
    return result


def _opacify(
    x: Tensor, field: Tensor, generator: Generator, *, strength: tuple[float, float], wash: float = 0.6
) -> Tensor:
    """Blend the film's coarse part towards soft tissue and pale its fine part, where `field` is."""
    column = (len(x), 1, 1, 1)
    amount = field * uniform(generator, column, *strength)
    coarse = blur(x, 5.0 * x.shape[-1] / 224)
    bright = torch.quantile(x.flatten(1), 0.8, dim=1).view(column)
    tissue = bright * uniform(generator, column, 0.85, 1.1)
    paled = amount * uniform(generator, column, wash, 1.0)
    return coarse + amount * (tissue - coarse).clamp_min(0) + (x - coarse) * (1 - paled)


def clouds(x: Tensor, generator: Generator, *, cells: int) -> Tensor:
    """Smooth random patches in [0, 1] that cover about half of the film.

    x: (N, 1, H, W), for its shape.
    generator: of the random numbers.
    cells: random values a side; more make smaller patches.
    """
    coarse = torch.randn((len(x), 1, cells, cells), generator=generator)
    fine = torch.randn((len(x), 1, 3 * cells, 3 * cells), generator=generator)
    size = x.shape[-2:]
    summed = F.interpolate(coarse, size, mode="bicubic") + 0.4 * F.interpolate(fine, size, mode="bicubic")
    return torch.sigmoid(3 * summed)


def blobs(x: Tensor, mask: Tensor, generator: Generator, *, radius: tuple[float, float]) -> Tensor:
    """One soft ellipse with a frayed edge per film, its middle inside the lungs.

    x: (N, 1, H, W), for its shape.
    mask: (N, 1, H, W), lungs as 0 to 1.
    generator: of the random numbers.
    radius: smallest and largest, as fractions of the film.
    """
    count, _, height, width = x.shape
    place = torch.multinomial(mask.flatten(1) + 1e-6, 1, generator=generator).view(count, 1, 1, 1)
    row, column = place // width, place % width
    tall, wide = (height * uniform(generator, (count, 1, 1, 1), *radius) for _ in range(2))
    rows, columns = torch.arange(height).view(1, 1, -1, 1), torch.arange(width).view(1, 1, 1, -1)
    distance = ((rows - row) / tall) ** 2 + ((columns - column) / wide) ** 2
    frayed = distance + 0.6 * (clouds(x, generator, cells=6) - 0.5)
    return torch.sigmoid(5 * (1 - frayed))
