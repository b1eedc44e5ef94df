"""How a network learns to outline: pictures and outlines moved together, one loss."""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from core.preprocess import normalise, stretch
from core.resample import crop
from core.types import InputSpec
from train.data import augment


def batch_loss(
    network: nn.Module,
    films: Tensor,
    truth: Tensor,
    boxes: Tensor,
    spec: InputSpec,
    generator: Generator,
) -> Tensor:
    """Cross-entropy and soft Dice on augmented films.

    network: the one in training.
    films, truth: (N, 1, H, W), in [0, 1].
    boxes: (N, 4), what is looked at, in fractions of the film.
    spec: what the network is fed.
    generator: of the augmentation.
    """
    x, y = moved(films, truth, boxes, spec.size, generator)
    x = augment.random_exposure(augment.random_acquisition(stretch(x), generator), generator)
    x = normalise(x, spec).contiguous(memory_format=torch.channels_last)
    return loss(network(x).float(), y)


def moved(
    films: Tensor, truth: Tensor, boxes: Tensor, size: int, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Film and outline shifted, zoomed, turned and flipped together.

    films, truth: (N, 1, H, W).
    boxes: (N, 4), in fractions.
    size: side of what comes back.
    generator: of the random numbers.
    Returns both, (N, 1, size, size).
    """
    around, angle = augment.jitter_boxes(boxes, generator, shift=0.08, zoom=0.2, turn=20)
    x, y = (crop(each, around, size, angle=angle) for each in (films, truth))
    both = augment.random_flip(torch.cat([x, y], dim=1), generator)
    return both[:, :1], both[:, 1:]


def loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy and soft Dice, which also punishes any mark where nothing is. Both (N, 1, H, W)."""
    probability = torch.sigmoid(logits)
    overlap = 2 * (probability * truth).sum((1, 2, 3)) + 1
    dice = 1 - overlap / (probability.sum((1, 2, 3)) + truth.sum((1, 2, 3)) + 1)
    return F.binary_cross_entropy_with_logits(logits, truth) + dice.mean()


def mean_dice(network: nn.Module, films: Tensor, truth: Tensor, boxes: Tensor, spec: InputSpec) -> float:
    """The mean Dice at 0.5 over the films, as the network sees them.

    network: in training.
    films, truth: (N, 1, H, W), each with an outline.
    boxes: (N, 4), in fractions.
    spec: what the network is fed.
    """
    scores = []
    with torch.inference_mode():
        for x, y, box in zip(films.split(32), truth.split(32), boxes.split(32), strict=True):
            found = network(normalise(stretch(crop(x.float(), box, spec.size)), spec)) >= 0
            there = crop(y.float(), box, spec.size) >= 0.5
            both = found.sum((1, 2, 3)) + there.sum((1, 2, 3))
            scores.append(2 * (found & there).sum((1, 2, 3)) / both.clamp_min(1))
    return float(torch.cat(scores).mean())
