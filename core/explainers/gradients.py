"""Integrated gradients: the logit shared out among the pixels."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.explainers.batched import Progress, require_positive
from core.models.base import Classifier

STEPS = 32
PATCH = 8
BATCH = 8


def integrated_gradients(
    model: Classifier,
    x: Tensor,
    target: int,
    *,
    steps: int = STEPS,
    patch: int = PATCH,
    baseline: float = 0.0,
    batch: int = BATCH,
    progress: Progress | None = None,
) -> Tensor:
    """Gradients summed on the way from a grey film to x (Sundararajan 2017, arXiv:1703.01365).

    model: with the cut between features and head.
    x: (1, C, H, W), normalised.
    target: index of the class.
    steps: points of the Gauss-Legendre rule.
    patch: single pixels are noise, so the shares of patch x patch pixels are added up; 1 keeps pixels.
    baseline: value of the grey film; 0 is the mean grey.
    batch: films per pass.
    progress: called with the share done.
    Returns (H / patch, W / patch), rounded up, >= 0, in logits per patch: with the negative ones they add
    up to the logit of x less that of the grey film. Raises ValueError for counts below 1.
    """
    require_positive(steps=steps, patch=patch, batch=batch)
    x = x.contiguous(memory_format=torch.channels_last)  # faster in batches
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    places = torch.tensor((nodes + 1) / 2, dtype=x.dtype).view(-1, 1, 1, 1)
    shares = torch.tensor(weights / 2, dtype=x.dtype).view(-1, 1, 1, 1)
    way = x.detach() - baseline
    total = torch.zeros_like(way)
    done = 0
    for place, share in zip(places.split(batch), shares.split(batch), strict=True):
        points = (baseline + place * way).requires_grad_()
        with torch.enable_grad():
            logits = model(points)[:, target].sum()
        (gradients,) = torch.autograd.grad(logits, points)
        total += (share * gradients).sum(0, keepdim=True)
        done += len(place)
        if progress:
            progress(done / steps)
    pixels = (way * total).sum(1, keepdim=True)
    return _added_up(pixels, patch)[0, 0].relu()


def _added_up(x: Tensor, patch: int) -> Tensor:
    if patch == 1:
        return x
    below, right = -x.shape[-2] % patch, -x.shape[-1] % patch
    return F.avg_pool2d(F.pad(x, (0, right, 0, below)), patch) * patch**2
