"""Known cases: who is near, what they say, where a scan lies among them."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from openTSNE.affinity import PrecomputedAffinities, joint_probabilities_nn
from openTSNE.tsne import PartialTSNEEmbedding, TSNEEmbedding
from scipy.sparse import csr_matrix
from torch import Generator, Tensor
from torch.nn import functional as F

from core import cards, neighbours
from core.card_types import Card, KnownCases
from core.errors import AlteredWeights, CardError, MissingWeights
from core.explainers import EXPLAINERS
from core.models import CNN, KNN
from core.models.knn import VoteSettings, vote_logits
from core.neighbours import TSNE_LAYOUT, UMAP_LAYOUT, Index
from tests.core.explainers.brief import BRIEF
from tests.phantoms.embeddings import LABELS, clusters, digest, index_of

CLASSIFIERS = [card for card in cards.every() if card.kind == "classifier"]


def card_of(index: Index, data: bytes = b"") -> Card:
    """A card that remembers these cases; everything else is some card's."""
    if not CLASSIFIERS:
        pytest.skip("no classifier in weights/")
    known = KnownCases(
        n=len(index.case),
        voters=int((index.split == "train").sum()),
        k=5,
        temperature=0.1,
        prior=0.1,
        threshold=0.5,
        agreement=1.0,
        command="python -m train.index --data DATA --card some",
        sha256=hashlib.sha256(data).hexdigest(),
    )
    return replace(CLASSIFIERS[0], id="some", labels=LABELS, known=known)


def stored(folder: Path, data: bytes) -> Path:
    (folder / "some").mkdir()
    (folder / "some" / "embeddings.npz").write_bytes(data)
    return folder


def test_the_nearest_are_found_in_order():
    embeddings, _ = clusters(20)
    found = neighbours.nearest(embeddings, embeddings[3], 4)
    expected = (embeddings @ embeddings[3]).argsort(descending=True)[:4]
    assert found.rows.tolist() == expected.tolist()
    assert found.rows[0] == 3
    assert (np.diff(found.similarity) <= 0).all()


def test_among_a_hundred_thousand_cases_the_nearest_are_the_exact_ones():
    embeddings = F.normalize(torch.randn(100_000, 64, generator=Generator().manual_seed(0)), dim=1)
    found = neighbours.nearest(embeddings, embeddings[0], 10)
    exact = (embeddings.double() @ embeddings[0].double()).topk(10).indices
    assert found.rows.tolist() == exact.tolist()


def test_votes_are_weighted_by_similarity():
    similarity = torch.tensor([[1.0, 0.9, 0.5]])
    shares = vote_logits(
        similarity, torch.tensor([0, 1, 1]), 2, VoteSettings(k=2, temperature=0.1, prior=0.0)
    ).softmax(1)
    weight = float(np.exp(-1))
    assert shares[0].tolist() == pytest.approx([1 / (1 + weight), weight / (1 + weight)], abs=1e-6)


def test_a_scan_unlike_all_others_is_uncertain():
    index = index_of()
    card = card_of(index)
    inside = neighbours.vote(index, index.embeddings[-1] * 7, card)
    outside = neighbours.vote(index, -index.embeddings[-1], card)
    assert inside.score > 0.95
    assert outside.score == pytest.approx(0.5, abs=0.01)
    assert (
        inside.neighbours.similarity[0]
        > neighbours.validation_similarities(index)[0]
        > outside.neighbours.similarity[0]
    )


def test_validation_scans_have_no_vote():
    index = index_of()
    vote = neighbours.vote(index, index.embeddings[0], card_of(index))
    assert index.split[0] == "validation"
    assert set(index.split[vote.neighbours.rows]) == {"train"}
    assert vote.itself is None


def test_a_known_file_does_not_vote_for_itself():
    index = index_of()
    row = 1
    vote = neighbours.vote(index, index.embeddings[row], card_of(index), digest(str(index.case[row])))
    assert vote.itself == row
    assert row not in vote.neighbours.rows
    assert row in neighbours.vote(index, index.embeddings[row], card_of(index)).neighbours.rows


