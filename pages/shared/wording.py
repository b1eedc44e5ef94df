"""Words that more than one page says: names of tasks and findings, verdicts, figures in a sentence.

Sentences that never change are in sentences.
"""

import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

from core import names
from core.card_types import Card, Localisation, Policy, SegmenterCard
from core.names import CHEST_FILM
from core.types import EvaluationReport, Scan, is_abnormal
from pages.shared import sentences
from pages.shared.numbering import numbered
from pages.shared.session.thresholds import DecisionThreshold

Side = Literal["suspicious", "below", "refused", "waiting"]  # what a model says of a scan
SIDES: Mapping[Side, str] = MappingProxyType(
    {"suspicious": "Suspicious", "below": "Below threshold", "refused": "Not read", "waiting": "Waiting"}
)
TASKS = {"etiology": "bacterial or viral", "covid": "COVID-19", "brain-mri": "brain tumour, MRI"}
PLAIN_SHARES = [Fraction(part, whole) for whole in (2, 3, 4, 5, 10) for part in range(1, whole)]
COIN = 0.5  # AUC of a coin
NO_PROBABILITIES: Mapping[str, float] = MappingProxyType({})
# labels that need a word more to be a finding
FINDINGS = {
    "bacterial": "bacterial pneumonia",
    "viral": "viral pneumonia",
    "covid": "COVID-19 pneumonia",
    "pituitary": "a pituitary tumour",
}


def invitation(modality: str) -> str:
    """What to do on a page without a scan."""
    return sentences.INVITATION.format(f"frontal {modality}" if modality == CHEST_FILM else modality)


def task(name: str) -> str:
    """The task as a person would ask it."""
    return TASKS.get(name, name)


def title(card: Card) -> str:
    """The card's title, a yardstick marked as such."""
    unmarked = card.yardstick and "yardstick" not in card.title
    return f"Yardstick: {card.title}" if unmarked else card.title


def unique_titles(cards: Iterable[Card]) -> dict[str, str]:
    """Titles by id, told apart where two cards share one."""
    by_id = {card.id: title(card) for card in cards}
    return dict(zip(by_id, numbered(by_id.values()), strict=True))


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


def heat_map(name: str, shares: tuple[float | None, float] | None, *, similar: int, methods: int) -> str:
    """What there is to say of a map, in plain words.

    name: of the method.
    shares: of the heat in the lungs, None without any heat, and of an even spread; None without lungs.
    similar: how many other methods agree.
    methods: how many there are.
    """
    told = [f"{name}:"]
    if shares is not None and shares[0] is None:
        told.append("no heat anywhere.")
    elif shares is not None:
        told.append(
            f"{shares[0]:.0%} of the heat lies in the lungs or between them; "
            f"an even spread would put {shares[1]:.0%} there."
        )
    if methods:
        told.append(f"{similar} of {methods} other methods agree.")
    return " ".join(told)


def blurred(card: Card, score: float) -> str:
    """What the model says where there is nothing left to see. score: of the scan blurred all over."""
    kind = "film" if card.modality == CHEST_FILM else "scan"
    return f"Blurred all over, this {kind} still scores {score:.2f}."


def unreliable(methods: Sequence[str], better: str) -> str:
    """methods: that the card's table finds unreliable. better: the one to prefer, empty without one."""
    are = "is" if len(methods) == 1 else "are"
    prefer = f" Prefer {better}." if better else ""
    return f"{' and '.join(methods)} {are} unreliable for this model.{prefer}"


def found_outlines(tables: Mapping[str, Mapping[str, Localisation]], name: str) -> str:
    """How often the hottest place of an outline's probabilities lies in a lesion, on scans held out.

    tables: the card's, per set of outlined scans.
    name: of the row.
    """
    rows = ((source, table[name], table[name].pointing_interval) for source, table in tables.items())
    shares = (
        f"{row.pointing:.0%} ({low:.0%}-{high:.0%}) of {row.n} {source}" for source, row, (low, high) in rows
    )
    return f"**Useful** for finding disease: its surest place lay in a lesion in {' and '.join(shares)}."


