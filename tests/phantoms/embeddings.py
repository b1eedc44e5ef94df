"""Known cases in two clusters, with all that an index keeps of them."""

import hashlib

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from core import neighbours
from core.neighbours import TSNE_LAYOUT, UMAP_LAYOUT, Index

LABELS = ("normal", "pneumonia")
WIDTH = 16


def clusters(each: int, *, seed: int = 0) -> tuple[Tensor, list[str]]:
    """Unit vectors around two directions, first all normal, then all pneumonia."""
    generator = Generator().manual_seed(seed)
    centres = torch.eye(2, WIDTH).repeat_interleave(each, 0)
    points = centres + 0.05 * torch.randn(2 * each, WIDTH, generator=generator)
    return F.normalize(points, dim=1).half().float(), [name for name in LABELS for _ in range(each)]


def index_of(each: int = 40) -> Index:
    embeddings, label = clusters(each)
    names = np.array([f"{name}/{n}.png" for n, name in enumerate(label)])
    score = np.array([name != "normal" for name in label], dtype=np.float32)
    rng = np.random.default_rng(0)
    spread = np.stack([20 * score - 10, score], axis=1) + rng.normal(size=(2 * each, 2))
    return Index(
        embeddings=embeddings,
        case=names,
        path=names,
        label=np.array(label),
        split=np.array(["validation" if n % 5 == 0 else "train" for n in range(2 * each)]),
        digest=np.array([neighbours.short_digest(digest(name)) for name in names], dtype=np.uint64),
        probabilities=np.stack([1 - score, score], axis=1),
        layouts={name: spread.astype(np.float32) for name in (TSNE_LAYOUT, UMAP_LAYOUT)},
    )


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
