"""Films as a network is fed them: as they are, augmented, or under a simulated acquisition shift."""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor, nn

from core import precision
from core.preprocess import normalise, stretch
from core.resample import crop
from core.types import InputSpec
from train.data import augment
from train.data.film_processing import FILM_PROCESSING
from train.fit import loop

Transform = Callable[[Tensor], Tensor]


def preprocessed(films: Tensor, boxes: Tensor, spec: InputSpec) -> Tensor:
    """The same steps as core.preprocess.align.

    films: (N, 1, H, W), in [0, 1].
    boxes: (N, 4), in fractions.
    spec: what the network is fed.
    Returns (N, C, size, size), normalised.
    """
    return normalise(stretch(crop(films.float(), boxes, spec.size)), spec)


def augmented(
    films: Tensor,
    boxes: Tensor,
    spec: InputSpec,
    generator: Generator,
    *,
    processing: Sequence[str] = (),
) -> Tensor:
    """Training augmentation: crop, flip, sharpness, exposure, erasing.

    films: (N, 1, H, W) in [0, 1].
    boxes: (N, 4), fractions (top, left, bottom, right) of the film.
    spec: what the network is fed.
    generator: of the random numbers.
    processing: names in FILM_PROCESSING, done after the crop.
    Returns (N, C, size, size), normalised.
    """
    moved, angle = augment.jitter_boxes(boxes, generator)
    x = augment.random_flip(crop(films.float(), moved, spec.size, angle=angle), generator)
    for name in processing:
        x = FILM_PROCESSING[name](x, generator)
    x = stretch(augment.random_acquisition(x, generator))
    x = augment.random_erasing(augment.random_exposure(x, generator), generator)
    return normalise(x, spec)


# Simulated shift: what another machine does to every film. On films as they lie on disk, in [0, 1].
SHIFTS: dict[str, Transform] = {
    "blurred": lambda films: augment.blur(films, 1.2),
    "sharpened": lambda films: films + (films - augment.blur(films, 1.5)),
    "darker": lambda films: films.clamp(0, 1) ** 1.5,
}


def logits(
    network: nn.Module, films: Tensor, boxes: Tensor, spec: InputSpec, change: Transform | None = None
) -> Tensor:
    """Logits without augmentation, in batches.

    network: any that takes (N, C, size, size).
    films: (N, 1, H, W), in [0, 1].
    boxes: (N, 4), in fractions.
    spec: what the network is fed.
    change: done to films before they are cropped.
    Returns (N, K), on the CPU.
    """
    network.eval()
    batches = []
    with torch.inference_mode(), precision.half(loop.device()):
        for part, box in zip(films.split(32), boxes.split(32), strict=True):
            shown = change(part.float()) if change else part
            x = preprocessed(shown, box, spec).to(loop.device()).contiguous(memory_format=torch.channels_last)
            batches.append(network(x).float().cpu())
    return torch.cat(batches)
