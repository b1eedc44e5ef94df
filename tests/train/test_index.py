"""The index of training scans, on drawn films and a network too small to matter."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator
from torch.nn import functional as F

from core import cards, checkpoints, neighbours
from core.card_types import Card, Policy, Scores
from core.errors import DataSetError
from core.inference import Model
from core.models import CNN, KNN
from core.models.knn import VoteSettings, vote_logits
from core.neighbours import TSNE_LAYOUT, UMAP_LAYOUT, Index
from tests.phantoms.chest import chest, png
from train import index as indexing
from train.data.datasets import Case

LABELS = ("normal", "pneumonia")
CLASSIFIERS = [card for card in cards.every() if card.kind == "classifier"]


def case(name: str, label: str, split: str, folder: Path = Path()) -> Case:
    return Case(folder / "chest_xray" / name, name, label, name, split)


def small(card_id: str = "small") -> tuple[Card, CNN]:
    """A card of a tiny network that looks at whole films; the rest is some card's."""
    if not CLASSIFIERS:
        pytest.skip("no classifier in weights/")
    torch.manual_seed(0)
    network = CNN(width=4).eval().requires_grad_(False)
    spec = replace(CLASSIFIERS[0].input, size=64, channels=1, mean=(0.5,), std=(0.25,), region="whole")
    data = checkpoints.pack(network)
    card = replace(
        CLASSIFIERS[0],
        id=card_id,
        model="cnn",
        arguments={"width": 4},
        input=spec,
        labels=LABELS,
        policy=Policy("youden"),
        sha256=hashlib.sha256(data).hexdigest(),
        gate=None,
        known=None,
    )
    return card, network


def kept(root: Path, card: Card, network: CNN, table: Scores) -> None:
    cards.write(card, checkpoints.pack(network), table, root)


def table_of(cases: list[Case]) -> Scores:
    held = [c for c in cases if c.split != "train"]
    score = np.array([float(c.label != "normal") for c in held])
    names = ((c.split for c in held), (c.name for c in held), (c.label for c in held))
    split, name, label = (tuple(column) for column in names)
    return Scores(split, name, label, score, dict(zip(LABELS, (1 - score, score), strict=True)))


def test_cases_stand_where_the_card_was_measured(monkeypatch: pytest.MonkeyPatch):
    official = [case("a", "normal", "train"), case("b", "pneumonia", "train"), case("c", "normal", "test")]
    late = case("d", "normal", "test")  # not in the card's scores
    moved = [replace(official[1], split="validation"), official[2]]
    monkeypatch.setattr(cards, "scores", lambda _: table_of(moved))
    sided = indexing.with_card_splits(small()[0], [*official, late])
    assert {c.name: c.split for c in sided} == {"a": "train", "b": "validation", "c": "test"}


def test_a_card_measured_on_other_cases_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cards, "scores", lambda _: table_of([case("x", "normal", "test")]))
    with pytest.raises(DataSetError, match="holds no such case"):
        indexing.with_card_splits(small()[0], [case("x", "pneumonia", "test")])


def looked_at(tmp_path: Path) -> tuple[Model, Index, list[Case]]:
    card, network = small()
    (tmp_path / "chest_xray").mkdir()
    cases = []
    for n in range(24):
        label, split = LABELS[n % 2], "validation" if n % 4 < 2 else "train"
        cases.append(case(f"{n}.png", label, split, tmp_path))
        cases[-1].path.write_bytes(png(chest(96, opacity=0.6 * (n % 2), seed=n)))
    model = Model(card, network)
    return model, indexing.embed_cases(model, cases, tmp_path), cases


def test_each_file_is_embedded_and_judged(tmp_path: Path):
    _, index, cases = looked_at(tmp_path)
    assert index.case.tolist() == [c.name for c in cases]
    assert index.path[0] == "chest_xray/0.png"
    assert torch.allclose(index.embeddings.norm(dim=1), torch.ones(len(cases)), atol=1e-2)
    assert index.probabilities.sum(1) == pytest.approx(np.ones(len(cases)), abs=1e-5)
    digest = hashlib.sha256(cases[3].path.read_bytes()).hexdigest()
    assert neighbours.row_of(index, digest) == 3


def test_the_ballot_with_the_lowest_loss_on_validation_is_kept(tmp_path: Path):
    _, index, _ = looked_at(tmp_path)
    polled = indexing.choose_voting(index, LABELS)
    least = F.cross_entropy(polled.logits, polled.truth)
    voters = torch.from_numpy(index.split == "train")
    similarity = index.embeddings[~voters] @ index.embeddings[voters].T
    classes = torch.from_numpy(index.label != "normal").long()
    for ballot in indexing.BALLOTS[::17]:
        assert F.cross_entropy(vote_logits(similarity, classes[voters], 2, ballot), polled.truth) >= least


def test_a_card_gets_an_index_and_its_vote_is_a_card(tmp_path: Path):
    model, index, cases = looked_at(tmp_path)
    root = tmp_path / "weights"
    assert isinstance(model.network, CNN)
    kept(root, model.card, model.network, table_of(cases))
    rng = np.random.default_rng(0)
    index = replace(index, layouts={TSNE_LAYOUT: rng.normal(size=(24, 2)).astype(np.float32)})
    polled = indexing.choose_voting(index, LABELS)
    known = indexing.write_index(model.card, index, polled, root)
    card = cards.read("small", root)
    assert isinstance(card, Card)
    assert card.known == known
    assert known.n == 24
    assert known.voters == 12
    back = neighbours.read(card, root)

    draft, network = indexing.knn_card("small-knn", model, index, polled, minutes=1.0)
    data = checkpoints.pack(network)
    again = checkpoints.unpack(draft, data, root)
    assert isinstance(again, KNN)
    assert not any(name.startswith("base.") for name in checkpoints.load(data))
    x = torch.rand(2, 1, 64, 64, generator=Generator().manual_seed(3))
    for row, logits in enumerate(again(x)):
        vote = neighbours.vote(back, model.network.embed(x)[row], card)
        assert logits.softmax(0).tolist() == pytest.approx(list(vote.shares.values()), abs=1e-4)


def test_a_card_trained_anew_in_the_meantime_is_left_alone(tmp_path: Path):
    model, index, cases = looked_at(tmp_path)
    root = tmp_path / "weights"
    assert isinstance(model.network, CNN)
    kept(root, replace(model.card, sha256="0" * 64), model.network, table_of(cases))
    with pytest.raises(SystemExit, match="anew"):
        indexing.write_index(model.card, index, indexing.choose_voting(index, LABELS), root)
    assert not (root / "small" / "embeddings.npz").exists()


@pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")
def test_both_layouts_are_made():
    embeddings = F.normalize(torch.randn(60, 8, generator=Generator().manual_seed(0)), dim=1).numpy()
    placed = indexing.compute_layouts(embeddings, seed=0)
    assert set(placed) == {TSNE_LAYOUT, UMAP_LAYOUT}
    assert all(places.shape == (60, 2) and np.isfinite(places).all() for places in placed.values())


def test_ballots_have_votes_to_count():
    assert all(isinstance(ballot, VoteSettings) and ballot.k > 1 for ballot in indexing.BALLOTS)