def map_worth(word: str, method: str) -> str:
    """What a method is worth for finding disease. word: as core.evaluation.localisation says it."""
    return sentences.MAP_WORTH[word].format(method)


def corner(scan: Scan) -> tuple[str, ...]:
    """What a DICOM header tells of the film and nothing of whose it is; nothing for other files."""
    if scan.modality is None:
        return ()
    header = scan.acquisition
    spacing = header.get("PixelSpacing") or header.get("ImagerPixelSpacing", "")
    told = (
        "" if scan.age is None else f"{scan.age} years",
        " ".join(filter(None, (scan.modality, header.get("ViewPosition", "")))),
        f"{spacing} mm per pixel" if spacing else "",
        scan.window,
    )
    return tuple(filter(None, told))


def score_and_threshold(score: float, threshold: DecisionThreshold) -> str:
    """Both in figures, and what the shaded part of the bar means where there is one."""
    told = f"Score {score:.2f}, threshold {threshold.value:.2f}"
    if threshold.upper is None:
        return told
    return f"{told}. Shaded, from there to {threshold.upper:.2f}: too close to call"


def above_normals(share: float, normals: int, kind: str) -> str:
    """Where a score stands among the normal test scans.

    share: of them that score lower.
    normals: how many there are.
    kind: what they are, in the plural.
    """
    if share >= 1:
        return f"Higher than every one of {normals} normal test {kind}"
    return f"Higher than {percent(share)} of {normals} normal test {kind}"


def agreement(suspicious: bool, sides: Sequence[Side]) -> str:
    """How many other models say the same, how many refuse the scan, and how many were not asked yet.

    suspicious: what the first model says.
    sides: what the others say.
    """
    same = sides.count("suspicious" if suspicious else "below")
    answers = same + sides.count("below" if suspicious else "suspicious")
    told = f"{same} of {answers} other models agree."
    if refused := sides.count("refused"):
        told += f" {refused} may not read this scan."
    if waiting := sides.count("waiting"):
        told += f" Asking {waiting} more ..."
    return told


def chance(card: Card) -> str:
    """What follows a verdict where the interval of the card's test figure reaches down to a coin's."""
    lows = {label: card.figures.get(names.auroc_by_patient(label, "low"), 1.0) for label in card.labels[1:]}
    blind = [FINDINGS.get(label, label) for label, low in lows.items() if low <= COIN]
    if blind:
        return f"; no better than chance for {' and '.join(blind)}"
    return "; no better than chance" if card.report["test"].auc_interval[0] <= COIN else ""


def likelihood(card: Card, ratio: float, *, at_an_end: bool) -> str:
    """How much oftener a score is seen on one side than on the other.

    card: the one that judged.
    ratio: of the score, abnormal against normal.
    at_an_end: no more can be claimed from so few validation scans.
    """
    normal = "normal films" if card.modality == CHEST_FILM else "normal scans"
    often, rare = (finding(card), normal) if ratio >= 1 else (normal, finding(card))
    times = max(ratio, 1 / ratio)
    shown = f"{times:.1f}" if times < 10 else f"{times:.0f}"
    return f"{'at least ' if at_an_end else ''}{shown} times as often seen in {often} as in {rare}"


def one_in(share: float) -> str:
    """A share as a count that a person can picture: "1 in 3"; above nine tenths "95 in 100"."""
    if share > 0.99:
        return "more than 99 in 100"
    if share > 0.9:
        return f"{round(100 * share)} in 100"
    if share > 0.2:
        near = min(PLAIN_SHARES, key=lambda fraction: abs(fraction - share))
        return f"{near.numerator} in {near.denominator}"
    return f"1 in {float(f'{1 / max(share, 1e-6):.2g}'):.0f}"


