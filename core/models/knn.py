"""The vote of the most similar known scans, on another card's feature maps."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from core.models.frozen import FeatureReuse, PooledHead


@dataclass(frozen=True, slots=True)
class VoteSettings:
    """Weighted k-nearest neighbours: each of the k nearest counts exp((similarity - 1) / temperature).

    prior: pseudo-counts of every class, so that no class is impossible and a scan unlike all known ones is
    uncertain.
    """

    k: int
    temperature: float
    prior: float


def vote_logits(similarity: Tensor, classes: Tensor, number: int, settings: VoteSettings) -> Tensor:
    """The log votes of the k nearest (weighted nearest neighbours: Wu 2018, arXiv:1805.01978).

    similarity: (N, M), cosine to each of M known scans.
    classes: (M,), whole numbers below `number`.
    number: of classes.
    settings: how the nearest vote.
    Returns (N, number); their softmax is the shares of the vote. Heat maps start from log votes, because near
    1 nothing moves a share.
    """
    nearest, index = similarity.topk(min(settings.k, similarity.shape[1]), dim=1)
    weight = torch.exp((nearest - 1) / settings.temperature)
    none = torch.full((len(similarity), number), settings.prior, dtype=similarity.dtype)
    return none.scatter_add(1, classes[index], weight).log()


class KNN(PooledHead, FeatureReuse):
    """k-nearest neighbours on the spatial mean of a trained classifier's feature maps.

    known: (M, D), the known scans' embeddings at length 1. classes_of: (M,), the class of each.
    cases: M. width: D.
    """

    def __init__(
        self, *, of: str, cases: int, width: int, classes: int, k: int, temperature: float, prior: float
    ) -> None:
        super().__init__(of)
        self.classes = classes
        self.settings = VoteSettings(k, temperature, prior)
        self.register_buffer("known", torch.zeros(cases, width))
        self.register_buffer("classes_of", torch.zeros(cases, dtype=torch.int64))
        self.known: Tensor
        self.classes_of: Tensor

    def fit(self, known: Tensor, classes_of: Tensor) -> None:
        """known: (M, D) at length 1; classes_of: (M,)."""
        self.known.copy_(known)
        self.classes_of.copy_(classes_of)

    def pool(self, f: Tensor) -> Tensor:
        return F.normalize(f.mean((2, 3)), dim=1)

    def logits(self, pooled: Tensor) -> Tensor:
        return vote_logits(pooled @ self.known.T, self.classes_of, self.classes, self.settings)
