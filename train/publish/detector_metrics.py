"""What a detector's card says beside its curves: the yardstick, sharpness, false alarms, cost."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from scipy.stats import norm, spearmanr
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from core import cards, names
from core.anatomy import lungs
from core.card_types import Card, Policy, Scores
from core.detectors import Detector, DetectorEnsemble, FeatureDetector
from core.detectors.error_given_detail import ReconstructionDetector
from core.detectors.sharpness import Sharpness
from core.evaluation import choosing
from core.evaluation.binary import auc_interval
from core.preprocess import align, stretch
from core.resample import crop
from core.types import Scan, is_abnormal
from train.data import sources
from train.data.augment import blur
from train.data.datasets import Case, read_films
from train.data.films import cache_inputs, region_boxes
from train.data.sources import Source
from train.runs import cached, code

ALPHA = 0.1  # of the conformal threshold
INSIDE = 112  # side of a region whose sharpness is measured, in pixels
MAX_BLUR = 3.0  # pixels; the strongest blur used to equalise


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Validation and test: cases, films in full precision, and the box looked at in each.

    even: the test films again, all brought to the same sharpness; of chest films only.
    """

    cases: tuple[Case, ...]
    films: Tensor
    boxes: Tensor
    even: Tensor


@cache
def held_out(source: Source, cases: tuple[Case, ...], runs: Path = Path("runs")) -> HeldOut:
    """Validation and test, read once for all detectors.

    source: says which region.
    cases: of all splits.
    runs: where films and boxes are kept for the next command.
    """
    chosen = tuple(case for case in cases if case.split in ("validation", "test"))
    splits = [case.split for case in chosen]

    def read() -> tuple[Tensor, Tensor, Tensor]:
        films = read_films(chosen, dtype=torch.float32)
        test = torch.tensor([split == "test" for split in splits])
        even = equalise_sharpness(films[test]) if source.region == "lungs" else films[:0]
        return films, region_boxes(films, source.region), even

    known = cache_inputs(chosen, source.region), splits, MAX_BLUR, code(equalise_sharpness, blur)
    return HeldOut(chosen, *cached("held-out", known, read, runs))


def compute_metrics(card: Card, network: Detector, held: HeldOut, table: Scores) -> dict[str, float]:
    """False alarms nominal and realised, AUROC per abnormal label, the yardstick: figure to value.

    card: with its threshold and report.
    network: the detector.
    held: validation and test.
    table: the detector's scores of held.cases.
    """
    scores = table.score
    split = np.array([case.split for case in held.cases])
    label = np.array([case.label for case in held.cases])
    test, normal = split == "test", label == card.labels[0]
    measured = false_alarms(card, table)
    measured |= per_label(card, held.cases, table)
    if card.input.region == "head":
        measured |= _trivial_aurocs(card, held)
    measured |= _equal_detail(card, network, held, ~normal[test])
    if card.input.region == "lungs":
        chosen = torch.from_numpy(test)
        yardstick = yardstick_scores(held.films[chosen])
        measured[names.YARDSTICK_CORRELATION] = float(spearmanr(yardstick, scores[test])[0])
        measured[names.AUROC_OF_YARDSTICK] = float(roc_auc_score(~normal[test], yardstick))
        even = sources.batches(held.even, held.boxes[chosen], card.input)
        with torch.inference_mode():
            blurred = torch.cat([network.score(x).score for x in even]).numpy()
        measured[names.AUROC_EQUAL_SHARPNESS] = float(roc_auc_score(~normal[test], blurred))
    if isinstance(network, ReconstructionDetector) and network.given is not None:
        chosen = torch.from_numpy(test)
        seen = sources.batches(held.films[chosen], held.boxes[chosen], card.input)
        with torch.inference_mode():
            raw = torch.cat([network.raw(x).score for x in seen]).numpy()
        measured[names.AUROC_OF_RAW_ERROR] = float(roc_auc_score(~normal[test], raw))
    return measured