def test_shares_and_weights_add_up():
    index = index_of()
    vote = neighbours.vote(index, index.embeddings[7], card_of(index))
    assert sum(vote.shares.values()) == pytest.approx(1, abs=1e-5)
    assert vote.score == pytest.approx(1 - vote.shares["normal"], abs=1e-5)
    prior = 2 * 0.1 / (2 * 0.1 + float(np.exp((vote.neighbours.similarity - 1) / 0.1).sum()))
    assert vote.weights.sum() == pytest.approx(1 - prior, abs=1e-5)


def test_the_network_says_what_the_vote_says():
    torch.manual_seed(0)
    base = CNN(width=4).eval().requires_grad_(False)
    x = torch.rand(3, 1, 64, 64, generator=Generator().manual_seed(1))
    index, voters = index_of(), torch.from_numpy(index_of().split == "train")
    embeddings = F.normalize(torch.rand(len(index.case), 32, generator=Generator().manual_seed(2)), dim=1)
    index = replace(index, embeddings=embeddings)
    network = knn(base, embeddings[voters], torch.tensor([n != "normal" for n in index.label[voters]]).long())
    for row, logits in enumerate(network(x)):
        vote = neighbours.vote(index, base.embed(x)[row], card_of(index))
        assert logits.softmax(0).tolist() == pytest.approx(list(vote.shares.values()), abs=1e-5)


def knn(base: CNN, known: Tensor, classes_of: Tensor) -> KNN:
    cases, width = known.shape
    network = KNN(of="base@0", cases=cases, width=width, classes=2, k=5, temperature=0.1, prior=0.1)
    network.set_base(base)
    network.fit(known, classes_of)
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("method", sorted(EXPLAINERS))
def test_every_explainer_works_on_the_vote(method: str):
    torch.manual_seed(0)
    base = CNN(width=4).eval().requires_grad_(False)
    x = torch.rand(1, 1, 64, 64, generator=Generator().manual_seed(1))
    own = base.embed(torch.rand(20, 1, 64, 64, generator=Generator().manual_seed(2)))
    network = knn(base, F.normalize(own, dim=1), torch.arange(20) % 2)
    heat = EXPLAINERS[method](network, x, 1, **BRIEF.get(method, {}))
    assert heat.ndim == 2
    assert torch.isfinite(heat).all()
    assert (heat >= 0).all()
    assert heat.max() > 0


def test_a_vote_recalls_only_the_cases_that_it_learned():
    torch.manual_seed(0)
    known = F.normalize(torch.rand(6, 32, generator=Generator().manual_seed(2)), dim=1).half().float()
    learned = knn(CNN(width=4), known, torch.arange(6) % 2)
    fresh = KNN(of="base@0", cases=6, width=32, classes=2, k=5, temperature=0.1, prior=0.1)
    fresh.fingerprint.copy_(learned.fingerprint)  # all of it that is stored
    assert not fresh.known.any()
    fresh.recall(known, torch.arange(6) % 2)
    assert torch.equal(fresh.known, known)
    for others in ((known.flip(0), torch.arange(6) % 2), (known, torch.zeros(6, dtype=torch.int64))):
        with pytest.raises(CardError, match=r"cases of base@0 are not those.*--card base --knn"):
            fresh.recall(*others)


def test_known_cases_come_back_as_they_were_kept(tmp_path: Path):
    index = index_of()
    data = neighbours.pack(index)
    back = neighbours.read(card_of(index, data), stored(tmp_path, data))
    assert torch.equal(back.embeddings, index.embeddings)
    assert back.embeddings.dtype == torch.float32
    for name in ("case", "path", "label", "split", "digest", "probabilities"):
        assert (getattr(back, name) == getattr(index, name)).all()
    assert set(back.layouts) == {TSNE_LAYOUT, UMAP_LAYOUT}


