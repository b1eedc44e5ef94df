"""Films as a network is fed them: as they are, as on another day, or changed on purpose."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from core import precision
from core.preprocess import normalise, stretch
from core.resample import crop
from core.types import InputSpec
from train.data import augment
from train.fit import loop

Change = Callable[[Tensor], Tensor]


def plain(films: Tensor, boxes: Tensor, spec: InputSpec) -> Tensor:
    """(N, 1, H, W) films -> (N, C, size, size), the same steps as core.preprocess.align."""
    return normalise(stretch(crop(films.float(), boxes, spec.size)), spec)


def another_day(films: Tensor, boxes: Tensor, spec: InputSpec, generator: Generator) -> Tensor:
    """Another crop, side, sharpness, exposure; sometimes something in the way. -> (N, C, size, size)."""
    moved, angle = augment.jitter_boxes(boxes, generator)
    x = augment.mirror(crop(films.float(), moved, spec.size, angle=angle), generator)
    x = stretch(augment.acquisition(x, generator))
    x = augment.erase(augment.exposure(x, generator), generator)
    return normalise(x, spec)


# Simulated shift: what another machine does to every film. On films as they lie on disk, in [0, 1].
SHIFTS: dict[str, Change] = {
    "blurred": lambda films: augment.blur(films, 1.2),
    "sharpened": lambda films: films + (films - augment.blur(films, 1.5)),
    "darker": lambda films: films.clamp(0, 1) ** 1.5,
}


def logits(
    network: nn.Module, films: Tensor, boxes: Tensor, spec: InputSpec, change: Change | None = None
) -> Tensor:
    """(N, K), without augmentation, in batches."""
    network.eval()
    batches = []
    with torch.inference_mode(), precision.half(loop.device()):
        for part, box in zip(films.split(32), boxes.split(32), strict=True):
            shown = change(part.float()) if change else part
            x = plain(shown, box, spec).to(loop.device()).contiguous(memory_format=torch.channels_last)
            batches.append(network(x).float().cpu())
    return torch.cat(batches)
