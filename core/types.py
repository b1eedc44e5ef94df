"""The values that pass between modules. All frozen; none knows how it is made or shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Kind = Literal["classifier", "detector"]
Region = Literal["whole", "lungs", "head"]
Resolution = Literal["film-224", "native"]
Outside = Literal["shown", "black"]
Verdict = Literal["normal", "abnormal"]
Origin = Literal["shipped", "own"]


@dataclass(frozen=True, slots=True)
class Spacing:
    """Millimetres from one pixel to the next, down and across a picture.

    at_detector: a projection as the detector saw it, in which the body is larger than it is.
    """

    down: float
    across: float
    at_detector: bool


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Scan:
    """One grey image, stripped of everything that could identify a person.

    pixels: (H, W) float32 in [0, 1], bright is dense. digest: sha256 of the file's bytes, hexadecimal; of
    that and the view where another frame, window or polarity is shown, so that it names these pixels.
    modality: the DICOM code ("CR", "DX", "CT", ...) or None. acquisition: whitelisted DICOM tags.
    colour_share: share of the file's pixels that were visibly coloured, in [0, 1].
    frame of frames: which one is shown, from 0. window of windows: how; empty where nothing can be chosen.
    stack: whether the frames are slices of one body, in order. cropped: whether a person cut it out.
    turned: whether a person turned a negative back. notes: a sentence for each thing that the reader did
    against what the file says, or without it. series: digest of the series that the file names, or empty.
    """

    pixels: FloatArray
    digest: str
    name: str
    modality: str | None = None
    acquisition: Mapping[str, str] = field(default_factory=dict)
    colour_share: float = 0.0
    frame: int = 0
    frames: int = 1
    window: str = ""
    windows: tuple[str, ...] = ()
    turned: bool = False
    stack: bool = False
    cropped: bool = False
    notes: tuple[str, ...] = ()
    series: str = ""

    @property
    def age(self) -> int | None:
        """The patient's, in whole years, where the header tells it."""
        told = self.acquisition.get("PatientAge", "")
        return int(told) if told.isdecimal() else None

    @property
    def spacing(self) -> Spacing | None:
        """As the header tells it; None where it does not, or where a person cut or turned the picture.

        A PixelSpacing equal to ImagerPixelSpacing was not corrected (DICOM PS3.3, 10.7).
        """
        told, detector = (
            _two_numbers(self.acquisition.get(f"{of}PixelSpacing", "")) for of in ("", "Imager")
        )
        found = told or detector
        return None if found is None or self.cropped else Spacing(*found, at_detector=found == detector)

    @property
    def burned_in(self) -> bool:
        """Whether the header says that text is burned into the pixels: it may name the patient."""
        return self.acquisition.get("BurnedInAnnotation", "").upper() == "YES"


def _two_numbers(text: str) -> tuple[float, float] | None:
    numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?(?:[eE]-?\d+)?", text)]
    return (numbers[0], numbers[1]) if len(numbers) == 2 and min(numbers) > 0 else None


@dataclass(frozen=True, slots=True)
class View:
    """What to show of a file that holds more than one picture.

    frame: from 0; the first one when None, or the middle one of a stack. window: empty for the file's own.
    crop: (top, left, bottom, right) in fractions of the picture, cut out after turning it by angle, in
    degrees against the clock.
    """

    frame: int | None = None
    window: str = ""
    crop: tuple[float, float, float, float] | None = None
    angle: float = 0.0


AS_SENT = View()


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a network wants to be fed: a square of `size` pixels, normalised by mean and std per channel.

    view: what the region is cut from: the film brought to 224 px first, or the scan at its own resolution.
    outside: what is shown there of the region beyond the hull of the lungs; "black" needs the native view.
    """

    size: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    region: Region
    view: Resolution = "film-224"
    outside: Outside = "shown"


@dataclass(frozen=True, slots=True)
class Frame:
    """Which part of a scan a tensor shows.

    box: (top, left, bottom, right) in pixels of the scan, as fractions allowed. shape: (H, W) of the scan.
    """

    box: tuple[float, float, float, float]
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class LungFields:
    """Where the lungs are: mask (H, W) bool in scan geometry, and the box around both with its margin.

    share: mask area over scan area. confidence: mean probability inside the mask, 0 when it is empty.
    sides: mask area left and right of the box's middle, over the scan's area.
    """

    mask: NDArray[np.bool_]
    box: tuple[float, float, float, float]
    share: float
    confidence: float
    sides: tuple[float, float]


@overload
def is_abnormal(score: float, threshold: float) -> bool: ...
@overload
def is_abnormal(score: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]: ...
def is_abnormal(score: float | NDArray[np.floating], threshold: float) -> bool | NDArray[np.bool_]:
    """The rule by which every card judges: abnormal from the threshold on, equality included.

    score: a number, or an array of any shape; the answer has the same.
    """
    return score >= threshold


def verdict_of(score: float, threshold: float) -> Verdict:
    """The same in a word."""
    return "abnormal" if is_abnormal(score, threshold) else "normal"


@dataclass(frozen=True, slots=True)
class Prediction:
    """A classifier's answer. score is P(abnormal), or 1 - P(normal) with more than two classes."""

    probabilities: Mapping[str, float]
    score: float
    threshold: float

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.score, self.threshold)


