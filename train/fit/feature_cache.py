"""Features of a frozen backbone, computed once per scan and kept on disk for all detectors in the making."""

from pathlib import Path

import torch
from torch import Tensor

from core.detectors import Backbone
from core.models import backbones
from train import runs


class CachedBackbone(Backbone):
    """Answers as its backbone would, to half precision, from files named by it and by what is asked."""

    def __init__(self, backbone: Backbone, folder: Path) -> None:
        super().__init__()
        self.grid, self.widths = backbone.grid, backbone.widths
        self._backbone = [backbone]
        self.folder = folder
        self.of = runs.digest(type(backbone).__qualname__, backbone.state_dict(), runs.code(backbones))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        paths = [self.folder / f"{runs.digest(self.of, row)}.pt" for row in x]
        missing = [index for index, path in enumerate(paths) if not path.is_file()]
        if missing:
            maps = self._backbone[0](x[missing])
            for place, index in enumerate(missing):
                runs.save([found[place].half().clone() for found in maps], paths[index])
        rows = [torch.load(path, weights_only=True) for path in paths]
        return tuple(torch.stack(column).float() for column in zip(*rows, strict=True))
