from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core import cards, names
from core.card_types import Card, Scores
from core.evaluation import by_source, openings

EVERY = cards.every()
CARD = replace(
    next(card for card in EVERY if card.task == "pneumonia"),
    labels=("normal", "pneumonia"),
    threshold=0.5,
    figures={},
)


def table(*groups: tuple[str, str, str, list[float]]) -> Scores:
    """Groups of split, folder, label and scores."""
    rows = [
        (split, f"{folder}/{index}{label}{place}.png", label, score)
        for place, (split, folder, label, scores) in enumerate(groups)
        for index, score in enumerate(scores)
    ]
    split, case, label, score = zip(*rows, strict=True)
    return Scores(split, case, label, np.array(score), {})


HOME, AWAY = "covid_radiography/COVID", "tuberculosis/montgomery/normal"
TABLE = table(
    ("validation", HOME, "normal", [0.1, 0.2]),
    ("validation", HOME, "pneumonia", [0.9, 0.8]),
    ("test", AWAY, "normal", [0.6, 0.4, 0.2]),
    ("test", AWAY, "pneumonia", [0.7, 0.3]),
    ("test", HOME, "normal", [0.1, 0.2]),
    ("test", HOME, "pneumonia", [0.9, 0.8, 0.7]),
)


def test_home_comes_first_and_each_source_has_its_own_figures():
    home, away = by_source.rows(CARD, table=TABLE)
    assert (home.source, home.home, home.n, home.abnormal) == ("COVID-19 Radiography", True, 5, 3)
    assert (away.source, away.home, away.n, away.abnormal) == ("Montgomery", False, 5, 2)
    assert home.auc == 1
    assert away.auc == pytest.approx(roc_auc_score([0, 0, 0, 1, 1], [0.6, 0.4, 0.2, 0.7, 0.3]))
    assert away.sensitivity is not None
    assert away.sensitivity.value == 0.5
    assert away.specificity is not None
    assert away.specificity.value == pytest.approx(2 / 3)
    assert (home.worst, away.worst) == (False, True)


def test_a_source_of_one_class_has_what_one_class_can_tell():
    only = table(
        ("validation", HOME, "normal", [0.1]),
        ("test", HOME, "pneumonia", [0.9, 0.2]),
    )
    (row,) = by_source.rows(CARD, table=only)
    assert row.auc is row.auc_interval is row.specificity is row.slope is None
    assert row.sensitivity is not None
    assert row.sensitivity.value == 0.5
    assert not row.worst


def test_adults_that_no_scores_hold_are_a_source_elsewhere():
    card = next(card for card in EVERY if card.id == "pneumonia-cnn")
    home, adults = by_source.rows(card)
    assert (home.source, adults.source, adults.home) == ("Kermany", "COVID-19 Radiography", False)
    assert adults.specificity is not None
    assert adults.specificity.value == 1 - card.figures["false alarms on adult normals"]
    assert adults.n == 800


def test_the_covid_cards_have_a_row_without_childrens_films():
    card = next(card for card in EVERY if card.task == "covid")
    rows = {row.source: row for row in by_source.rows(card)}
    adults = rows["COVID-19 Radiography"]
    assert rows["Kermany"].abnormal == rows["Kermany"].n
    assert adults.abnormal + rows["Kermany"].n == card.report["test"].abnormal


def test_the_whole_test_split_is_one_row():
    row = by_source.whole(CARD, table=TABLE)
    assert (row.source, row.n, row.abnormal) == (by_source.TEST, 10, 5)
    truth = [0, 0, 0, 1, 1, 0, 0, 1, 1, 1]
    assert row.auc == pytest.approx(roc_auc_score(truth, TABLE.score[4:]))
    assert row.specificity is not None
    assert row.specificity.value == pytest.approx(4 / 5)


def test_sources_of_one_class_are_left_out_where_others_have_both():
    assert by_source.of_both_classes(CARD, table=TABLE) is None
    ill_alone = ("test", "adults_nih/pneumonia", "pneumonia", [0.9, 0.9])
    groups = (("test", HOME, "normal", [0.1, 0.6]), ("test", HOME, "pneumonia", [0.9, 0.2]))
    row = by_source.of_both_classes(CARD, table=table(*groups, ill_alone))
    assert row is not None
    assert (row.n, row.abnormal) == (4, 2)
    assert row.sensitivity is not None
    assert row.sensitivity.value == 0.5
    assert by_source.of_both_classes(CARD, table=table(ill_alone)) is None


def test_equal_detail_proves_nothing_where_detail_still_tells():
    figures = {names.AUC_EQUAL_DETAIL: 0.9, names.AUC_OF_DETAIL: 0.55}
    assert by_source.equal_detail(replace(CARD, figures=figures)) == (0.9, 0.55)
    assert by_source.equal_detail(replace(CARD, figures={**figures, names.AUC_OF_DETAIL: 0.87})) is None
    assert by_source.equal_detail(CARD) is None


def test_the_source_alone_tells_what_it_tells_in_validation():
    told = table(
        ("validation", HOME, "pneumonia", [0.9, 0.9]),
        ("validation", "adults_nih/normal", "normal", [0.1, 0.1]),
        ("test", HOME, "pneumonia", [0.1, 0.1]),
        ("test", "adults_nih/normal", "normal", [0.9]),
    )
    assert by_source.source_only_auc(CARD, table=told) == 1
    one = table(("validation", HOME, "normal", [0.1]), ("test", HOME, "normal", [0.1]))
    assert by_source.source_only_auc(CARD, table=one) is None


def test_probabilities_that_hold_have_slope_one():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=20000)
    truth = (rng.random(20000) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    for factor in (1.0, 2.0):
        slope, intercept = by_source.calibration(truth, 1 / (1 + np.exp(-factor * logits)))
        assert slope == pytest.approx(1 / factor, abs=0.05)
        assert intercept == pytest.approx(0, abs=0.05)


def test_a_default_is_the_first_card_of_its_task_whose_look_at_test_is_logged(tmp_path: Path):
    first, second = [card for card in EVERY if card.task == "opacity"]
    for card in (first, second):
        cards.write(card, b"", cards.scores(card), tmp_path)
    assert by_source.defaults(tmp_path) == ()
    look = openings.Opening("2026-01-02", "abc", openings.TEST, "python", second.report["test"].auc)
    openings.append(second.id, look, tmp_path)
    assert [card.id for card in by_source.defaults(tmp_path)] == [second.id]


@pytest.mark.parametrize("card", EVERY, ids=lambda card: card.id)
def test_the_sources_of_a_shipped_card_add_up_to_its_test_split(card: Card):
    scored = list(by_source.rows(replace(card, figures={})))
    assert sum(row.n for row in scored) == card.report["test"].n
    assert sum(row.abnormal for row in scored) == card.report["test"].abnormal
