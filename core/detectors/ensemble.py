"""Several detectors as one."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from core.detectors.base import Detector, DetectorOutput, FittedDetector
from core.errors import CardError


class DetectorEnsemble(FittedDetector):
    """The mean of its members' scores, each in standard deviations of held-out normals.

    members: ids of cards with the same input, each followed by @ and the start of its weights' sha256,
    separated by spaces; their networks are given to `set_members` before use. map: mean of the members' maps.
    """

    def __init__(self, *, members: str) -> None:
        super().__init__()
        self.members = tuple(members.split())
        self._loaded: list[Sequence[Detector]] = []  # in a list: members' weights stay out of the state dict
        self.register_buffer("mean", torch.zeros(len(self.members)))
        self.register_buffer("std", torch.ones(len(self.members)))
        self.mean: Tensor
        self.std: Tensor

    def set_members(self, members: Sequence[Detector]) -> None:
        """members: in the order of `self.members`."""
        if len(members) != len(self.members):
            raise CardError(f"This ensemble has {len(self.members)} members, not {len(members)}.")
        self._loaded = [members]

    def loaded_members(self) -> Sequence[Detector]:
        """Empty before `set_members`."""
        return self._loaded[0] if self._loaded else ()

    def member_outputs(self, x: Tensor) -> list[DetectorOutput]:
        """One output per member. Raises CardError before `set_members`."""
        if not self._loaded:
            raise CardError(
                f"This ensemble needs {', '.join(self.members)}. Call set_members(members) first."
            )
        return [member.score(x) for member in self._loaded[0]]

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Learn mean and standard deviation of each member's scores from held-out normals."""
        scores = torch.cat(
            [torch.stack([out.score for out in self.member_outputs(x)], dim=1) for x in batches]
        )
        self.mean.copy_(scores.mean(0))
        self.std.copy_(scores.std(0, correction=0))

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        """The members' maps are calibrated already."""

    def score(self, x: Tensor) -> DetectorOutput:
        answers = self.member_outputs(x)
        scores = torch.stack([answer.score for answer in answers], dim=1)
        side = max(answer.map.shape[-1] for answer in answers)
        maps = [F.interpolate(a.map[:, None], (side, side), mode="bilinear")[:, 0] for a in answers]
        return DetectorOutput(((scores - self.mean) / self.std).mean(1), torch.stack(maps).mean(0), None)
