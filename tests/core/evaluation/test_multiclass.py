"""Class by class: hand arithmetic and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

from core import cards
from core.card_types import Card
from core.errors import NotEnoughLabels, OpacityError
from core.evaluation.binary import expected_calibration_error
from core.evaluation.multiclass import most_probable, report, undo_temperature, verdicts

SCALED = [card for card in cards.every() if "temperature" in card.figures]
LABELS = ("normal", "bacterial", "viral")
TRUTH = ("normal", "normal", "bacterial", "bacterial", "viral")
KNOWN = {
    "normal": np.array([0.8, 0.4, 0.1, 0.45, 0.2]),
    "bacterial": np.array([0.1, 0.3, 0.7, 0.25, 0.3]),
    "viral": np.array([0.1, 0.3, 0.2, 0.3, 0.5]),
}


def random_cases(n=300, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    logits = rng.normal(size=(n, 3)) + 1.5 * np.eye(3)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return [LABELS[t] for t in truth], dict(zip(LABELS, probabilities.T, strict=True))


def test_the_most_probable_class_is_called():
    assert most_probable(KNOWN) == ("normal", "normal", "bacterial", "normal", "viral")


def test_a_verdict_is_normal_below_the_threshold_and_the_likeliest_finding_from_it_on():
    # scores 0.2, 0.6, 0.9, 0.55, 0.8; of equal findings the first
    assert verdicts(KNOWN, 0.5) == ("normal", "bacterial", "bacterial", "viral", "viral")
    assert verdicts(KNOWN, 0.85) == ("normal", "normal", "bacterial", "normal", "normal")


def test_a_score_at_the_threshold_is_abnormal():
    known = {"normal": np.array([0.5]), "pneumonia": np.array([0.5])}
    assert verdicts(known, 0.5) == ("pneumonia",)


def test_the_matrix_has_true_classes_in_rows_and_calls_in_columns():
    found = report(TRUTH, most_probable(KNOWN), KNOWN)
    assert found.counts == ((2, 0, 0), (1, 1, 0), (0, 0, 1))
    assert found.accuracy == pytest.approx(4 / 5)
    normal, bacterial, viral = found.classes
    assert (normal.precision, normal.recall, normal.support) == (pytest.approx(2 / 3), 1, 2)
    assert (bacterial.precision, bacterial.recall) == (1, 0.5)
    assert bacterial.f1 == pytest.approx(2 / 3)
    assert viral.f1 == 1


def test_the_report_agrees_with_scikit_learn():
    truth, known = random_cases()
    called = most_probable(known)
    found = report(truth, called, known)
    assert np.array_equal(found.counts, confusion_matrix(truth, called, labels=LABELS))
    expected = precision_recall_fscore_support(truth, called, labels=LABELS)
    figures = [(c.precision, c.recall, c.f1, c.support) for c in found.classes]
    assert pytest.approx(np.array(expected)) == np.array(figures).T
    stacked = np.stack(list(known.values()), axis=1)
    order = [LABELS.index(name) for name in truth]
    assert found.macro_auc == pytest.approx(roc_auc_score(order, stacked, multi_class="ovr"))
    low, high = found.accuracy_interval
    assert low < found.accuracy < high


def test_what_nothing_is_divided_by_is_none():
    found = report(["normal", "bacterial"], ["normal", "normal"], {n: v[:2] for n, v in KNOWN.items()})
    assert found.classes[1].precision is None
    assert found.classes[2].recall is found.classes[2].auc is found.classes[2].f1 is None
    one = report(["normal"], ["normal"], {n: v[:1] for n, v in KNOWN.items()})
    assert one.macro_auc is None


def test_a_stranger_is_named_with_the_classes_there_are():
    with pytest.raises(OpacityError, match=r"No class 'fungal'.*normal, bacterial, viral"):
        report(["fungal"], ["normal"], {n: v[:1] for n, v in KNOWN.items()})


@pytest.mark.parametrize(("truth", "called"), [([], []), (["normal"], [])])
def test_each_case_needs_a_label_and_a_call(truth, called):
    with pytest.raises(NotEnoughLabels):
        report(truth, called, KNOWN)


def test_scaling_by_temperature_is_undone():
    logits = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])

    def softmax(z):
        return np.exp(z) / np.exp(z).sum(1, keepdims=True)

    scaled = dict(zip(LABELS, softmax(logits / 1.7).T, strict=True))
    again = undo_temperature(scaled, 1.7)
    assert np.stack(list(again.values()), axis=1) == pytest.approx(softmax(logits))
    with pytest.raises(OpacityError, match="above 0"):
        undo_temperature(scaled, 0)


@pytest.mark.parametrize("card", SCALED, ids=lambda card: card.id)
def test_a_shipped_cards_scores_lead_back_to_its_error_before_scaling(card: Card):
    table = cards.scores(card)
    held = np.array(table.split) == "validation"
    before = undo_temperature(
        {name: values[held] for name, values in table.probabilities.items()}, card.figures["temperature"]
    )
    abnormal = np.array(table.label)[held] != card.labels[0]
    # the card's figure is of the network before its weights were stored as fp16
    assert expected_calibration_error(abnormal, 1 - before[card.labels[0]]) == pytest.approx(
        card.figures["ECE before scaling"], abs=0.01
    )
