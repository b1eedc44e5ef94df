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
from core.card_types import Card, Policy, SegmenterCard
from core.names import CHEST_FILM
from core.types import EvaluationReport, Scan, is_abnormal
from pages.shared import language, sentences
from pages.shared.language import later, tr
from pages.shared.numbering import numbered
from pages.shared.session.thresholds import DecisionThreshold

Side = Literal["suspicious", "below", "refused", "waiting"]  # what a model says of a scan
SIDES: Mapping[Side, str] = MappingProxyType(
    {
        "suspicious": later("Suspicious"),
        "below": later("Below threshold"),
        "refused": later("Not read"),
        "waiting": later("Waiting"),
    }
)
TASKS = {
    "etiology": later("bacterial or viral"),
    "covid": "COVID-19",
    "brain-mri": later("brain tumour, MRI"),
}
PLAIN_SHARES = [Fraction(part, whole) for whole in (2, 3, 4, 5, 10) for part in range(1, whole)]
COIN = 0.5  # AUC of a coin
NO_PROBABILITIES: Mapping[str, float] = MappingProxyType({})
# labels that need a word more to be a finding
FINDINGS = {
    "bacterial": later("bacterial pneumonia"),
    "viral": later("viral pneumonia"),
    "covid": later("COVID-19 pneumonia"),
    "pituitary": later("a pituitary tumour"),
}


def invitation(modality: str) -> str:
    """What to do on a page without a scan."""
    return tr(sentences.INVITATION).format(
        tr(f"frontal {modality}") if modality == CHEST_FILM else tr(modality)
    )


def plural(modality: str) -> str:
    """Pictures of that kind, as a heading: "Chest films"."""
    return upper_first(tr(f"{modality}s"))


def upper_first(text: str) -> str:
    """With a capital at its beginning; what follows stays, as German nouns keep theirs."""
    return f"{text[:1].upper()}{text[1:]}"


def task(name: str) -> str:
    """The task as a person would ask it."""
    return tr(TASKS.get(name, name))


def title(card: Card) -> str:
    """The card's title, a yardstick marked as such."""
    unmarked = card.yardstick and "yardstick" not in card.title
    return tr("Yardstick: {title}").format(title=card.title) if unmarked else card.title


def unique_titles(cards: Iterable[Card]) -> dict[str, str]:
    """Titles by id, told apart where two cards share one."""
    by_id = {card.id: title(card) for card in cards}
    return dict(zip(by_id, numbered(by_id.values()), strict=True))


def finding(card: Card, probabilities: Mapping[str, float] = NO_PROBABILITIES) -> str:
    """What a high score of this card stands for; of several classes the most probable, if that is known."""
    if card.kind == "detector":
        return tr("an anomaly")
    abnormal = card.labels[1:]
    if probabilities:
        abnormal = (max(abnormal, key=lambda label: probabilities[label]),)
    *others, last = (tr(FINDINGS.get(label, label)) for label in abnormal)
    return tr("{others} or {last}").format(others=", ".join(others), last=last) if others else last


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
        return tr("Below threshold for {finding}{chance}").format(finding=finding(card), chance=chance(card))
    if threshold.upper is not None and score < threshold.upper:
        return tr("Refer: too close to call{chance}").format(chance=chance(card))
    return tr("Suspicious for {finding}{chance}").format(
        finding=finding(card, probabilities), chance=chance(card)
    )


def corner(scan: Scan) -> tuple[str, ...]:
    """What a DICOM header tells of the film and nothing of whose it is; nothing for other files."""
    if scan.modality is None:
        return ()
    header = scan.acquisition
    spacing = header.get("PixelSpacing") or header.get("ImagerPixelSpacing", "")
    told = (
        "" if scan.age is None else tr("{age} years").format(age=scan.age),
        " ".join(filter(None, (scan.modality, header.get("ViewPosition", "")))),
        tr("{spacing} mm per pixel").format(spacing=spacing) if spacing else "",
        scan.window,
    )
    return tuple(filter(None, told))


def score_and_threshold(score: float, threshold: DecisionThreshold) -> str:
    """Both in figures, and what the shaded part of the bar means where there is one."""
    told = tr("Score {score:.2f}, threshold {value:.2f}").format(score=score, value=threshold.value)
    if threshold.upper is None:
        return told
    return tr("{told}. Shaded, from there to {upper:.2f}: too close to call").format(
        told=told, upper=threshold.upper
    )


