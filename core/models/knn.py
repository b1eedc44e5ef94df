"""The vote of the most similar known scans, on another card's feature maps."""

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from core.errors import CardError
from core.models.frozen import FeatureReuse, PooledHead

VOTING = "train"  # k was chosen on validation scans, which therefore do not vote


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

    known: (M, D), the known scans' embeddings at length 1. classes_of: (M,), the class of each. Both lie in
    the embeddings.npz of the card that `of` names; the weights hold their fingerprint.
    cases: M. width: D.
    """

    def __init__(
        self, *, of: str, cases: int, width: int, classes: int, k: int, temperature: float, prior: float
    ) -> None:
        super().__init__(of)
        self.classes = classes
        self.settings = VoteSettings(k, temperature, prior)
        self.register_buffer("known", torch.zeros(cases, width), persistent=False)
        self.register_buffer("classes_of", torch.zeros(cases, dtype=torch.int64), persistent=False)
        self.register_buffer("fingerprint", torch.zeros(32, dtype=torch.uint8))
        self.known: Tensor
        self.classes_of: Tensor
        self.fingerprint: Tensor

    def fit(self, known: Tensor, classes_of: Tensor) -> None:
        """known: (M, D) at length 1; classes_of: (M,)."""
        self.known.copy_(known)
        self.classes_of.copy_(classes_of)
        self.fingerprint.copy_(_fingerprint(known, classes_of))

    def recall(self, known: Tensor, classes_of: Tensor) -> None:
        """Set the scans of an earlier `fit`. Raises CardError for any others."""
        if not torch.equal(self.fingerprint, _fingerprint(known, classes_of)):
            raise CardError(
                f"The known cases of {self.of} are not those that vote here. Make the vote again with: "
                f"python -m train.index --data DATA --card {self.of.partition('@')[0]} --knn ID"
            )
        self.known.copy_(known)
        self.classes_of.copy_(classes_of)

    def pool(self, f: Tensor) -> Tensor:
        return F.normalize(f.mean((2, 3)), dim=1)

    def logits(self, pooled: Tensor) -> Tensor:
        return vote_logits(pooled @ self.known.T, self.classes_of, self.classes, self.settings)


def _fingerprint(known: Tensor, classes_of: Tensor) -> Tensor:
    """The sha256 of both, in the precision of an embeddings.npz: (32,) bytes."""
    content = known.half().numpy().tobytes() + classes_of.numpy().astype("<i8").tobytes()
    return torch.tensor(list(hashlib.sha256(content).digest()), dtype=torch.uint8)
