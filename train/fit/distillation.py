"""Distillation: features of a large pretrained teacher, for a small student to learn beside the labels."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core import cards, checkpoints, preprocess, resample
from core.models import Classifier, backbones
from core.models.backbones import MEAN, SIDE, STD
from core.types import InputSpec, Region
from train.fit import views
from train.runs import cached, code

TEACHER = "dinov2-vits14"
WEIGHT = 2.0  # of the distance to the teacher, beside the cross-entropy


def teacher_features(films: Tensor, boxes: Tensor, region: Region, folder: Path) -> Tensor:
    """The teacher's middle layers averaged over each film, standardised. Kept on disk.

    films: (N, 1, H, W), in [0, 1].
    boxes: (N, 4), in fractions.
    region: what the boxes are around.
    folder: where features are kept.
    Returns (N, D).
    """
    spec = InputSpec(SIDE, 3, MEAN, STD, region)

    def compute() -> Tensor:
        teacher = _Averaged(checkpoints.backbone(TEACHER))
        parts = zip(films.split(512), boxes.split(512), strict=True)
        return torch.cat([views.logits(teacher, shown, box, spec) for shown, box in parts])

    made_by = code(_Averaged, views, backbones, preprocess, resample)
    known = cards.read(f"backbone-{TEACHER}").sha256, spec, films, boxes, made_by
    found = cached("teacher-features", known, compute, folder)
    return (found - found.mean(0)) / (found.std(0) + 1e-3)


class _Averaged(nn.Module):
    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([maps.mean((2, 3)) for maps in self.backbone(x)], dim=1)


class Student(Classifier):
    """A classifier that also predicts the teacher's features; that head is dropped when training ends."""

    def __init__(self, network: Classifier, depth: int, width: int) -> None:
        super().__init__()
        self.network = network
        self.projection = nn.Linear(depth, width)

    def features(self, x: Tensor) -> Tensor:
        return self.network.features(x)

    def head(self, f: Tensor) -> Tensor:
        return self.network.head(f)

    def distance(self, f: Tensor, teacher: Tensor) -> Tensor:
        """Smooth L1 distance of what is predicted from f (N, D, h, w) to the teacher's features (N, W)."""
        return F.smooth_l1_loss(self.projection(f.mean((2, 3))).float(), teacher)
