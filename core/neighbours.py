"""The scans that a card was trained on, and the nearest of them to a new scan."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from openTSNE import TSNE
from openTSNE.affinity import joint_probabilities_nn
from torch import Tensor

from core import cards
from core.card_types import Card, KnownCases
from core.errors import CardError
from core.evaluation import multiclass
from core.models.knn import VOTING, VoteSettings, vote_logits
from core.types import FloatArray

TSNE_LAYOUT, UMAP_LAYOUT = "t-SNE", "UMAP"
PERPLEXITY = 30
PLACING = 5  # perplexity of a scan placed later: openTSNE's own, few and near
AROUND = 15  # known scans that a new one is placed among
STEPS = 50  # of a scan placed later; more moved it by less than a point's width
EXAGGERATION, STEEPEST = 1.5, 0.25  # of a new scan's attraction; of its gradient: openTSNE's defaults

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """A card's known scans, row by row.

    embeddings: (N, D), each of length 1. case: names inside the data set, as in scores.csv. path: of the
    files below the folder of all data sets. digest: the first eight bytes of each file's sha256.
    probabilities: (N, K), by the card's own network. layouts: (N, 2) by name.
    """

    embeddings: Tensor
    case: NDArray[np.str_]
    path: NDArray[np.str_]
    label: NDArray[np.str_]
    split: NDArray[np.str_]
    digest: NDArray[np.uint64]
    probabilities: FloatArray
    layouts: Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The most similar known scans, the nearest first. rows: (k,) of the index. similarity: (k,), cosine."""

    rows: NDArray[np.int64]
    similarity: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Vote:
    """What the neighbours say. shares: of the votes, per label, the prior's included.

    weights: (k,), each neighbour's part in all votes. score: the share of all labels but the normal one.
    itself: the row that is this very file and so may not vote, None when the scan is new.
    """

    neighbours: Neighbours
    shares: Mapping[str, float]
    weights: FloatArray
    score: float
    itself: int | None


def read(card: Card, root: Path = cards.WEIGHTS) -> Index:
    """The card's embeddings.npz. Raises CardError when it is missing, altered or of another shape."""
    data = cards.embeddings(card, root)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as table:
            index = Index(
                embeddings=torch.from_numpy(table["embeddings"]).float(),
                case=table["case"],
                path=table["path"],
                label=table["label"],
                split=table["split"],
                digest=table["digest"],
                probabilities=table["probabilities"],
                layouts={name: table[name] for name in (TSNE_LAYOUT, UMAP_LAYOUT) if name in table},
            )
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise CardError(f"The embeddings.npz of {card.id} cannot be read. {_remedy(card)}") from error
    columns = [index.case, index.path, index.label, index.split, index.digest, index.probabilities]
    if any(len(column) != len(index.embeddings) for column in [*columns, *index.layouts.values()]):
        raise CardError(f"The columns of {card.id}'s embeddings.npz differ in length. {_remedy(card)}")
    return index


