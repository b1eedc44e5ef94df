"""What a frozen network sees in films, for heads that learn from it alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from core import models, precision, preprocess, resample
from core.anatomy import lungs
from core.models.backbones import SIDE
from core.models.frozen import LinearProbe, PooledHead
from core.resample import crop
from core.types import InputSpec
from train.data import augment
from train.data.datasets import Case, in_split
from train.data.tasks import Task
from train.fit import views
from train.fit.views import SHIFTS
from train.runs import cached, code

SPLITS = ("train", "validation")


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What the frozen network sees in films.

    copies: (M, N, W), of augmented films.
    views: (N, W) per simulated shift, and under "" of the films as they are.
    truth: (N,), classes.
    """

    copies: Tensor
    views: Mapping[str, Tensor]
    truth: Tensor


def mean_lungs(shown: Tensor, boxes: Tensor, count: int = 200) -> Tensor:
    """The mean lungs of aligned training films: (SIDE, SIDE).

    shown: (N, 1, H, W), in [0, 1].
    boxes: (N, 4), in fractions.
    count: how many films are averaged.
    """
    found = torch.cat([lungs.probabilities(part.float()) for part in shown[:count].split(50)])
    wide = F.interpolate(found[:, None], shown.shape[-2:], mode="bilinear")
    return crop(wide, boxes[:count], SIDE).mean((0, 1))


def extract_features(
    network: PooledHead,
    spec: InputSpec,
    task: Task,
    cases: list[Case],
    parts: Mapping[str, tuple[Tensor, Tensor]],
    folder: Path,
    *,
    copies: int,
    seed: int,
) -> dict[str, Features]:
    """Run the frozen network on every film, or read its features from an earlier run.

    network: frozen network and head.
    spec: what it is fed.
    task: gives the classes.
    cases: of all splits.
    parts: films and boxes, by split.
    folder: where features are kept.
    copies: how often each training film is augmented.
    seed: of the augmentation.
    """

    def compute() -> dict[str, tuple[Tensor, dict[str, Tensor]]]:
        with torch.inference_mode():
            generator = Generator().manual_seed(seed)
            shown, boxes = parts["train"]
            augmented = [pooled_features(network, shown, boxes, spec, None, generator) for _ in range(copies)]
            train = torch.stack(augmented), {"": pooled_features(network, shown, boxes, spec)}
            shown, boxes = parts["validation"]
            changed = {
                name: pooled_features(network, shown, boxes, spec, change) for name, change in SHIFTS.items()
            }
            return {
                "train": train,
                "validation": (torch.empty(0), {"": pooled_features(network, shown, boxes, spec), **changed}),
            }

    place = network.place if isinstance(network, LinearProbe) else None
    made_by = code(pooled_features, views, augment, models, preprocess, resample)
    known = network.of, network.base.state_dict(), place, spec, parts, list(SHIFTS), copies, seed, made_by
    saved = cached("features", known, compute, folder)
    return {
        name: Features(
            *saved[name],
            truth=torch.tensor([task.labels.index(case.label) for case in in_split(cases, name)]),
        )
        for name in SPLITS
    }


def pooled_features(
    network: PooledHead,
    shown: Tensor,
    boxes: Tensor,
    spec: InputSpec,
    change: views.Transform | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """(N, W): pooled features of films as they are, under a simulated shift, or augmented.

    network: frozen network and head.
    shown: (N, 1, H, W), in [0, 1].
    boxes: (N, 4), in fractions.
    spec: what the network is fed.
    change: the simulated shift.
    generator: of the augmentation; None for films as they are.
    """
    rows = []
    for part, box in zip(shown.split(16), boxes.split(16), strict=True):
        changed = change(part.float()) if change else part
        x = (
            views.preprocessed(changed, box, spec)
            if generator is None
            else views.augmented(part, box, spec, generator)
        )
        with precision.half("cpu"):
            maps = network.features(x.contiguous(memory_format=torch.channels_last))
        rows.append(network.pool(maps.float()))
    return torch.cat(rows)
