import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import cards, ranking
from core.card_types import Card, Scores
from core.errors import AlteredWeights, CardError, MissingWeights, UnknownName
from core.names import AUROC_DRAWN_LESIONS, WORST_SOURCE

EVERY = cards.every()
MEBIBYTE = 2**20


@pytest.fixture
def copy(tmp_path: Path) -> Card:
    """One shipped card, copied to where it may be harmed."""
    card = EVERY[0]
    cards.write(card, cards.weights(card), cards.scores(card), tmp_path)
    return card


def test_a_card_survives_writing_and_reading(copy: Card, tmp_path: Path):
    assert cards.read(copy.id, tmp_path) == copy
    assert cards.scores(copy, tmp_path).case == cards.scores(copy).case


def test_an_unknown_card_is_answered_with_the_known_ones():
    with pytest.raises(UnknownName, match=rf"No card 'pneumonai'.*{EVERY[0].id}"):
        cards.read("pneumonai")


def test_a_path_is_not_a_card_name():
    with pytest.raises(UnknownName):
        cards.read("../weights/lung-fields")


def test_missing_weights_quote_the_command_that_makes_them(copy: Card, tmp_path: Path):
    (tmp_path / copy.id / "model.safetensors").unlink()
    with pytest.raises(MissingWeights, match=r"python -m train\."):
        cards.weights(copy, tmp_path)


def test_altered_weights_are_not_loaded(copy: Card, tmp_path: Path):
    path = tmp_path / copy.id / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(AlteredWeights, match="sha256"):
        cards.weights(copy, tmp_path)


def test_a_broken_card_says_which_field(copy: Card, tmp_path: Path):
    path = tmp_path / copy.id / "card.json"
    path.write_text(path.read_text().replace('"seed"', '"sead"'))
    with pytest.raises(CardError, match="seed"):
        cards.read(copy.id, tmp_path)


def test_a_card_in_the_wrong_folder_is_refused(copy: Card, tmp_path: Path):
    (tmp_path / copy.id).rename(tmp_path / "other")
    with pytest.raises(CardError, match="folder must carry the same name"):
        cards.read("other", tmp_path)


def test_scores_are_written_with_six_significant_digits(copy: Card, tmp_path: Path):
    table = Scores(("test",), ("a.png",), ("normal",), np.array([0.123456789]), {})
    cards.write(replace(copy, labels=("normal", "x")), b"", table, tmp_path)
    text = (tmp_path / copy.id / "scores.csv").read_text()
    assert text == "split,case,label,score\ntest,a.png,normal,0.123457\n"


def test_scores_are_read_as_they_are_said_to_be_written(copy: Card, tmp_path: Path):
    rng = np.random.default_rng(0)
    score = 10 ** rng.uniform(-9, 6, 50)
    table = Scores(("test",) * 50, ("a",) * 50, ("normal",) * 50, score, {"normal": rng.random(50)})
    cards.write(copy, b"", table, tmp_path)
    read, said = cards.scores(copy, tmp_path), cards.as_written(table)
    assert (read.score == said.score).all()
    assert (read.probabilities["normal"] == said.probabilities["normal"]).all()
    assert (read.score != score).any()


def test_an_update_adds_to_mappings_and_replaces_the_rest(copy: Card, tmp_path: Path):
    first = cards.update(copy.id, tmp_path, figures={"one": 1.0, "two": 2.0})
    second = cards.update(copy.id, tmp_path, figures={"two": 3.0}, title="Another")
    assert second == cards.read(copy.id, tmp_path)
    assert second == replace(first, figures={**copy.figures, "one": 1.0, "two": 3.0}, title="Another")


@pytest.mark.parametrize("field", ["figure", "id", "kind"])
def test_an_update_names_the_fields_that_can_be_changed(field: str, copy: Card, tmp_path: Path):
    with pytest.raises(CardError, match=rf"{field} of {copy.id} cannot.*figures.*title"):
        cards.update(copy.id, tmp_path, **{field: "x"})
    assert cards.read(copy.id, tmp_path) == copy


@pytest.mark.parametrize("figures", [{"AUC": float("nan")}, {"AUC": "high"}])
def test_a_card_that_could_not_be_read_again_is_not_written(
    figures: dict[str, float], copy: Card, tmp_path: Path
):
    with pytest.raises(CardError, match=r"not written: .*figures\.AUC"):
        cards.update(copy.id, tmp_path, figures=figures)
    assert cards.read(copy.id, tmp_path) == copy


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_scales_nothing_is_refused_at_writing(scale: float, copy: Card, tmp_path: Path):
    before = {path.name: path.read_bytes() for path in (tmp_path / copy.id).iterdir()}
    table = Scores(("test",), ("a.png",), ("normal",), np.array([0.5]), {})
    with pytest.raises(CardError, match=r"not written: scales\.grad-cam"):
        cards.update(copy.id, tmp_path, scales={"grad-cam": scale})
    with pytest.raises(CardError, match=r"not written: scales\.grad-cam"):
        cards.write(replace(copy, scales={"grad-cam": scale}), b"new", table, tmp_path)
    assert {path.name: path.read_bytes() for path in (tmp_path / copy.id).iterdir()} == before


