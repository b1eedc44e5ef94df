"""Unlike detectors, asked together."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from core.detectors.base import Detector, DetectorOutput, FittedDetector
from core.errors import CardError


class Ensemble(FittedDetector):
    """The mean of its members' scores, each in standard deviations of held-out normals.

    members: ids of cards with the same input, each followed by @ and the start of its weights' sha256, parted
    by spaces. Whoever builds the ensemble lends it the members. map: mean of the members' maps.
    """

    def __init__(self, *, members: str) -> None:
        super().__init__()
        self.members = tuple(members.split())
        self._lent: list[Sequence[Detector]] = []  # in a list: the members' weights are stored with them
        self.register_buffer("mean", torch.zeros(len(self.members)))
        self.register_buffer("std", torch.ones(len(self.members)))
        self.mean: Tensor
        self.std: Tensor

    def attach(self, members: Sequence[Detector]) -> None:
        """Ask these from now on, in the order of `members`."""
        if len(members) != len(self.members):
            raise CardError(f"This ensemble has {len(self.members)} members, not {len(members)}.")
        self._lent = [members]

    def lent(self) -> Sequence[Detector]:
        """The members at hand."""
        return self._lent[0] if self._lent else ()

    def ask(self, x: Tensor) -> list[DetectorOutput]:
        """Every member's answer."""
        if not self._lent:
            raise CardError(f"This ensemble asks {', '.join(self.members)}. Call attach(members) first.")
        return [member.score(x) for member in self._lent[0]]

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Learn each member's usual score from held-out normals."""
        scores = torch.cat([torch.stack([out.score for out in self.ask(x)], dim=1) for x in batches])
        self.mean.copy_(scores.mean(0))
        self.std.copy_(scores.std(0, correction=0))

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        """The members' maps are calibrated already."""

    def score(self, x: Tensor) -> DetectorOutput:
        answers = self.ask(x)
        scores = torch.stack([answer.score for answer in answers], dim=1)
        side = max(answer.map.shape[-1] for answer in answers)
        maps = [F.interpolate(a.map[:, None], (side, side), mode="bilinear")[:, 0] for a in answers]
        return DetectorOutput(((scores - self.mean) / self.std).mean(1), torch.stack(maps).mean(0), None)