def above_normals(share: float, normals: int, kind: str) -> str:
    """Where a score stands among the normal test scans.

    share: of them that score lower.
    normals: how many there are.
    kind: what they are, in the plural.
    """
    if share >= 1:
        return tr("Higher than every one of {normals} normal test {kind}").format(normals=normals, kind=kind)
    return tr("Higher than {percent} of {normals} normal test {kind}").format(
        percent=percent(share), normals=normals, kind=kind
    )


def agreement(suspicious: bool, sides: Sequence[Side]) -> str:
    """How many other models say the same, how many refuse the scan, and how many were not asked yet.

    suspicious: what the first model says.
    sides: what the others say.
    """
    same = sides.count("suspicious" if suspicious else "below")
    answers = same + sides.count("below" if suspicious else "suspicious")
    told = tr("{same} of {answers} other models agree.").format(same=same, answers=answers)
    if refused := sides.count("refused"):
        told += tr(" {refused} may not read this scan.").format(refused=refused)
    if waiting := sides.count("waiting"):
        told += tr(" Asking {waiting} more ...").format(waiting=waiting)
    return told


def chance(card: Card) -> str:
    """What follows a verdict where the interval of the card's test figure reaches down to a coin's."""
    lows = {label: card.figures.get(names.auroc_by_patient(label, "low"), 1.0) for label in card.labels[1:]}
    blind = [tr(FINDINGS.get(label, label)) for label, low in lows.items() if low <= COIN]
    if blind:
        return tr("; no better than chance for {blind}").format(blind=tr(" and ").join(blind))
    return tr("; no better than chance") if card.report["test"].auc_interval[0] <= COIN else ""


def likelihood(card: Card, ratio: float, *, at_an_end: bool) -> str:
    """How much oftener a score is seen on one side than on the other.

    card: the one that judged.
    ratio: of the score, abnormal against normal.
    at_an_end: no more can be claimed from so few validation scans.
    """
    normal = tr("normal films") if card.modality == CHEST_FILM else tr("normal scans")
    often, rare = (finding(card), normal) if ratio >= 1 else (normal, finding(card))
    times = max(ratio, 1 / ratio)
    shown = f"{times:.1f}" if times < 10 else f"{times:.0f}"
    words = tr("{times} times as often seen in {often} as in {rare}")
    if at_an_end:
        words = tr("at least {times} times as often seen in {often} as in {rare}")
    return words.format(times=shown, often=often, rare=rare)


def one_in(share: float) -> str:
    """A share as a count that a person can picture: "1 in 3"; above nine tenths "95 in 100"."""
    if share > 0.99:
        return tr("more than 99 in 100")
    if share > 0.9:
        return tr("{share} in 100").format(share=round(100 * share))
    if share > 0.2:
        near = min(PLAIN_SHARES, key=lambda fraction: abs(fraction - share))
        return tr("{numerator} in {denominator}").format(
            numerator=near.numerator, denominator=near.denominator
        )
    return tr("1 in {count:.0f}").format(count=float(f"{1 / max(share, 1e-6):.2g}"))


def kinds(card: Card, probabilities: Mapping[str, float]) -> str:
    """Which of several findings the model leans to; empty where it knows one only."""
    abnormal = {label: probabilities[label] for label in card.labels[1:]} if probabilities else {}
    if len(abnormal) < 2:
        return ""
    whole = max(sum(abnormal.values()), 1e-12)  # of one that is sure of a normal scan
    most = max(abnormal, key=lambda label: abnormal[label])
    return tr("If it is one of these, rather {finding}: {one_in} on the model's own scale").format(
        finding=tr(FINDINGS.get(most, most)), one_in=one_in(abnormal[most] / whole)
    )


def where_calibrated(card: Card) -> str:
    """On whose scans it was checked that a score means what it says."""
    checked = sorted(name.removeprefix("ECE, ") for name in card.figures if name.startswith("ECE, "))
    learned = tr("Ratio fitted on {n} validation scans.").format(n=card.report["validation"].n)
    if checked:
        return tr("{learned} Calibration was measured on {checked}; and nowhere else.").format(
            learned=learned, checked="; ".join(checked)
        )
    return tr("{learned} Not calibrated outside the sources below: {name}.").format(
        learned=learned, name=card.data["name"]
    )