def test_altered_missing_and_unmade_cases_name_the_remedy(tmp_path: Path):
    index = index_of()
    data = neighbours.pack(index)
    root, card = stored(tmp_path, data), card_of(index, data)
    with pytest.raises(CardError, match=r"train.index --data DATA --card some"):
        neighbours.read(replace(card, known=None), root)
    (root / "some" / "embeddings.npz").write_bytes(data + b"\0")
    with pytest.raises(AlteredWeights, match=r"train.index"):
        neighbours.read(card, root)
    (root / "some" / "embeddings.npz").unlink()
    with pytest.raises(MissingWeights, match=r"train.index"):
        neighbours.read(card, root)


def test_pickled_objects_are_not_loaded(tmp_path: Path):
    index = index_of()
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.array([{}], dtype=object) for name in ("embeddings", "case")})
    data = buffer.getvalue()
    with pytest.raises(CardError, match="cannot be read"):
        neighbours.read(card_of(index, data), stored(tmp_path, data))


def test_columns_of_unlike_length_are_refused(tmp_path: Path):
    index = replace(index_of(), label=np.array(["normal"]))
    data = neighbours.pack(index)
    with pytest.raises(CardError, match="differ in length"):
        neighbours.read(card_of(index, data), stored(tmp_path, data))


def test_a_layout_keeps_unlike_cases_apart():
    embeddings, _ = clusters(40)
    places = neighbours.layout(embeddings.numpy())
    one, other = places[:40].mean(0), places[40:].mean(0)
    spread = max(places[:40].std(0).max(), places[40:].std(0).max())
    assert places.shape == (80, 2)
    assert np.linalg.norm(one - other) > 2 * spread


@pytest.mark.parametrize("name", [TSNE_LAYOUT, UMAP_LAYOUT])
def test_a_new_scan_lies_among_those_it_resembles(name: str):
    index = index_of()
    for row, side in ((1, -10), (-1, 10)):
        before = index.layouts[name].copy()
        place = neighbours.place(index, index.embeddings[row] * 3, name)
        assert place[0] == pytest.approx(side, abs=4)
        assert (index.layouts[name] == before).all()


def test_a_new_scan_lies_where_the_library_would_put_it():
    index = index_of()
    query = F.normalize(index.embeddings[3] + index.embeddings[-4], dim=0)
    found = neighbours.nearest(index.embeddings, query, neighbours.AROUND)
    reference = index.layouts[TSNE_LAYOUT].astype(np.float64)
    attraction = joint_probabilities_nn(
        found.rows[None],
        np.sqrt(2 - 2 * found.similarity.astype(np.float64))[None],
        [neighbours.PLACING],
        symmetrize=False,
        normalization="point-wise",
        n_reference_samples=len(reference),
    )
    still = TSNEEmbedding(reference, PrecomputedAffinities(csr_matrix((80, 80)), normalize=False))
    theirs = PartialTSNEEmbedding(attraction @ reference, still, attraction, negative_gradient_method="bh")
    theirs = theirs.optimize(
        neighbours.STEPS, learning_rate=0.1, exaggeration=1.5, momentum=0.8, max_grad_norm=0.25, theta=0
    )
    assert neighbours.place(index, query, TSNE_LAYOUT) == pytest.approx(tuple(theirs[0]), abs=1e-3)


def test_among_five_thousand_cases_a_known_one_is_placed_with_its_own_kind():
    index = index_of(each=2600)
    placed = neighbours.place(index, index.embeddings[10], TSNE_LAYOUT)
    nearest = np.linalg.norm(index.layouts[TSNE_LAYOUT] - placed, axis=1).argsort()[:5]
    assert set(index.label[nearest]) == {index.label[10]}


def test_what_the_network_calls_a_known_case_follows_the_threshold():
    index = index_of()
    assert neighbours.predicted_labels(index, LABELS, 0.5) == index.label.tolist()
    assert set(neighbours.predicted_labels(index, LABELS, 1.5)) == {"normal"}
