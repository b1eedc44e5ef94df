"""Several classifiers as one."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.errors import CardError
from core.models.base import Classifier
from core.resample import resize
from core.types import InputSpec


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A classifier with its own input, and the heat that its card shows in full colour, per method."""

    network: Classifier
    input: InputSpec
    scales: dict[str, float]


class ClassifierEnsemble(nn.Module):
    """The mean of its members' log probabilities, at a common temperature.

    members: ids of cards with the same labels, each followed by @ and the start of its weights' sha256,
    separated by spaces; their networks are given to `set_members` before use. There is no cut between
    features and head: the heat map is the mean of the members' maps.
    """

    def __init__(self, *, members: str) -> None:
        super().__init__()
        self.members = tuple(members.split())
        self._loaded: list[Sequence[Member]] = []  # in a list: members' weights stay out of the state dict
        self.register_buffer("temperature", torch.ones(1))
        self.temperature: Tensor

    def set_members(self, members: Sequence[Member]) -> None:
        """members: in the order of `self.members`."""
        if len(members) != len(self.members):
            raise CardError(f"This ensemble has {len(self.members)} members, not {len(members)}.")
        self._loaded = [members]

    def loaded_members(self) -> Sequence[Member]:
        """Raises CardError before `set_members`."""
        if not self._loaded:
            raise CardError(
                f"This ensemble needs {', '.join(self.members)}. Call set_members(members) first."
            )
        return self._loaded[0]

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, H, W) grey in about [0, 1], aligned -> (N, K) logits."""
        votes = [member.network(member_input(member, x)).log_softmax(1) for member in self.loaded_members()]
        return torch.stack(votes).mean(0) / self.temperature


AnyClassifier = Classifier | ClassifierEnsemble  # whatever gives logits


def member_input(member: Member, x: Tensor) -> Tensor:
    """(N, 1, H, W) grey -> (N, C, size, size), as the member's card asks."""
    spec = member.input
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (spec.mean, spec.std))
    return (resize(x, spec.size, spec.size).expand(-1, spec.channels, -1, -1) - mean) / std
