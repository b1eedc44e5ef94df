"""Words that more than one page says: names of tasks and findings, verdicts, figures in a sentence."""

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
from pages.shared.numbering import numbered
from pages.shared.session.thresholds import DecisionThreshold

NOT_FOR_CLINICAL_USE = (
    "Research demo, not for clinical use. Scans stay in this session's memory and nowhere else."
)
WHAT_THIS_IS = (
    "Opacity reads chest films and brain scans with small models and shows what moved them: for clinicians, "
    "students and researchers who want to see what such models can do and where they fail."
)
UPLOAD = "Upload a scan, or drop it anywhere"
UPLOAD_HELP = "PNG, JPEG, DICOM or NIfTI, several at once if you like."
INVITATION = "Upload a {} (PNG, JPEG or DICOM), or try one below."
SAMPLES_INVITATION = "Click a sample to have it read. Synthetic ones were made by a model and show nobody."
PUBLIC_FILM = ("Public film", "A real patient's, published without a name.")
SYNTHETIC_SAMPLE = ("AI-generated example", "Made as: {}. Not a real patient.")
BURNED_IN = (
    "This file says that text is burned into its picture: it may name the patient. "
    "Cover it before you share the screen or a copy."
)
ANALYSE_ANYWAY = "Analyse anyway (result unreliable)"
ANALYSE_ANYWAY_HELP = "For research: the result stays marked as read despite the refusal."
STEPS = (
    ("Verdict:", "what the model says"),
    ("Evidence:", "where it looked"),
    ("Move the line:", "what another threshold costs, on Thresholds"),
)
TOUR = (
    (".st-key-samples-landing", "Click a sample, or drop a scan of your own anywhere: it is read at once."),
    (".opacity-verdict", "The verdict. The bar shows the score; the line on it is the threshold."),
    (
        ".st-key-film",
        "The heat map shows what moved the model. Drag moves, the wheel zooms, ? lists the keys.",
    ),
    ("[data-testid=stSidebarNav]", "Thresholds shows what each threshold costs; Models whom to trust."),
)
BESIDE, NOTHING_BESIDE = "Beside it", "No other scan"
BESIDE_CAPTION = "Another scan of this session, not aligned and of another scale. Meanwhile no map is shown."
SAMPLES_PAGE = (
    "Films and slices to try the app with. Those marked Synthetic were drawn by a generative model and show "
    "nobody; here is what they look like to the classifiers, and how far they are from every training scan."
)
NO_SAMPLES = "No synthetic samples ship with this checkout. Make them with: `{}`"
HARD_SAMPLES = (
    "The other samples were chosen so that every model reads them as made. These hard ones were not: each is "
    "the next of those in their order, changed by a fixed rule before any model was asked, to be borderline, "
    "to part the models or to be refused. None is of an adult: the generator learned from children's films."
)
ROUTED = "This looks like a {}, so it is read with {}. Another model can be chosen under Model."
ROUTED_BY_AGE = "{} did not learn from patients of this age, so this is read with {}."
TRAINED_ON_CHILDREN = "Trained on children of {} to {} years."
FLAGGED = (
    "In {} of another hospital {:.0f} of 100 normal films were flagged ({}: {} films, 95 % interval {:.0f} "
    "to {:.0f})."
)
WHOSE_FILM = "Whose film is this?"
DETECTOR_PAGE = (
    "How unlike normal a scan is can only be told by a model of normal scans alone. Used here: {}."
)
DECISIVE = (
    "Each at its own threshold, on test. Worst source: where it tells normal from abnormal least; "
    "models measured on several come first. False "
    "alarms: of normal scans, at home and at the worst place that it did not learn from, where one was "
    "measured. MB: weights on disk. ms: a scan, where timed. Yardsticks, there to be beaten, stand last."
)
NO_SHARED_SCANS = "These two were not tested on the same scans, of both classes: they cannot be compared so."
HOW_COMPARED = (
    "Second less first, 95 % interval by DeLong 1988, films of one patient counted together (Obuchowski "
    "1997). A difference on these scans says nothing of other places."
)
NO_PICTURES = "The folder with the public data sets holds none of these cases: no pictures."
OWN_THRESHOLD = "the model's own"
DROP_FILMS = (
    "Drop films above, or a folder with one folder per class: each is read and scored, and stays in this "
    "session's memory until you clear the list."
)
WITH_LABELS = (
    "With labels, this page also measures the model: sort the films into one folder per class, or add a CSV."
)
STUDY = (
    "Read every film twice: first alone, then with the model's verdict and map, each time in another order "
    "drawn from the seed and without names. Every answer is a certainty from 1 to 6, also by the number "
    "keys. With labels the page then shows what the model's help was worth. Nothing leaves this session "
    "unless you export it."
)
STUDY_OTHER_MODEL = (
    "This study was begun with another model or other weights: choose {} again, or end the study."
)
STUDY_FILMS_GONE = "{} films of this study are no longer on the list. What was answered can still be saved."
STUDY_STAGE = {"alone": "without the model", "helped": "with the model"}
GAIN_BY_SEVERAL = (
    "Obuchowski and Rockette 1995, covariances by the jackknife over cases, degrees of freedom by Hillis "
    "2007: it holds for readers and cases like these."
)
GAIN_BY_ONE = "DeLong 1988: it holds for this reader on cases like these, and says nothing of other readers."
DISCLAIMER = "Research demo, not for clinical use: not a medical device, and no diagnosis."
PASSED = "Passed: the scan is of a kind that this model may judge."
READ_ANYWAY = "Read at the reader's request although the input check refused it: {}"
REPORT_NAME = "Leave it off where the name tells who the patient is. Nothing else of the file names anybody."
LATIN_ONLY = "The PDF has Latin letters only: others become a question mark."
LINK_WITHOUT_FILM = (
    "The link opens this page with this model and threshold. The film is not in it: it stays in this session."
)
NO_ROOM = (
    "{} films do not fit beside those on the list, the first of them {}: clear the list, or screen a folder "
    "of any size with python -m core screen."
)
LET_GO = "Let go, as a session holds only so much: {}. Drop them again, fewer at a time, to see them."
NO_OWN_MODELS = (
    "None yet. One command makes one of your films, in a folder with one sub-folder per class; it stands "
    "here as soon as it is written."
)
TRAIN_LINE = "python -m train.new NAME --data FOLDER"
OWN_MODELS_COMPARED = (
    "Each on its own test films, of which it learned nothing. Models of different films cannot be compared "
    "by these figures: judge one labelled set with both on page Screen. All else about a model is in its "
    "task above."
)
TRAIN_ON_THESE = (
    "Save the table as {file} beside the films, in the folder that you dropped or that they lie in, and run "
    "the line below there. Training takes place on your machine, not in this page."
)
KEEP_PATIENT = "Name, birth date and the like of the file go into the saved one. Left out otherwise."
ERROR_GIVEN_DETAIL = (
    "A network that learned normal scans misses more wherever a scan shows more fine detail, sick or not. "
    "So each cell is compared with normal scans that show as much detail at that place (grey). "
    "The score is how far the cells of this scan (orange) lie above that, on average."
)
RAW_ERROR = "By the error as it is, as public projects report it, this network has a test AUROC of {:.3f}."
BRIGHTEST = "Brightest = the strongest influence seen in 95% of validation scans."
BRIGHTEST_OWN = "Brightest = the strongest influence in this film, so films cannot be compared."
HEAT_MAP_CAUTION = "A heat map shows what moved the model, not where disease is."
LOCALISATION = (
    "Means over {reported} outlined scans, with 95 % intervals by scan; {chosen} others chose the method "
    "and the cut. Pointing game: share of scans whose hottest place lies in the outline. Average precision: "
    "of all places, in the order of their heat. Overlap: intersection over union at one cut for all scans. "
    "Three maps know nothing of the scan: even heat over lungs or head, the mean outline of the other scans, "
    "and nearness to the centre. Worth: useful where a map beats all three in both its hottest place and its "
    "order, ignore where in neither, weak between."
)
PROBABILITY = "Where it finds {}"
NOT_THE_VERDICTS = (
    "How probably each place is lesion, by the model that outlines; it is no part of the verdict."
)
SHOW_MAP = "Show the heat map all the same"
MAP_WORTH: Mapping[str, str] = MappingProxyType(
    {
        "useful": "**Useful** for finding disease: on outlined scans {} beat every map that knows nothing of "
        "the scan.",
        "weak": "**Weak** for finding disease: on outlined scans {} beat the maps that know nothing of the "
        "scan only in part.",
        "ignore": "**Ignore** for finding disease: on outlined scans {} was no better than a map that knows "
        "nothing of the scan.",
    }
)
MAP_FIGURES = "Figures of the map, and how to read them"
TEST_MAP = "Test this map (blur the hot areas)"
TEST_MAP_HELP = "Blurs the hottest places first, then shows them first, and records the probability."
ASK_ALL = "Ask all {} other models"
ASK_OTHER = "Ask the other model"
FORGET_ALL = "Forget all"
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
    return INVITATION.format(f"frontal {modality}" if modality == CHEST_FILM else modality)


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
    return MAP_WORTH[word].format(method)


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
