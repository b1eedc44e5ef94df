"""Index a classifier's training scans: python -m train.index --data DATA --card ID [--knn ID]

Writes embeddings.npz beside the card's weights. With --knn the vote of the most similar scans becomes a card
of its own, whose heat maps train.trust measures afterwards.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from core import cards, inference, neighbours
from core.anatomy import lungs
from core.card_types import Card, KnownCases, Training
from core.errors import DataSetError, UnknownName
from core.evaluation import thresholds
from core.inference import Model
from core.models import KNN, Classifier
from core.models.knn import VOTING, VoteSettings, vote_logits
from core.neighbours import TSNE_LAYOUT, UMAP_LAYOUT, Index
from core.reading import images
from core.types import FloatArray, is_abnormal
from train.data import tasks
from train.data.datasets import Case
from train.publish import provenance, report

STEP = 2**-11  # of stored embeddings: finer digits decide no vote and fill the file
BALLOTS = [
    VoteSettings(k, temperature, prior)
    for k, temperature, prior in product(
        (5, 10, 15, 25, 50), (0.003, 0.01, 0.03, 0.1, 0.3), (0.001, 0.01, 0.1, 1.0)
    )
]


@dataclass(frozen=True, slots=True, eq=False)
class KNNValidation:
    """The validation scans asked of the voters. truth: (N,) classes. logits: (N, K), log votes."""

    ballot: VoteSettings
    truth: Tensor
    logits: Tensor


def main() -> None:
    arguments = parse()
    started = time.monotonic()
    model = inference.load(arguments.card)
    if not isinstance(model.network, Classifier):
        raise UnknownName(f"{arguments.card} has no features to compare. Choose a card of a single network.")
    every = tasks.load_cases(tasks.task_of_card(model.card), arguments.data, seed=0)
    cases = with_card_splits(model.card, every)
    index = embed_cases(model, [case for case in cases if case.split != "test"], arguments.data)
    validation = choose_voting(index, model.card.labels)
    index = replace(index, layouts=compute_layouts(index.embeddings.numpy(), arguments.seed))
    write_index(model.card, index, validation)
    if arguments.knn:
        minutes = (time.monotonic() - started) / 60
        draft, network = knn_card(arguments.knn, model, index, validation, minutes)
        publish_knn(draft, network, cases)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--card", required=True, help="a classifier in weights/")
    parser.add_argument("--knn", metavar="ID", help="also publish the vote as a card of this name")
    parser.add_argument("--seed", type=int, default=0, help="of the layouts")
    return parser.parse_args()


def with_card_splits(card: Card, cases: Sequence[Case]) -> list[Case]:
    """The cases on the sides that the card's own scores.csv has them on. Raises DataSetError for others."""
    table = cards.scores(card)
    held = dict(zip(table.case, zip(table.split, table.label, strict=True), strict=True))
    labels = {case.name: case.label for case in cases}
    for name, (_, label) in held.items():
        if labels.get(name) != label:
            raise DataSetError(f"{card.id} was scored on {name} as {label}: the data set holds no such case.")
    sides = {name: split for name, (split, _) in held.items()}
    return [
        replace(case, split=sides.get(case.name, "train"))
        for case in cases
        if case.name in sides or case.split != "test"
    ]


def embed_cases(model: Model, cases: Sequence[Case], data: Path) -> Index:
    """Embed and judge each file as the app does.

    model: the classifier.
    cases: files to be read.
    data: the folder that paths are kept relative to.
    """
    embeddings, probabilities, digests = [], [], []
    for case in tqdm(cases, desc="embedding", unit="scan", mininterval=5):
        scan = images.read(case.path.read_bytes(), case.name)
        fields = lungs.find(scan) if model.card.input.region == "lungs" else None
        embeddings.append(F.normalize(inference.embed(model, scan, fields), dim=0))
        probabilities.append(list(inference.classify(model, scan, fields).probabilities.values()))
        digests.append(neighbours.short_digest(scan.digest))
    return Index(
        embeddings=(torch.stack(embeddings) / STEP).round() * STEP,
        case=np.array([case.name for case in cases]),
        path=np.array([case.path.relative_to(data).as_posix() for case in cases]),
        label=np.array([case.label for case in cases]),
        split=np.array([case.split for case in cases]),
        digest=np.array(digests, dtype=np.uint64),
        probabilities=np.array(probabilities, dtype=np.float32),
        layouts={},
    )