def pack(index: Index) -> bytes:
    """The bytes of an embeddings.npz, embeddings in half precision, without pickled objects."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        allow_pickle=False,
        embeddings=index.embeddings.half().numpy(),
        case=index.case,
        path=index.path,
        label=index.label,
        split=index.split,
        digest=index.digest,
        probabilities=index.probabilities,
        **index.layouts,
    )
    return buffer.getvalue()


def nearest(embeddings: Tensor, query: Tensor, number: int) -> Neighbours:
    """The rows most similar to the query: exact, and at 100,000 rows still quick (benchmarks.neighbours).

    embeddings: (N, D), each of length 1.
    query: (D,), of length 1.
    number: of rows.
    """
    similarity = embeddings @ query
    found, rows = similarity.topk(min(number, len(similarity)))
    return Neighbours(rows.numpy(), found.numpy())


def vote(index: Index, query: Tensor, card: Card, digest: str = "") -> Vote:
    """The vote of the k nearest training scans.

    index: of the card.
    query: (D,), of any length.
    card: with `known`, how they vote.
    digest: of the scan's file, if known.

    The same as core.models.knn.KNN, except that a training scan does not vote on itself. Raises CardError for
    a card without known cases.
    """
    known, labels = known_cases(card), card.labels
    voters = torch.from_numpy(index.split == VOTING)
    itself = row_of(index, digest)
    if itself is not None:
        voters[itself] = False
    rows = torch.nonzero(voters)[:, 0]
    found = nearest(index.embeddings[rows], query / query.norm(), known.k)
    own = rows.numpy()[found.rows]
    truth = torch.tensor([labels.index(name) for name in index.label[own]])
    similarity = torch.from_numpy(found.similarity)
    settings = VoteSettings(known.k, known.temperature, known.prior)
    shares = vote_logits(similarity[None], truth, len(labels), settings)[0].softmax(0)
    weights = torch.exp((similarity - 1) / known.temperature)
    weights = weights / (weights.sum() + len(labels) * known.prior)
    return Vote(
        neighbours=Neighbours(own, found.similarity),
        shares=dict(zip(labels, shares.tolist(), strict=True)),
        weights=weights.numpy(),
        score=float(shares[1:].sum()),
        itself=itself,
    )


def known_cases(card: Card) -> KnownCases:
    """`card.known`. Raises CardError for a card without."""
    if card.known is None:
        raise CardError(f"Card {card.id} has no known cases. {_remedy(card)}")
    return card.known


def predicted_labels(index: Index, labels: tuple[str, ...], threshold: float) -> list[str]:
    """The label that the card's own network gives each known scan.

    index: of the card.
    labels: of the card.
    threshold: on the score.
    """
    columns = index.probabilities.astype(np.float64).T
    return list(multiclass.verdicts(dict(zip(labels, columns, strict=True)), threshold))


def validation_similarities(index: Index) -> FloatArray:
    """The cosine similarity of each validation scan to its nearest training scan, ascending."""
    voters = torch.from_numpy(index.split == VOTING)
    similarity = index.embeddings[~voters] @ index.embeddings[voters].T
    return similarity.amax(1).sort().values.numpy()


def row_of(index: Index, digest: str) -> int | None:
    """The row of the file with that sha256, None when there is none."""
    if not digest:
        return None
    rows = np.flatnonzero(index.digest == short_digest(digest))
    return int(rows[0]) if len(rows) else None


def short_digest(digest: str) -> np.uint64:
    """The first eight bytes of a sha256, as an index stores them."""
    return np.uint64(int(digest[:16], 16))


def layout(embeddings: FloatArray, *, seed: int = 0) -> FloatArray:
    """(N, D) of length 1 -> (N, 2), by t-SNE (openTSNE, Poličar 2024, doi:10.18637/jss.v109.i03)."""
    perplexity = min(PERPLEXITY, (len(embeddings) - 1) / 3)
    placed = TSNE(perplexity=perplexity, neighbors="exact", random_state=seed, n_jobs=1).fit(embeddings)
    return np.asarray(placed, dtype=np.float32)


def place(index: Index, query: Tensor, name: str) -> tuple[float, float]:
    """Where a new scan lies on a layout.

    index: of the card.
    query: (D,), of any length.
    name: of the layout.
    t-SNE moves it as it moved the others, these held still. UMAP's own transform needs a compiler at run
    time: there it is the mean of the nearest scans' places, weighted as t-SNE weights them.
    """
    found = nearest(index.embeddings, query / query.norm(), AROUND)
    reference = index.layouts[name].astype(np.float64)
    distances = np.sqrt(np.clip(2 - 2 * found.similarity.astype(np.float64), 0, None))
    attraction = joint_probabilities_nn(
        found.rows[None],
        distances[None],
        [min(PLACING, len(distances) / 3)],
        symmetrize=False,
        normalization="point-wise",
        n_reference_samples=len(reference),
    ).toarray()[0]
    place = attraction @ reference
    if name == TSNE_LAYOUT:
        place = _settled(place, reference, attraction)
    return float(place[0]), float(place[1])


def _settled(place: Floats, reference: Floats, attraction: Floats) -> Floats:
    """Where t-SNE's gradient leaves one point among others that stay: openTSNE's own descent, step for step.

    Its trees are built for thousands of points that move; for one, the whole sum takes a tenth of the time.
    place: (2,). reference: (N, 2). attraction: (N,), adding up to 1.
    """
    update, gains = np.zeros(2), np.ones(2)
    for _ in range(STEPS):
        away = place - reference
        weight = 1 / (1 + (away**2).sum(1))
        gradient = (EXAGGERATION * attraction * weight) @ away - weight**2 @ away / weight.sum()
        gradient *= min(1.0, STEEPEST / (float(np.linalg.norm(gradient)) + 1e-6))
        turned = np.sign(update) != np.sign(gradient)
        gains = np.where(turned, gains + 0.2, gains * 0.8 + 0.01)
        update = 0.8 * update - 0.1 * gains * gradient
        place = place + update
    return place


def _remedy(card: Card) -> str:
    return f"Make it with: python -m train.index --data DATA --card {card.id}"