@pytest.mark.parametrize("scale", ["0.0", "NaN", "-1"])
def test_a_scale_that_scales_nothing_is_left_out_at_reading(scale: str, copy: Card, tmp_path: Path):
    path = tmp_path / copy.id / "card.json"
    text = json.loads(path.read_text())
    text["scales"] = {"grad-cam": "here", "layer-cam": 2.0}
    path.write_text(json.dumps(text).replace('"here"', scale))
    card = cards.read(copy.id, tmp_path)
    assert card.scales == {"layer-cam": 2.0}
    assert cards.update(copy.id, tmp_path, title="Another").scales == {"layer-cam": 2.0}


def test_known_cases_are_written_beside_and_renamed(
    copy: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cards.write_embeddings(copy.id, b"old", tmp_path)

    def half(path: Path, data: bytes) -> int:
        raise OSError(f"No space left for {len(data)} bytes of {path}")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="No space"):
        cards.write_embeddings(copy.id, b"new", tmp_path)
    assert (tmp_path / copy.id / "embeddings.npz").read_bytes() == b"old"


def test_a_failure_while_writing_leaves_the_old_card(
    copy: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = sorted(path.name for path in (tmp_path / copy.id).iterdir())
    whole = Path.write_bytes

    def half(path: Path, data: bytes) -> int:
        whole(path, data[: len(data) // 2])
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="No space"):
        cards.update(copy.id, tmp_path, title="Another")
    assert cards.read(copy.id, tmp_path) == copy
    assert sorted(path.name for path in (tmp_path / copy.id).iterdir()) == before


def test_a_failure_between_writing_and_renaming_leaves_the_old_card(
    copy: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(path: Path, target: Path) -> Path:
        raise OSError(f"{path} -> {target}")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match=r"card\.json$"):
        cards.update(copy.id, tmp_path, title="Another")
    assert cards.read(copy.id, tmp_path) == copy


@pytest.mark.parametrize("card", EVERY, ids=lambda card: card.id)
def test_a_shipped_card_keeps_the_contract(card: Card):
    table = cards.scores(card)
    assert set(table.split) == {"validation", "test"}
    assert set(table.label) <= set(card.labels)
    assert all(label == label.lower() for label in card.labels)
    expected = set(card.labels) if card.kind == "classifier" else set()
    assert set(table.probabilities) == expected
    assert np.isfinite(table.score).all()


def test_weights_stay_small_enough_to_clone():
    sizes = {path: path.stat().st_size for path in cards.WEIGHTS.rglob("*") if path.is_file()}
    assert sum(sizes.values()) <= 150 * MEBIBYTE
    assert max(sizes.values()) <= 60 * MEBIBYTE


def test_no_two_shipped_cards_have_the_same_weights():
    assert len({card.sha256 for card in EVERY}) == len(EVERY)


@pytest.mark.parametrize("card", EVERY, ids=lambda card: card.id)
def test_a_shipped_report_follows_from_its_scores(card: Card):
    from core.evaluation.binary import evaluate

    table = cards.scores(card)
    for split, report in card.report.items():
        rows = [i for i, name in enumerate(table.split) if name == split]
        labels = [int(table.label[i] != card.labels[0]) for i in rows]
        again = evaluate(
            split,
            labels,
            table.score[rows],
            points={report.points[0].policy: card.threshold},
            probabilistic=card.kind == "classifier",
        )
        assert again.n == report.n
        assert again.auc == pytest.approx(report.auc, abs=1e-4)
        assert again.points[0].accuracy == report.points[0].accuracy


@pytest.mark.parametrize("card", EVERY, ids=lambda card: card.id)
def test_a_shipped_threshold_comes_from_validation_and_training_normals(card: Card):
    from core.evaluation import choosing

    chosen = choosing.threshold(card, card.policy, cards.scores(card))
    assert card.threshold == pytest.approx(chosen, rel=1e-4)


def test_detectors_stand_behind_ensembles_by_drawn_lesions_and_must_beat_the_yardstick(tmp_path: Path):
    card = next(card for card in EVERY if card.kind == "detector")
    figures = {"several": 0.50, "best": 0.90, "ruler": 0.75, "hardly-better": 0.76, "unmeasured": None}
    for name, figure in figures.items():
        made = replace(
            card,
            id=name,
            model="ensemble" if name == "several" else "dense",
            yardstick=name == "ruler",
            figures={} if figure is None else {AUROC_DRAWN_LESIONS: figure},
        )
        (tmp_path / name).mkdir()
        cards.write_card(made, tmp_path)
    order = [card.id for card in cards.every(tmp_path)]
    assert order == ["several", "best", "ruler", "hardly-better", "unmeasured"]


def test_of_equals_the_card_that_says_where_comes_first(tmp_path: Path):
    figures = {**EVERY[0].figures, WORST_SOURCE: 0.8}
    first = replace(EVERY[0], id="first", model="another-head", figures=figures, gate=None)
    by_place = replace(first, id="zebra", model=ranking.BY_PLACE[0])
    worse = replace(first, id="aardvark", figures={**first.figures, WORST_SOURCE: 0.7})
    for card in (worse, first, by_place):
        cards.write(card, b"", cards.scores(EVERY[0]), tmp_path)
    assert [card.id for card in cards.every(tmp_path)] == ["zebra", "first", "aardvark"]