def choose_voting(index: Index, labels: tuple[str, ...]) -> KNNValidation:
    """Count the votes on validation scans in every way, and keep the one with the lowest log loss."""
    classes = torch.tensor([labels.index(name) for name in index.label])
    voters = torch.from_numpy(index.split == VOTING)
    similarity = index.embeddings[~voters] @ index.embeddings[voters].T
    truth = classes[~voters]
    candidates = [
        KNNValidation(ballot, truth, vote_logits(similarity, classes[voters], len(labels), ballot))
        for ballot in BALLOTS
    ]
    return min(candidates, key=lambda validation: float(F.cross_entropy(validation.logits, truth)))


def compute_layouts(embeddings: FloatArray, seed: int) -> dict[str, FloatArray]:
    """(N, 2) by name."""
    from umap import UMAP  # compiles as it loads; nothing else here needs it

    spread = UMAP(metric="cosine", random_state=seed, n_jobs=1).fit_transform(embeddings)
    placed = {TSNE_LAYOUT: neighbours.layout(embeddings, seed=seed), UMAP_LAYOUT: np.asarray(spread)}
    return {name: place.astype(np.float32) for name, place in placed.items()}


def write_index(
    card: Card, index: Index, validation: KNNValidation, root: Path = cards.WEIGHTS
) -> KnownCases:
    """Write embeddings.npz, and what the card has to say of it.

    card: of the classifier that embedded the scans.
    index: the scans.
    validation: how the vote does.
    root: where cards lie.
    """
    data = neighbours.pack(index)
    shares = 1 - validation.logits.double().softmax(1)[:, 0].numpy()
    threshold = thresholds.choose(card.policy, validation.truth.numpy() != 0, shares)
    own = 1 - index.probabilities[index.split != VOTING, 0]
    known = KnownCases(
        n=len(index.case),
        voters=int((index.split == VOTING).sum()),
        **asdict(validation.ballot),
        threshold=threshold,
        agreement=float(np.mean(is_abnormal(shares, threshold) == is_abnormal(own, card.threshold))),
        command=provenance.command(),
        sha256=provenance.sha256(data),
    )
    now = cards.read(card.id, root)  # others may have written to it in the meantime
    if not isinstance(now, Card) or now.sha256 != card.sha256:
        raise SystemExit(f"{card.id} was trained anew in the meantime. Start again.")
    cards.write_embeddings(card.id, data, root)
    cards.update(card.id, root, known=known)
    print(
        f"{card.id}: {known.n} scans kept, {len(data) / 1e6:.1f} MB; {validation.ballot}, "
        f"verdict as the network's on {known.agreement:.1%} of {len(shares)} validation scans"
    )
    return known


def knn_card(
    card_id: str, model: Model, index: Index, validation: KNNValidation, minutes: float
) -> tuple[Card, KNN]:
    """The vote as a card of its own, on the maps of the card that it asks; still without figures.

    card_id: of the new card.
    model: the classifier whose features are compared.
    index: its training scans.
    validation: with the way of voting that was chosen.
    minutes: that all this took.
    """
    base, voters = model.card, index.split == VOTING
    known = index.embeddings[torch.from_numpy(voters)]
    ballot = validation.ballot
    of, cases, width, number = f"{base.id}@{base.sha256[:12]}", *known.shape, len(base.labels)
    network = KNN(of=of, cases=cases, width=width, classes=number, **asdict(ballot))
    network.set_base(model.network)
    network.fit(known, torch.tensor([base.labels.index(name) for name in index.label[voters]]))
    draft = replace(
        base,
        id=card_id,
        title=f"{ballot.k} nearest neighbours on {base.title}",
        model="knn",
        arguments={"of": of, "cases": cases, "width": width, "classes": number, **asdict(ballot)},
        training=Training(
            command=provenance.command(),
            settings={"chosen by": "log loss on validation", "ballots tried": len(BALLOTS), **asdict(ballot)},
            curve=(),
            minutes=round(minutes, 1),
            parameters=provenance.parameters(network),
        ),
        limitations=(*base.limitations, f"Compares with {cases} scans as {base.title} sees them."),
        commit=provenance.commit(),
        sha256="",
        report={},
        scales={},
        shift={},
        trust={},
        figures={},
        known=None,
    )
    return draft, network


def publish_knn(draft: Card, network: KNN, cases: Sequence[Case]) -> None:
    """Score it and write its folder. The gate has learned from the same films, so it is the same.

    draft: its card.
    network: the vote.
    cases: of validation and test, to be scored.
    """
    packed = report.pack(draft, network)
    report.publish_card(packed, report.score_cases(packed, cases))


if __name__ == "__main__":
    main()
