"""The words of card.json that code goes by: modalities and figures. No value may change: cards hold them."""

from typing import Final

CHEST_FILM: Final = "chest film"
HEAD_CT: Final = "head CT slice"
BRAIN_MRI: Final = "brain MRI slice"
PHOTOGRAPHS: Final = "photographs"  # what backbones were pretrained on

# Figures of detectors. AUROC and rates are on test, unless they say otherwise.
AUROC_EQUAL_SHARPNESS: Final = "AUROC at equal sharpness"
AUROC_DRAWN_LESIONS: Final = "AUROC of drawn lesions"  # on validation; detectors are ordered by it
AUROC_OF_RAW_ERROR: Final = "AUROC of the error as it is"  # not judged against detail
AUROC_OF_YARDSTICK: Final = "AUROC of the yardstick"
YARDSTICK_CORRELATION: Final = "rank correlation with the yardstick"
BALANCED_ACCURACY: Final = "balanced accuracy"
NOMINAL_FPR: Final = "nominal false-positive rate"
VALIDATION_FPR: Final = "validation false-positive rate"
REALISED_FPR: Final = "realised false-positive rate"
CONFORMAL_THRESHOLD: Final = "conformal threshold"
CONFORMAL_NOMINAL_FPR: Final = "conformal nominal false-positive rate"
CONFORMAL_REALISED_FPR: Final = "conformal realised false-positive rate"
MILLISECONDS_PER_SCAN: Final = "milliseconds per scan"
MEMORY_MB: Final = "memory in MB"

# Figures of classifiers.
AUC_EQUAL_SHARPNESS: Final = "AUC at equal sharpness"
AUC_EQUAL_DETAIL: Final = "AUC at equal detail inside the region"
AUC_OF_DETAIL: Final = "AUC of that detail itself, made equal"  # near .5 where the control before holds
AUC_SHARPENED: Final = "AUC sharpened"
TEMPERATURE: Final = "temperature"
ECE_BEFORE_SCALING: Final = "ECE before scaling"
ECE_AFTER_SCALING: Final = "ECE after scaling"
ADULT_FALSE_ALARMS: Final = "false alarms on adult normals"
ADULT_NORMALS: Final = "adult normals"  # how many
COVID_FLAGGED: Final = "flagged COVID films"
COVID_FILMS: Final = "COVID films"  # how many
WORST_SOURCE: Final = "AUC of the worst source left out"  # cards of many sources are ordered by it
WORST_SOURCE_VALIDATED: Final = "AUC of the worst source, validation"
SEEDS: Final = "seeds"  # how many
SEED_AUC_MEAN: Final = "AUC over seeds, mean"
SEED_AUC_SPREAD: Final = "AUC over seeds, spread"

# Figures of cards of all ages: each of these by source ("AUC, Kermany"), or by what was done to the films.
BY_SOURCE: Final = (
    "AUC",
    "AUC change",
    "AUC with lungs blackened",
    "ECE",
    "accuracy",
    "sensitivity",
    "specificity",
    "verdicts kept",
)
CALIBRATION_SLOPE: Final = "calibration slope"
CALIBRATION_INTERCEPT: Final = "calibration intercept"
FILMS_OF_FULL_SIZE: Final = "films of full size"
SCANS_OF: Final = "scans of "  # a source: how many


def auc_by(cue: str) -> str:
    """Of normal against all else, told by one plain cue such as the border of the film."""
    return f"AUC by {cue} alone"


def auroc_of_lesion(kind: str) -> str:
    """Of one kind of drawn lesion."""
    return f"{AUROC_DRAWN_LESIONS}, {kind}"


def auroc_of(label: str) -> str:
    """Of one abnormal label against the normal test scans of its own data set."""
    return f"AUROC {label}"


def auroc_by_patient(label: str, bound: str = "") -> str:
    """Of the mean score of each patient's slices. bound: "low" or "high" end of its 95 % interval."""
    return f"AUROC {label} by patient{f', {bound}' if bound else ''}"


def auroc_by(cue: str, label: str) -> str:
    """Of the same, told by one plain cue such as sharpness."""
    return f"AUROC {label} by {cue} alone"


def balanced_accuracy_of(label: str) -> str:
    return f"balanced accuracy {label}"


def fpr_beside(label: str) -> str:
    """Of the normal test scans of that label's data set."""
    return f"false-positive rate beside {label}"


LOCAL_PLACE: Final = "NIH"  # where it was measured what normals of a place itself buy
LOCAL_COUNTS: Final = (20, 50, 100)  # of them


def auroc_at(place: str) -> str:
    """Of a detector on films of a hospital that it never saw."""
    return f"AUROC at {place}"


def specificity_at(place: str, count: int = 0, *, worst: bool = False) -> str:
    """On a place's normals.

    place: its name.
    count: of its own normals that set the threshold; with none it is the card's.
    worst: the 5th percentile over draws of those normals, not their mean.
    """
    how = f" with {count} local normals" if count else ""
    return f"specificity at {place}{how}{', 5th percentile' if worst else ''}"


def sensitivity_at(place: str) -> str:
    """On a place's sick, with the threshold from all of its normals."""
    return f"sensitivity at {place} with all local normals"