def false_alarms(card: Card, table: Scores, root: Path = cards.WEIGHTS) -> dict[str, float]:
    """Nominal, on validation and on test, at the card's threshold and at the conformal one.

    card: with its threshold and report.
    table: of its validation and test cases.
    root: where scores of its training normals lie, if there are any.
    """
    normal, held = (
        np.array(column) == wanted
        for column, wanted in ((table.label, card.labels[0]), (table.split, "validation"))
    )
    conformal = choosing.threshold(card, Policy("conformal", {"alpha": ALPHA}), table, root)
    at_test = table.score[normal & ~held]
    point = card.report["test"].points[0]
    return {
        names.BALANCED_ACCURACY: (point.sensitivity + point.specificity) / 2,
        names.NOMINAL_FPR: float(norm.sf(card.policy.arguments.get("k", 1.0))),
        names.VALIDATION_FPR: float(np.mean(is_abnormal(table.score[normal & held], card.threshold))),
        names.REALISED_FPR: float(np.mean(is_abnormal(at_test, card.threshold))),
        names.CONFORMAL_THRESHOLD: conformal,
        names.CONFORMAL_NOMINAL_FPR: ALPHA,
        names.CONFORMAL_REALISED_FPR: float(np.mean(is_abnormal(at_test, conformal))),
    }


def per_label(card: Card, cases: Sequence[Case], table: Scores) -> dict[str, float]:
    """Each abnormal label against the normal test cases of its own data set, when there are several.

    card: with its threshold.
    cases: of validation and test.
    table: their scores, in their order.
    """
    if len(card.labels) == 2:
        return {}
    scores = table.score
    called = is_abnormal(scores, card.threshold)
    found = {}
    for name, normal, abnormal in _label_groups(card, cases):
        truth = np.repeat([0, 1], [normal.sum(), abnormal.sum()])
        auc = roc_auc_score(truth, np.concatenate([scores[normal], scores[abnormal]]))
        found[names.auroc_of(name)] = float(auc)
        right = np.mean(~called[normal]) + np.mean(called[abnormal])
        found[names.balanced_accuracy_of(name)] = float(right / 2)
        found[names.fpr_beside(name)] = float(np.mean(called[normal]))
        found |= _per_patient(name, cases, scores, normal, abnormal)
    return found


def _per_patient(
    name: str, cases: Sequence[Case], scores: np.ndarray, normal: np.ndarray, abnormal: np.ndarray
) -> dict[str, float]:
    """AUROC of patients' mean scores with its interval, where patients have several slices each."""
    patient = np.array([case.patient for case in cases])
    means = [
        [float(scores[rows & (patient == one)].mean()) for one in dict.fromkeys(patient[rows].tolist())]
        for rows in (normal, abnormal)
    ]
    healthy, sick = len(means[0]), len(means[1])
    if healthy == normal.sum() or sick == abnormal.sum():
        return {}
    truth = np.repeat([0, 1], [healthy, sick])
    values = np.concatenate(means)
    low, high = auc_interval(truth, values)
    return {
        names.auroc_by_patient(name): float(roc_auc_score(truth, values)),
        names.auroc_by_patient(name, "low"): low,
        names.auroc_by_patient(name, "high"): high,
    }