def policy(known: Policy) -> str:
    """A threshold policy with what it aims at, as on its button."""
    aims = {
        "youden": tr("Youden"),
        "smoothed-youden": tr("Smoothed Youden"),
        "f1": "F1",
        "mean-k-std": tr("Mean + {k:g} std"),
        "target-sensitivity": tr("Sensitivity {target:.2f}"),
        "target-specificity": tr("Specificity {target:.2f}"),
        "conformal": tr("Conformal {alpha:.2f}"),
        "conformal-groups": tr("Conformal by groups {alpha:.2f}"),
        "cost": tr("Cost {missed_cost:g}:1"),
    }
    return aims.get(known.name, known.name).format(**known.arguments)


def refused(reason: str, test: str) -> str:
    """Why a scan is not read, safe to show as Markdown.

    reason: as the gate says it, in English; another language has a sentence of its own before it.
    test: which of the gate's tests failed.
    """
    told = escape_markdown(reason)
    if language.current() == language.CODE:
        return told
    return f"{tr(sentences.REFUSALS.get(test, sentences.OTHER_REFUSAL))} ({told})"


def imported(names: Sequence[str], *, of: int) -> str:
    """What came of a file of operating points. names: as they are listed now. of: how many it holds."""
    known = (
        tr(" {known} of {all} were here already.").format(known=of - len(names), all=of)
        if len(names) < of
        else ""
    )
    listed = tr("Imported: {names}.").format(names=", ".join(names)) if names else tr("Nothing new.")
    return escape_markdown(f"{listed}{known}")


def gain(value: float, interval: tuple[float, float], p: float) -> str:
    """What help changed about the mean AUC."""
    low, high = interval
    shown = tr("no difference is shown") if low <= 0 <= high else tr("a rise") if low > 0 else tr("a fall")
    return tr(
        "With the model the mean AUC moved by {value:+.3f} ({low:+.3f} to {high:+.3f}, p {p:.3f}): {shown}."
    ).format(value=value, low=low, high=high, p=p, shown=shown)


def escape_html(text: str) -> str:
    """Text that may hold a file's name, made safe to show as HTML."""
    return html.escape(text)


def percent(share: float) -> str:
    """A share in whole percent, rounded down: no scan lies above all others by rounding."""
    return f"{math.floor(100 * share + 1e-9)}%"


def outlined_how_well(card: SegmenterCard) -> str:
    """Of a card that outlines: how far its marks were right on scans held out."""
    test = card.report["test"]
    return tr(
        "Drawn by a network. On {n:.0f} test scans outlined by hand its Dice is {dice:.2f} "
        "({dice_low:.2f}-{dice_high:.2f}); {normal_scans_unmarked:.0%} "
        "({normal_scans_unmarked_low:.0%}-{normal_scans_unmarked_high:.0%}) of "
        "{normal_scans:.0f} normal ones got no mark."
    ).format(
        n=test["n"],
        dice=test["dice"],
        dice_low=test["dice_low"],
        dice_high=test["dice_high"],
        normal_scans_unmarked=test["normal_scans_unmarked"],
        normal_scans_unmarked_low=test["normal_scans_unmarked_low"],
        normal_scans_unmarked_high=test["normal_scans_unmarked_high"],
        normal_scans=test["normal_scans"],
    )


def auc(report: EvaluationReport) -> str:
    """The AUC with its interval and its cases, as a sentence."""
    low, high = report.auc_interval
    return tr("AUC {auc:.3f} ({low:.3f}-{high:.3f}), {n} {split} scans").format(
        auc=report.auc, low=low, high=high, n=report.n, split=tr(report.split)
    )


def with_interval(value: float, bounds: tuple[float, float]) -> str:
    return f"{value:.3f} ({interval(bounds)})"


def interval(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.3f}-{bounds[1]:.3f}"


def chosen_by(card: Card, training_normals: int) -> str:
    """What the card's threshold was chosen by."""
    if not training_normals:
        return tr("chosen on validation by {name}").format(name=card.policy.name)
    return tr(
        "chosen by {name} on validation and on {count} normal scans of training, judged by networks that had "
        "not seen their run of file numbers"
    ).format(name=card.policy.name, count=training_normals)


def escape_markdown(text: str) -> str:
    """Text that may hold a file's name, made safe to show as Markdown."""
    return re.sub(r"([\\\[\]<>*`$])", r"\\\1", text)
