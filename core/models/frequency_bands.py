"""How far sharpness alone gets: the yardstick that every classifier of films has to beat."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.models.base import Classifier

CELL = 16  # pixels
EDGE = 7  # a seventh at each edge, where neck, arms and markers are, is left out


class FrequencyBands(Classifier):
    """Energy in octaves of spatial frequency and a logistic regression on it: no anatomy, no places.

    bands: how many octaves of a Laplacian pyramid (Burt 1983), from the finest, at most five. The grid is a
    sixteenth of the input.
    """

    def __init__(self, *, classes: int = 2, channels: int = 1, bands: int = 5) -> None:
        super().__init__()
        self.channels = channels
        self.register_buffer("mean", torch.zeros(bands))
        self.register_buffer("std", torch.ones(bands))
        self.linear = nn.Linear(bands, classes)
        self.mean: Tensor
        self.std: Tensor

    def features(self, x: Tensor) -> Tensor:
        from torchvision.transforms.v2 import functional as T  # where it is needed: it takes long

        x = x.mean(1, keepdim=True)
        maps = []
        for octave in range(len(self.mean)):
            smooth = T.gaussian_blur(x, [7, 7], [1.0])
            maps.append(F.avg_pool2d((x - smooth).abs(), CELL >> octave))
            x = F.avg_pool2d(smooth, 2)
        return torch.cat(maps, dim=1)

    def energies(self, f: Tensor) -> Tensor:
        """(N, bands, h, w) -> (N, bands), log of the first quartile over the film's middle."""
        height, width = f.shape[2:]
        top, left = height // EDGE, width // EDGE
        middle = f[:, :, top : height - top, left : width - left].flatten(2)
        return (middle.quantile(0.25, dim=2) + 1e-6).log()

    def head(self, f: Tensor) -> Tensor:
        return self.linear((self.energies(f) - self.mean) / self.std)  # type: ignore[no-any-return]