def _label_groups(card: Card, cases: Sequence[Case]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each abnormal label, the test normals of its data set, and its own test cases: (N,) bool each."""
    test = np.array([case.split == "test" for case in cases])
    label = np.array([case.label for case in cases])
    folder = np.array([str(case.path.parent.parent) for case in cases])
    for name in card.labels[1:]:
        abnormal = test & (label == name)
        yield name, test & (label == card.labels[0]) & np.isin(folder, folder[abnormal]), abnormal


def _equal_detail(card: Card, network: Detector, held: HeldOut, abnormal: np.ndarray) -> dict[str, float]:
    """AUROC on test scans with equal detail inside the region, and what that detail itself still tells.

    abnormal: (n,) bool, of the test cases.
    """
    test = torch.tensor([case.split == "test" for case in held.cases])
    boxes = held.boxes[test]
    even = equalise_sharpness(held.films[test], boxes)
    with torch.inference_mode():
        scores = torch.cat([network.score(x).score for x in sources.batches(even, boxes, card.input)])
    detail = float(roc_auc_score(abnormal, sharpness_inside(even, boxes)))
    return {
        names.AUC_EQUAL_DETAIL: float(roc_auc_score(abnormal, scores.numpy())),
        names.AUC_OF_DETAIL: max(detail, 1 - detail),
    }


def _trivial_aurocs(card: Card, held: HeldOut) -> dict[str, float]:
    """What sharpness and brightness of the head tell by themselves, whichever way round."""
    heads = torch.cat(
        [stretch(crop(f, b, INSIDE)) for f, b in zip(held.films.split(64), held.boxes.split(64), strict=True)]
    )
    plain = {"sharpness": sharpness(heads).numpy(), "brightness": heads.mean((1, 2, 3)).numpy()}
    found = {}
    for name, normal, abnormal in _label_groups(card, held.cases):
        truth = np.repeat([0, 1], [normal.sum(), abnormal.sum()])
        for what, values in plain.items():
            auc = float(roc_auc_score(truth, np.concatenate([values[normal], values[abnormal]])))
            found[names.auroc_by(what, name)] = max(auc, 1 - auc)
    return found


def yardstick_scores(films: Tensor) -> np.ndarray:
    """The yardstick's score of whole films, grey values as they come: (N, 1, H, W) -> (N,)."""
    with torch.inference_mode():
        return torch.cat([Sharpness().score(part).score for part in films.split(64)]).numpy()


def sharpness(films: Tensor) -> Tensor:
    """Mean absolute difference from a slight blur: (N, 1, H, W) -> (N,)."""
    x = stretch(films)
    return (x - blur(x, 1.0)).abs().mean((1, 2, 3))


def equalise_sharpness(films: Tensor, boxes: Tensor | None = None) -> Tensor:
    """Blur each film to the sharpness of the least sharp twentieth, so that sharpness tells nothing.

    films: (N, 1, H, W), in [0, 1].
    boxes: (N, 4), fractions of the film inside which sharpness counts; all of it when None.
    """
    goal = float(torch.quantile(sharpness_inside(films, boxes), 0.05))
    result = films.clone()
    sharper = sharpness_inside(films, boxes) > goal
    for sigma in np.arange(0.3, MAX_BLUR, 0.2):
        if not sharper.any():
            break
        result[sharper] = blur(films[sharper], float(sigma))
        still = sharpness_inside(result[sharper], None if boxes is None else boxes[sharper]) > goal
        sharper[sharper.clone()] = still
    return result


def sharpness_inside(films: Tensor, boxes: Tensor | None) -> Tensor:
    """`sharpness` of what lies in the boxes, (N, 4) in fractions; of the whole films when None."""
    if boxes is None:
        return sharpness(films)
    pairs = zip(films.split(64), boxes.split(64), strict=True)
    return torch.cat([sharpness(crop(part, box, INSIDE)) for part, box in pairs])


def inference_cost(card: Card, network: Detector, film: Tensor, repeats: int = 7) -> dict[str, float]:
    """Milliseconds for one scan, lungs found already, and the memory that weights and buffers take.

    card: gives the input.
    network: the detector.
    film: (H, W), in [0, 1].
    repeats: the fastest of so many counts.
    """
    scan = Scan(film.numpy(), digest="", name="film")
    fields = lungs.find(scan) if card.input.region == "lungs" else None
    times = []
    with torch.inference_mode():
        for _ in range(repeats):
            started = time.perf_counter()
            network.score(align(scan, card.input, fields)[0])
            times.append(time.perf_counter() - started)
    return {names.MILLISECONDS_PER_SCAN: 1000 * min(times), names.MEMORY_MB: size_of(network) / 1e6}


def size_of(network: Detector) -> int:
    """Bytes of weights and buffers, its backbone or members included."""
    total = _bytes(network)
    if isinstance(network, DetectorEnsemble):
        total += sum(size_of(member) for member in network.loaded_members())
    if isinstance(network, FeatureDetector):
        total += _bytes(network.loaded_backbone())
    return total


def _bytes(module: nn.Module) -> int:
    return sum(int(tensor.numel() * tensor.element_size()) for tensor in module.state_dict().values())
