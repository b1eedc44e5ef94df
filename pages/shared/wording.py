"""Words that more than one page says: names of tasks and findings, verdicts, figures in a sentence."""

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

from core import names
from core.card_types import Card
from core.types import EvaluationReport, is_abnormal
from pages.shared.session.thresholds import DecisionThreshold

INVITATION = "Drop a {} into the sidebar to begin: PNG, JPEG or DICOM, several at once if you like."
ERROR_GIVEN_DETAIL = (
    "A network that learned normal scans misses more wherever a scan shows more fine detail, sick or not. "
    "So each cell is compared with normal scans that show as much detail at that place (grey). "
    "The score is how far the cells of this scan (orange) lie above that, on average."
)
RAW_ERROR = "By the error as it is, as public projects report it, this network has a test AUROC of {:.3f}."
TASKS = {"etiology": "bacterial or viral", "covid": "COVID-19", "brain-mri": "brain tumour, MRI"}
COIN = 0.5  # AUC of a coin
NO_PROBABILITIES: Mapping[str, float] = MappingProxyType({})
# labels that need a word more to be a finding
FINDINGS = {
    "bacterial": "bacterial pneumonia",
    "viral": "viral pneumonia",
    "covid": "COVID-19 pneumonia",
    "pituitary": "a pituitary tumour",
}


def task(name: str) -> str:
    """The task as a person would ask it."""
    return TASKS.get(name, name)


def title(card: Card) -> str:
    """The card's title, a yardstick marked as such."""
    unmarked = card.yardstick and "yardstick" not in card.title
    return f"Yardstick: {card.title}" if unmarked else card.title


def finding(card: Card, probabilities: Mapping[str, float] = NO_PROBABILITIES) -> str:
    """What a high score of this card stands for; of several classes the most probable, if that is known."""
    if card.kind == "detector":
        return "an anomaly"
    abnormal = card.labels[1:]
    if probabilities:
        abnormal = (max(abnormal, key=lambda label: probabilities[label]),)
    *others, last = (FINDINGS.get(label, label) for label in abnormal)
    return f"{', '.join(others)} or {last}" if others else last


def verdict(
    card: Card,
    score: float,
    threshold: DecisionThreshold,
    probabilities: Mapping[str, float] = NO_PROBABILITIES,
) -> str:
    """The verdict in words, never a bare label.

    score: the scan's, on the card's scale.
    threshold: the one in use for the card.
    probabilities: by label, where a classifier gave them.
    """
    if not is_abnormal(score, threshold.value):
        return f"Below threshold for {finding(card)}{chance(card)}"
    if threshold.upper is not None and score < threshold.upper:
        return f"Refer: too close to call{chance(card)}"
    return f"Suspicious for {finding(card, probabilities)}{chance(card)}"


def chance(card: Card) -> str:
    """What follows a verdict where the interval of the card's test figure reaches down to a coin's."""
    lows = {label: card.figures.get(names.auroc_by_patient(label, "low"), 1.0) for label in card.labels[1:]}
    blind = [FINDINGS.get(label, label) for label, low in lows.items() if low <= COIN]
    if blind:
        return f"; no better than chance for {' and '.join(blind)}"
    return "; no better than chance" if card.report["test"].auc_interval[0] <= COIN else ""


def percent(share: float) -> str:
    """A share in whole percent, rounded down: no scan lies above all others by rounding."""
    return f"{math.floor(100 * share + 1e-9)}%"


def auc(report: EvaluationReport) -> str:
    """The AUC with its interval and its cases, as a sentence."""
    low, high = report.auc_interval
    return f"AUC {report.auc:.3f} ({low:.3f}-{high:.3f}), {report.n} {report.split} scans"


def with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3f} ({interval[0]:.3f}-{interval[1]:.3f})"


def escape_markdown(text: str) -> str:
    """Text that may hold a file's name, made safe to show as Markdown."""
    return re.sub(r"([\\\[\]<>*`$])", r"\\\1", text)