def kinds(card: Card, probabilities: Mapping[str, float]) -> str:
    """Which of several findings the model leans to; empty where it knows one only."""
    abnormal = {label: probabilities[label] for label in card.labels[1:]} if probabilities else {}
    if len(abnormal) < 2:
        return ""
    whole = max(sum(abnormal.values()), 1e-12)  # of one that is sure of a normal scan
    most = max(abnormal, key=lambda label: abnormal[label])
    return (
        f"If it is one of these, rather {FINDINGS.get(most, most)}: {one_in(abnormal[most] / whole)} "
        "on the model's own scale"
    )


def where_calibrated(card: Card) -> str:
    """On whose scans it was checked that a score means what it says."""
    checked = sorted(name.removeprefix("ECE, ") for name in card.figures if name.startswith("ECE, "))
    learned = f"Ratio fitted on {card.report['validation'].n} validation scans."
    if checked:
        return f"{learned} Calibration was measured on {'; '.join(checked)}; and nowhere else."
    return f"{learned} Not calibrated outside the sources below: {card.data['name']}."


def policy(known: Policy) -> str:
    """A threshold policy with what it aims at, as on its button."""
    aims = {
        "youden": "Youden",
        "smoothed-youden": "Smoothed Youden",
        "f1": "F1",
        "mean-k-std": "Mean + {k:g} std",
        "target-sensitivity": "Sensitivity {target:.2f}",
        "target-specificity": "Specificity {target:.2f}",
        "conformal": "Conformal {alpha:.2f}",
        "conformal-groups": "Conformal by groups {alpha:.2f}",
        "cost": "Cost {missed_cost:g}:1",
    }
    return aims.get(known.name, known.name).format(**known.arguments)


def imported(names: Sequence[str], *, of: int) -> str:
    """What came of a file of operating points. names: as they are listed now. of: how many it holds."""
    known = f" {of - len(names)} of {of} were here already." if len(names) < of else ""
    listed = f"Imported: {', '.join(names)}." if names else "Nothing new."
    return escape_markdown(f"{listed}{known}")


def gain(value: float, interval: tuple[float, float], p: float) -> str:
    """What help changed about the mean AUC."""
    low, high = interval
    shown = "no difference is shown" if low <= 0 <= high else "a rise" if low > 0 else "a fall"
    return (
        f"With the model the mean AUC moved by {value:+.3f} ({low:+.3f} to {high:+.3f}, p {p:.3f}): {shown}."
    )


def escape_html(text: str) -> str:
    """Text that may hold a file's name, made safe to show as HTML."""
    return html.escape(text)


def percent(share: float) -> str:
    """A share in whole percent, rounded down: no scan lies above all others by rounding."""
    return f"{math.floor(100 * share + 1e-9)}%"


def outlined_how_well(card: SegmenterCard) -> str:
    """Of a card that outlines: how far its marks were right on scans held out."""
    test = card.report["test"]
    return (
        f"Drawn by a network. On {test['n']:.0f} test scans outlined by hand its Dice is {test['dice']:.2f} "
        f"({test['dice_low']:.2f}-{test['dice_high']:.2f}); {test['normal_scans_unmarked']:.0%} "
        f"({test['normal_scans_unmarked_low']:.0%}-{test['normal_scans_unmarked_high']:.0%}) of "
        f"{test['normal_scans']:.0f} normal ones got no mark."
    )


def auc(report: EvaluationReport) -> str:
    """The AUC with its interval and its cases, as a sentence."""
    low, high = report.auc_interval
    return f"AUC {report.auc:.3f} ({low:.3f}-{high:.3f}), {report.n} {report.split} scans"


def with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3f} ({interval[0]:.3f}-{interval[1]:.3f})"


def escape_markdown(text: str) -> str:
    """Text that may hold a file's name, made safe to show as Markdown."""
    return re.sub(r"([\\\[\]<>*`$])", r"\\\1", text)
