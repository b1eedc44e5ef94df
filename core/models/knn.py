"""The vote of the most similar known scans, on another card's feature maps."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from core.models.frozen import Pooled, Reading


@dataclass(frozen=True, slots=True)
class Ballot:
    """How votes are counted: each of the k nearest counts exp((similarity - 1) / temperature).

    prior: votes that every class has before any scan is asked, so that nothing is impossible, and so that
    a scan unlike all known ones is called uncertain.
    """

    k: int
    temperature: float
    prior: float


def count(similarity: Tensor, classes: Tensor, number: int, ballot: Ballot) -> Tensor:
    """The votes of the k nearest, as logarithms (weighted nearest neighbours: Wu 2018, arXiv:1805.01978).

    similarity: (N, M), cosine to each of M known scans. classes: (M,) whole numbers below `number`.
    Returns (N, number); softmax makes shares of them. Shares themselves would leave heat maps cold where all
    neighbours agree: near 1 nothing moves a share, while votes still tell what the likeness rests on.
    """
    nearest, index = similarity.topk(min(ballot.k, similarity.shape[1]), dim=1)
    weight = torch.exp((nearest - 1) / ballot.temperature)
    none = torch.full((len(similarity), number), ballot.prior, dtype=similarity.dtype)
    return none.scatter_add(1, classes[index], weight).log()


class KNN(Pooled, Reading):
    """Lends a classifier's feature maps, and asks which known scans they resemble on average over place.

    known: (M, D), the known scans' embeddings at length 1. classes_of: (M,), the class of each.
    cases: M. width: D.
    """

    def __init__(
        self, *, of: str, cases: int, width: int, classes: int, k: int, temperature: float, prior: float
    ) -> None:
        super().__init__(of)
        self.classes = classes
        self.ballot = Ballot(k, temperature, prior)
        self.register_buffer("known", torch.zeros(cases, width))
        self.register_buffer("classes_of", torch.zeros(cases, dtype=torch.int64))
        self.known: Tensor
        self.classes_of: Tensor

    def learn(self, known: Tensor, classes_of: Tensor) -> None:
        """Keep these scans in mind. known: (M, D) at length 1; classes_of: (M,)."""
        self.known.copy_(known)
        self.classes_of.copy_(classes_of)

    def pooled(self, f: Tensor) -> Tensor:
        return F.normalize(f.mean((2, 3)), dim=1)

    def top(self, pooled: Tensor) -> Tensor:
        return count(pooled @ self.known.T, self.classes_of, self.classes, self.ballot)
