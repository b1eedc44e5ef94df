"""What is to be known of a set of films before anything is learned from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core import names
from core.anatomy import lungs
from core.evaluation.binary import auc_interval
from core.gate import LEAST_LUNG, LEAST_SIDE
from core.models.border import Border
from core.types import Region
from train.new.reading import FilmSet
from train.new.splits import Copies
from train.publish.detector_metrics import yardstick_scores

LISTED = 10  # names in a list; the others are counted
FOLDS = 3
INVERSE_PENALTY = 0.01  # of the regression on the border, which has more places than there are films
LARGEST_SHARE = 0.8  # of one class: beyond it the others are hardly learned
TELLING = 0.5  # an interval of the AUC that lies above it tells the classes apart


@dataclass(frozen=True, slots=True)
class Findings:
    """counts: films by split and label. cues: AUC of what is no disease, with its interval. no_lungs: films
    without two lungs; None where none are looked for."""

    counts: Mapping[str, int]
    sizes: str
    cues: Mapping[str, tuple[float, tuple[float, float]]]
    no_lungs: int | None
    patients_known: bool
    copies: Copies
    unreadable: tuple[tuple[str, str], ...]

    def figures(self) -> dict[str, float]:
        """For the card."""
        return {names.auc_by(cue): auc for cue, (auc, _) in self.cues.items()}

    def data(self) -> dict[str, int | float | str]:
        """For the card: counts, never a name."""
        return {
            **self.counts,
            "sizes": self.sizes,
            "files that could not be read": len(self.unreadable),
            "files in two classes, left out": len(self.copies.contradictions),
            "exact copies, kept on one side": self.copies.exact,
            "near copies, kept on one side": self.copies.near,
            "left out for a copy on another side": self.copies.dropped,
            "patients": "grouped by a rule or a column" if self.patients_known else "not known",
        }


def check(found: FilmSet, copies: Copies, region: Region, *, normal: str, patients_known: bool) -> Findings:
    """Look at the set. The cues are measured on training and validation films alone.

    found: with splits.
    copies: from carving them.
    region: "lungs" where these are looked for.
    normal: the normal label.
    patients_known: whether anything says which films are of one patient.
    """
    groups = [f"{case.split} {case.label}" for case in found.cases]
    height, width = np.median(found.sizes, axis=0)
    return Findings(
        counts={name: groups.count(name) for name in sorted(set(groups))},
        sizes=f"{found.sizes.min()} to {found.sizes.max()} pixels a side, median {width:.0f} x {height:.0f}",
        cues=_cues(found, normal),
        no_lungs=_without_lungs(found) if region == "lungs" else None,
        patients_known=patients_known,
        copies=copies,
        unreadable=found.unreadable,
    )


def _cues(found: FilmSet, normal: str) -> dict[str, tuple[float, tuple[float, float]]]:
    rows = [row for row, case in enumerate(found.cases) if case.split != "test"]
    seen = found.chosen(rows, [found.cases[row] for row in rows])
    truth = np.array([case.label != normal for case in seen.cases], dtype=int)
    if len(set(truth.tolist())) < 2:
        return {}
    cues = {
        "sharpness": yardstick_scores(seen.films.float()),
        "size": np.log(seen.sizes.prod(1)),
        "border": _border_scores(seen, truth),
    }
    return {cue: _auc(truth, scores) for cue, scores in cues.items()}


def _auc(truth: NDArray[np.int64], scores: NDArray[np.float64]) -> tuple[float, tuple[float, float]]:
    """Whichever way round it tells more."""
    auc = float(roc_auc_score(truth, scores))
    if auc < 1 - auc:
        auc, scores = 1 - auc, -scores
    return auc, auc_interval(truth, scores)


def _border_scores(seen: FilmSet, truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Logistic regression on the outer eighth of the films, each scored by one that did not learn from it."""
    border = Border()
    ring = border.ring(border.features(seen.films.float())).numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(C=INVERSE_PENALTY, max_iter=1000))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    patients = [case.patient for case in seen.cases]
    scores: NDArray[np.float64] = cross_val_predict(
        model, ring, truth, groups=patients, cv=folds, method="decision_function"
    )
    return scores


def _without_lungs(found: FilmSet) -> int:
    fields = [lungs.measure(p) for part in found.films.split(8) for p in lungs.probabilities(part.float())]
    return sum(field.share < LEAST_LUNG or min(field.sides) < LEAST_SIDE for field in fields)


def sentences(found: Findings, modality: str) -> list[str]:
    """What a person has to hear of it, the counts first."""
    said = [f"{name}: {count}" for name, count in found.counts.items()]
    lines = [f"Films: {', '.join(said)}. Sizes: {found.sizes}."]
    lines += _listed("could not be read", [f"{name} ({reason})" for name, reason in found.unreadable])
    lines += _listed("stand in two classes and are left out", list(found.copies.contradictions))
    if found.copies.exact or found.copies.near:
        lines.append(
            f"{found.copies.exact} files are exact copies of others and {found.copies.near} look like "
            f"copies: they stay on one side. Left out because a table had put them on two: "
            f"{found.copies.dropped}."
        )
    if not found.patients_known:
        lines.append(
            "No patient is known: films of one patient may stand on two sides, and every figure is too good "
            "then. Say which part of a file's name is the patient with --patient REGEX."
        )
    return lines + _balance(found.counts) + _lungs(found, modality) + _shortcuts(found)


def _listed(what: str, files: Sequence[str]) -> list[str]:
    more = f", and {len(files) - LISTED} more" if len(files) > LISTED else ""
    return [f"{len(files)} files {what}: {'; '.join(files[:LISTED])}{more}."] if files else []


def _balance(counts: Mapping[str, int]) -> list[str]:
    train = {name: count for name, count in counts.items() if name.startswith("train ")}
    name, most = max(train.items(), key=lambda pair: pair[1])
    share = most / sum(train.values())
    if len(train) == 1 or share <= LARGEST_SHARE:
        return []
    return [f"{share:.0%} of what is learned from is {name.removeprefix('train ')}: add films of the others."]


def _lungs(found: Findings, modality: str) -> list[str]:
    if not found.no_lungs:
        return []
    total = sum(found.counts.values())
    return [f"No two lungs are found in {found.no_lungs} of {total} films: is --modality {modality!r} right?"]


def _shortcuts(found: Findings) -> list[str]:
    return [
        f"{cue.capitalize()} alone tells normal films from the others with AUC {auc:.2f} "
        f"({low:.2f}-{high:.2f}): the classes were made differently, and a network may "
        "learn that in place of the disease."
        for cue, (auc, (low, high)) in found.cues.items()
        if low > TELLING
    ]
