"""Measure how well a classifier tells its classes apart, one by one.

Classes go by name, the normal one first. Probabilities are (n,) per class. Intervals are 95 %.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from core.errors import NotEnoughLabels, OpacityError
from core.evaluation.binary import wilson
from core.evaluation.cases import Floats
from core.types import Interval, is_abnormal


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """One class against the rest. support: cases that truly are of it. None where nothing is divided by."""

    label: str
    support: int
    precision: float | None
    recall: float | None
    f1: float | None
    auc: float | None


@dataclass(frozen=True, slots=True)
class ClassReport:
    """What was called against what was true.

    counts: one row per true class, one column per class called. macro_auc: mean over the classes that have
    cases, each against the rest; None when all cases are of one class.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    classes: tuple[ClassMetrics, ...]
    accuracy: float
    accuracy_interval: Interval
    macro_auc: float | None


def most_probable(probabilities: Mapping[str, Floats]) -> tuple[str, ...]:
    """The class with the highest probability, case by case; the first of equals."""
    labels = list(probabilities)
    best = np.argmax(np.stack(list(probabilities.values())), axis=0)
    return tuple(labels[index] for index in best)


def verdicts(probabilities: Mapping[str, Floats], threshold: float) -> tuple[str, ...]:
    """What the app says, case by case: normal below the threshold on the score, which is the sum of all
    abnormal classes; from there on the most probable abnormal class."""
    normal, *abnormal = probabilities
    scores = np.sum([probabilities[label] for label in abnormal], axis=0)
    named = most_probable({label: probabilities[label] for label in abnormal})
    called = is_abnormal(scores, threshold)
    return tuple(label if abnormal else normal for label, abnormal in zip(named, called, strict=True))


def report(truth: Sequence[str], called: Sequence[str], probabilities: Mapping[str, Floats]) -> ClassReport:
    """Confusion matrix, and precision, recall, F1 and AUC of each class.

    truth: (n,), names of classes.
    called: (n,), names of classes.
    probabilities: (n,) per class; its keys are the classes.
    Raises NotEnoughLabels without cases, OpacityError for a name that is none of the classes, or for lists
    that do not match.
    """
    labels = tuple(probabilities)
    true, predicted = (_indices(names, labels) for names in (truth, called))
    if not len(true) or len(true) != len(predicted):
        raise NotEnoughLabels(f"{len(true)} labels for {len(predicted)} calls: each case needs one of both.")
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(counts, (true, predicted), 1)
    aucs = [_against_the_rest(true == place, values) for place, values in enumerate(probabilities.values())]
    known = [auc for auc in aucs if auc is not None]
    right = int(np.trace(counts))
    return ClassReport(
        labels=labels,
        counts=tuple(tuple(int(count) for count in row) for row in counts),
        classes=tuple(
            _class_metrics(label, counts, place, aucs[place]) for place, label in enumerate(labels)
        ),
        accuracy=right / len(true),
        accuracy_interval=wilson(right, len(true)),
        macro_auc=sum(known) / len(known) if known else None,
    )


def undo_temperature(probabilities: Mapping[str, Floats], temperature: float) -> dict[str, Floats]:
    """The probabilities as they were before the logits were divided by the temperature (Guo 2017).

    softmax(z / T) to the power of T is softmax(z), but for a factor that the sum takes out.
    """
    if not 0 < temperature < np.inf:
        raise OpacityError(f"A temperature of {temperature:g} scales nothing: it must be above 0 and finite.")
    raised = {label: values**temperature for label, values in probabilities.items()}
    total = np.sum(list(raised.values()), axis=0)
    return {label: values / total for label, values in raised.items()}


def _indices(names: Sequence[str], labels: tuple[str, ...]) -> NDArray[np.int64]:
    unknown = sorted(set(names) - set(labels))
    if unknown:
        raise OpacityError(f"No class {unknown[0]!r}. Choose from: {', '.join(labels)}.")
    return np.array([labels.index(name) for name in names], dtype=np.int64)


def _against_the_rest(own: NDArray[np.bool_], values: Floats) -> float | None:
    return float(roc_auc_score(own, values)) if own.any() and not own.all() else None


def _class_metrics(label: str, counts: NDArray[np.int64], place: int, auc: float | None) -> ClassMetrics:
    hits, support, called = (
        int(number) for number in (counts[place, place], counts[place].sum(), counts[:, place].sum())
    )
    return ClassMetrics(
        label=label,
        support=support,
        precision=hits / called if called else None,
        recall=hits / support if support else None,
        f1=2 * hits / (called + support) if called + support else None,
        auc=auc,
    )
