"""Parquet results: what a stopped run leaves, and what the next one passes over."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyarrow import parquet

from core import cards
from core.batch import parquet as results
from core.batch.rows import Job, ScreeningRow
from core.errors import OpacityError

CARD = next(card for card in cards.every() if card.task == "pneumonia")
JOB = Job()


def row(number: int) -> ScreeningRow:
    chances = dict.fromkeys(CARD.labels, 0.5)
    return ScreeningRow(
        f"{number}.png", "ok", number / 7, 0.5, "normal", "", chances, digest=f"{number:064x}"
    )


def store(folder: Path, numbers: range, *, job: Job = JOB, card: cards.Card = CARD) -> None:
    with results.Writer(folder, card, job) as writer:
        for number in numbers:
            writer.add(row(number))


def test_a_score_comes_back_to_its_last_bit(tmp_path: Path):
    store(tmp_path / "r.parquet", range(3))
    table = parquet.read_table(tmp_path / "r.parquet").to_pylist()
    assert [line["score"] for line in table] == [0 / 7, 1 / 7, 2 / 7]
    assert {line["weights"] for line in table} == {CARD.sha256}
    assert table[0][f"p_{CARD.labels[0]}"] == 0.5


def test_a_run_that_ends_at_once_has_lost_less_than_a_part(tmp_path: Path):
    writer = results.Writer(tmp_path, CARD, JOB, part=4)
    for number in range(11):
        writer.add(row(number))  # and then nothing closes it: the machine is gone
    assert len(results.known(tmp_path, CARD, JOB)) == 8


def test_a_run_that_fails_keeps_what_it_has(tmp_path: Path):
    def stopped() -> None:
        with results.Writer(tmp_path, CARD, JOB) as writer:
            writer.add(row(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert results.known(tmp_path, CARD, JOB) == {row(1).digest}


def test_other_weights_threshold_or_gate_mean_that_nothing_is_known(tmp_path: Path):
    store(tmp_path, range(2))
    assert len(results.known(tmp_path, CARD, JOB)) == 2
    assert not results.known(tmp_path, replace(CARD, sha256="0" * 64), JOB)
    assert not results.known(tmp_path, CARD, Job(threshold=0.123))
    assert not results.known(tmp_path, CARD, Job(override=True))


def test_a_folder_of_something_else_is_not_written_into(tmp_path: Path):
    store(tmp_path / "other", range(1), card=replace(CARD, id="another"))
    with pytest.raises(OpacityError, match="results of another"):
        results.known(tmp_path / "other", CARD, JOB)
    (tmp_path / "file.parquet").write_text("x")
    with pytest.raises(OpacityError, match="is a file"):
        results.known(tmp_path / "file.parquet", CARD, JOB)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "part.parquet").write_text("x")
    with pytest.raises(OpacityError, match="other Parquet files"):
        results.known(tmp_path / "broken", CARD, JOB)
    assert results.known(tmp_path / "new", CARD, JOB) == frozenset()


def test_what_was_known_is_not_written_twice(tmp_path: Path):
    with results.Writer(tmp_path, CARD, JOB) as writer:
        writer.add(ScreeningRow("again.png", "known", digest="1" * 64))
    assert not list(tmp_path.iterdir())
