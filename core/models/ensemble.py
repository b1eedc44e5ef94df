"""Unlike classifiers, asked together."""

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
    parted by spaces. Whoever builds the ensemble lends it the members. It has no cut between features and
    head: its heat map is the mean of the members' maps.
    """

    def __init__(self, *, members: str) -> None:
        super().__init__()
        self.members = tuple(members.split())
        self._lent: list[Sequence[Member]] = []  # in a list: the members' weights are stored with them
        self.register_buffer("temperature", torch.ones(1))
        self.temperature: Tensor

    def attach(self, members: Sequence[Member]) -> None:
        """Ask these from now on, in the order of `members`."""
        if len(members) != len(self.members):
            raise CardError(f"This ensemble has {len(self.members)} members, not {len(members)}.")
        self._lent = [members]

    def lent(self) -> Sequence[Member]:
        """The members at hand. Raises CardError before any are attached."""
        if not self._lent:
            raise CardError(f"This ensemble asks {', '.join(self.members)}. Call attach(members) first.")
        return self._lent[0]

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, H, W) grey in about [0, 1], aligned -> (N, K) logits."""
        votes = [member.network(seen_by(member, x)).log_softmax(1) for member in self.lent()]
        return torch.stack(votes).mean(0) / self.temperature


Answering = Classifier | ClassifierEnsemble  # what gives logits: one network, or several asked together


def seen_by(member: Member, x: Tensor) -> Tensor:
    """(N, 1, H, W) grey -> (N, C, size, size), as the member's card asks."""
    spec = member.input
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (spec.mean, spec.std))
    return (resize(x, spec.size, spec.size).expand(-1, spec.channels, -1, -1) - mean) / std