@dataclass(frozen=True, slots=True, eq=False)
class AnomalyResult:
    """A detector's answer. map: (H, W) >= 0 in scan geometry, in the units that `map_unit` of the card names.

    reconstruction: (H, W) in [0, 1] in scan geometry, NaN outside the frame; None for detectors without one.
    """

    score: float
    map: FloatArray
    reconstruction: FloatArray | None
    threshold: float

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.score, self.threshold)


@dataclass(frozen=True, slots=True, eq=False)
class ErrorFit:
    """What a reconstruction missed in each cell of a scan: (n,) each, in grey values of [0, 1].

    detail: how much fine detail the cell shows. error: mean absolute error of the reconstruction. usual: that
    of normal scans at that place with that much detail.
    """

    detail: FloatArray
    error: FloatArray
    usual: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Which places moved the score of `label`. heatmap: (H, W) >= 0 in scan geometry.

    scale: the heat shown as full colour, fixed per card and method so that scans can be compared.
    unit: what one of the heat stands for, in words. frame: the part of the scan that the network saw.
    """

    method: str
    label: str
    heatmap: FloatArray
    scale: float
    unit: str
    frame: Frame


Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What one threshold costs on one labelled set. Rates without a denominator are None.

    Intervals are 95 % Wilson intervals.
    """

    policy: str
    threshold: float
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int
    accuracy: float
    sensitivity: float
    specificity: float
    ppv: float | None
    npv: float | None
    f1: float
    accuracy_interval: Interval
    sensitivity_interval: Interval
    specificity_interval: Interval


@dataclass(frozen=True, slots=True)
class Curve:
    """A polyline: x and y of equal length."""

    x: tuple[float, ...]
    y: tuple[float, ...]

    @property
    def area(self) -> float:
        """The area under it, by trapezoids."""
        return float(np.trapezoid(self.y, self.x))


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """P(label) by the share of places blurred (deletion) or shown (insertion), hottest places first.

    random_deletion, random_insertion: the same in random order, the mean of several.
    """

    deletion: Curve
    insertion: Curve
    random_deletion: Curve
    random_insertion: Curve


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """What several methods have in common on one scan.

    pairs: rank correlation in [-1, 1] by pair of methods. together: (H, W), how many methods share a place
    among their hottest, 0 where fewer than three do.
    """

    pairs: Mapping[tuple[str, str], float]
    together: FloatArray


@dataclass(frozen=True, slots=True)
class Trust:
    """How far one explanation method can be trusted on one card: means over n test scans.

    Each scan is explained for the class that the network finds most probable.

    lung_share: share of the heat inside the lungs' hull; lung_area: its share of what the network sees,
    which heat spread evenly would have; of no meaning for brains. deletion, insertion: areas under P(label);
    random_deletion, random_insertion: of random maps. sanity: rank correlation with the map of a network
    whose "head", later "half" or "all" layers were randomised; a map that stays alike ignores the model.
    normal_heat: median hottest place of the last label's maps on normal validation scans, over that on
    abnormal ones; from 1 on, normal scans look no calmer. seconds: per map, on one core of the machine that
    made the table.
    """

    n: int
    lung_share: float
    lung_area: float
    deletion: float
    insertion: float
    random_deletion: float
    random_insertion: float
    sanity: Mapping[str, float]
    seconds: float
    normal_heat: float = 1.0


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """How one list of scores does against its labels.

    split: which data. n: cases; abnormal: how many of them are. auc_interval: 95 %, DeLong 1988;
    auc_bootstrap: 95 %, stratified bootstrap. brier and ece are None for scores that are no probabilities.
    """

    split: str
    n: int
    abnormal: int
    auc: float
    auc_interval: Interval
    auc_bootstrap: Interval
    average_precision: float
    brier: float | None
    ece: float | None
    roc: Curve
    precision_recall: Curve
    points: tuple[OperatingPoint, ...]
