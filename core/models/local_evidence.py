"""Classifiers that say of every place what it shows: their map is their reason, not an afterthought."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.models.adapted import WIDTH
from core.models.frozen import FeatureReuse

DEPTHS = (7, 14, 19)  # steps of MobileNetV2 after which its maps are read
WIDTHS = (32, 96, 1280)
SHARPNESS = 4.0  # of the maximum over places: the mean at 0, the hottest place alone at infinity


class LocalEvidence(FeatureReuse):
    """Evidence for each class but the first at each place, from three depths of a trained MobileNetV2.

    The answer is a smooth maximum over places (Pinheiro 2015, arXiv:1411.6228) of what one linear layer says
    of each. So Grad-CAM, which weights each map by its mean gradient, shows that evidence itself, less the
    layer's bias. The grid is an eighth of the input.
    """

    widths: Sequence[int] = WIDTHS  # of the maps that it reads

    def __init__(self, *, of: str, classes: int, width: int = 48) -> None:
        super().__init__(of)
        self.norms = nn.ModuleList(nn.BatchNorm2d(size, affine=False) for size in self.widths)
        self.reduce = nn.ModuleList(nn.Conv2d(size, width, 1) for size in self.widths)
        self.near = nn.Conv2d(width, width, 3, padding=1)
        self.far = nn.Conv2d(width, width, 3, padding=2, dilation=2)
        self.last = nn.Conv2d(width, classes - 1, 1)
        self.scale = nn.Parameter(torch.ones(classes - 1))
        self.shift = nn.Parameter(torch.zeros(classes - 1))
        nn.init.constant_(self.last.bias, -2.0)  # type: ignore[arg-type]

    def steps(self) -> Sequence[Callable[[Tensor], Tensor]]:
        return [self.features]

    def depths(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) -> maps of the network below, the finest first."""
        maps = []
        for depth, step in enumerate(self.base_classifier().steps(), 1):
            x = step(x)
            if depth in DEPTHS:
                maps.append(x)
        return maps

    def joined(self, maps: list[Tensor]) -> Tensor:
        """`depths` -> (N, width, h, w) on the finest grid, what is known of each place."""
        grid = maps[0].shape[-2:]
        f = torch.zeros(())
        for norm, reduce, seen in zip(self.norms, self.reduce, maps, strict=True):
            thin = reduce(F.dropout2d(norm(seen), 0.1, self.training))
            f = f + F.interpolate(thin, grid, mode="bilinear", align_corners=False)
        f = F.gelu(f)
        f = f + F.gelu(self.near(f))
        return f + F.gelu(self.far(f))

    def features(self, x: Tensor) -> Tensor:
        return self.joined(self.depths(x))

    def evidence(self, f: Tensor) -> Tensor:
        """(N, width, h, w) -> (N, K - 1, h, w), how much each place speaks for each class, as log odds."""
        return self.last(f)  # type: ignore[no-any-return]

    def places(self, f: Tensor) -> Tensor:
        """(N, width, h, w) -> (N, K) logits, the smooth maximum of the evidence."""
        places = F.softplus(self.evidence(f)).flatten(2)
        most = (torch.logsumexp(SHARPNESS * places, 2) - math.log(places.shape[2])) / SHARPNESS
        logits = most * self.scale.exp() + self.shift
        return F.pad(logits, (1, 0))  # nothing speaks for the first class but that nothing speaks for others

    def head(self, f: Tensor) -> Tensor:
        return self.places(f)


class LungEvidence(LocalEvidence):
    """Evidence of places from an AdaptedTransformer's maps, and beside it that network's own answer.

    That answer is of the whole film and of no place: it goes through the maps as channels of its own, which
    have no gradient, so that every class activation map shows the evidence of places alone.
    """

    widths = (WIDTH,)

    def __init__(self, *, of: str, classes: int, width: int = 64) -> None:
        super().__init__(of=of, classes=classes, width=width)
        self.width = width
        self.film = nn.Parameter(torch.ones(()))  # how much the whole film's answer counts

    def depths(self, x: Tensor) -> list[Tensor]:
        return [self.base_classifier().features(x)]

    def features(self, x: Tensor) -> Tensor:
        (maps,) = self.depths(x)
        answer = self.base_classifier().head(maps)
        return torch.cat([self.joined([maps]), _everywhere(answer, maps)], dim=1)

    def evidence(self, f: Tensor) -> Tensor:
        return super().evidence(f[:, : self.width])

    def head(self, f: Tensor) -> Tensor:
        return self.places(f) + self.film * f[:, self.width :].mean((2, 3)).detach()


def _everywhere(answer: Tensor, maps: Tensor) -> Tensor:
    """(N, K) logits -> (N, K, h, w), on the grid of the maps."""
    return answer[:, :, None, None].expand(-1, -1, *maps.shape[-2:])
