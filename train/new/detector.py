"""A detector fitted on frozen features of a person's own normal films."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from tqdm import tqdm

from core import checkpoints, inference, names
from core.card_types import Card, Scores
from core.detectors import DETECTORS, FeatureDetector, Mahalanobis
from core.errors import DataSetError
from core.inference import Model
from core.models.backbones import MEAN, SIDE, STD
from core.names import BRAIN_MRI, CHEST_FILM, HEAD_CT
from core.reading import images
from core.types import AnomalyResult, InputSpec
from train import fitted
from train.data import sources
from train.data.datasets import Case
from train.data.films import region_boxes
from train.data.regions import place_weights
from train.data.sources import Normals, Source
from train.fitted import DetectorRecipe, Pairs
from train.new.request import MADE_FROM, Prepared
from train.new.splits import HELD_OUT
from train.publish import report
from train.publish.detector_card import draft_detector_card
from train.publish.detector_metrics import inference_cost
from train.publish.provenance import Trained
from train.synthesis.validation_lesions import DrawnLesions, aurocs_by_lesion, drawn_lesions, score_films

METHODS = {
    "mahalanobis": DetectorRecipe("mahalanobis", {"backbone": "dinov2-vits14"}),
    "patchcore": DetectorRecipe("patchcore", {"backbone": "dinov2-vits14"}),
}
PATCHES_OF_A_FILM = 16  # of PatchCore's memory, at most: one of few films would hold all that they show
DRAWN = "drawn lesion"  # the label where no abnormal film was at hand
DRAWABLE = (CHEST_FILM, HEAD_CT, BRAIN_MRI)
LEAST_ABNORMAL = 2  # in each of validation and test


def make(prepared: Prepared, method: str) -> Card:
    """Fit on training normals, cut on validation normals, measure on test, write the card.

    prepared: the films with their splits.
    method: a name in METHODS.
    Raises DataSetError where nothing abnormal is at hand and nothing can be drawn.
    """
    started = time.monotonic()
    spec = InputSpec(SIDE, 3, MEAN, STD, prepared.region)
    source, cases = _source(prepared), prepared.films.cases
    normals = _normals(prepared)
    arguments = dict(METHODS[method].arguments)
    if method == "patchcore":
        arguments["patches"] = min(1500, PATCHES_OF_A_FILM * len(normals.films["train"]))
    network = DETECTORS[METHODS[method].model](**arguments)
    assert isinstance(network, FeatureDetector)
    torch.manual_seed(prepared.request.seed)
    with torch.inference_mode():
        fit(network, source, normals, spec, prepared.request.seed)
    trained = Trained(
        card_id=prepared.request.name,
        model=METHODS[method].model,
        arguments=arguments,
        input=spec,
        network=network,
        cases=cases,
        settings={MADE_FROM: prepared.known_by, "method": method},
        minutes=(time.monotonic() - started) / 60,
        seed=prepared.request.seed,
    )
    draft = draft_detector_card(trained, source)
    data = {**draft.data, **prepared.findings.data()}
    draft = replace(
        draft, origin="own", title=f"Own: {prepared.request.name}", licence="not published", data=data
    )
    return publish(prepared, draft, network, source)


def fit(network: FeatureDetector, source: Source, normals: Normals, spec: InputSpec, seed: int) -> None:
    """As `train.fitted`, without a cache; the map's usual error comes from the validation normals.

    The score does not depend on that error, so that its threshold from the same films is as it should be.
    """
    checkpoints.load_dependencies(network)
    films, boxes = normals.films["train"].float(), normals.boxes["train"]
    train = sources.batches(films, boxes, spec)
    network.set_spatial_weights(place_weights(source, normals))
    if isinstance(network, Mahalanobis):
        chosen = slice(0, fitted.PAIRED_FILMS)
        network.fit(train, Pairs(films[chosen], boxes[chosen], spec, seed).changes())
    else:
        network.fit(train)
    network.calibrate(sources.batches(normals.films["validation"], normals.boxes["validation"], spec))


def _normals(prepared: Prepared) -> Normals:
    films = {}
    for split in ("train", "validation"):
        rows = [
            row
            for row, case in enumerate(prepared.films.cases)
            if (case.split, case.label) == (split, prepared.labels[0])
        ]
        films[split] = prepared.films.films[rows].float()
    return Normals(films, {split: region_boxes(batch, prepared.region) for split, batch in films.items()})


def _source(prepared: Prepared) -> Source:
    request, drawn = prepared.request, not measured_on_own(prepared)
    limit = (
        ("No abnormal film was at hand: its figures are of lesions that a program drew.",) if drawn else ()
    )
    labels = (prepared.labels[0], DRAWN) if drawn else prepared.labels
    return Source(
        datasets=(),
        task=request.task or request.name,
        modality=request.modality,
        region=prepared.region,
        labels=labels,
        name="own films, normal ones only",
        licence="not published",
        split="by patient where known, and by looks",
        intended_use=f"Own model: shows how unlike normal {request.modality}s a scan is. "
        "Not for clinical use.",
        limitations=("Measures unlikeness of any cause, another machine included.", *limit),
    )


def measured_on_own(prepared: Prepared) -> bool:
    """Whether validation and test hold abnormal films. Raises DataSetError where none can be drawn either."""
    normal = prepared.labels[0]
    abnormal = [case.split for case in prepared.films.cases if case.label != normal]
    if all(abnormal.count(split) >= LEAST_ABNORMAL for split in HELD_OUT):
        return True
    if prepared.request.modality not in DRAWABLE:
        raise DataSetError(
            f"Nothing abnormal to measure with: lesions can be drawn into {', '.join(DRAWABLE)}s alone. "
            f"Add a folder with a few abnormal {prepared.request.modality}s."
        )
    return False


def publish(prepared: Prepared, draft: Card, network: FeatureDetector, source: Source) -> Card:
    """Score normals, and what is abnormal, as the app does; write the folder.

    prepared: the films with their splits.
    draft: without threshold and report.
    network: calibrated.
    source: of the films, for lesions drawn into them.
    """
    packed, figures = report.pack(draft, network), {}
    stored = checkpoints.unpack(packed.card, packed.data)
    assert isinstance(stored, FeatureDetector)
    cases = [case for case in prepared.films.cases if case.split in HELD_OUT]
    if own := measured_on_own(prepared):
        held = cases
    else:
        held = [case for case in cases if case.label == source.labels[0]]
    # drawing looks for the label "normal"
    named = tuple(replace(case, label=films_label(case, source)) for case in prepared.films.cases)
    scores, peaks = judge(Model(packed.card, stored), held)
    table = report.tabulate(held, scores)
    if prepared.request.modality in DRAWABLE:
        drawn = {split: _draw(prepared, source, named, split) for split in HELD_OUT}
        values = {split: score_films(stored, lesions, draft.input) for split, lesions in drawn.items()}
        figures = aurocs_by_lesion(values["validation"], drawn["validation"].kind)
        if not own:
            table = _with_lesions(table, drawn, values)
    usual = [
        peak
        for peak, case in zip(peaks, held, strict=True)
        if (case.split, case.label) == ("validation", source.labels[0])
    ]
    figures |= inference_cost(draft, stored, prepared.films.films[0, 0].float())
    card = replace(packed.card, scales={"map": float(np.quantile(usual, 0.95))})
    done = report.with_report(card, table)
    figures |= _false_alarms(done)
    return report.publish_card(replace(packed, card=replace(card, figures=figures)), table)


def films_label(case: Case, source: Source) -> str:
    return "normal" if case.label == source.labels[0] else case.label


def _draw(prepared: Prepared, source: Source, cases: tuple[Case, ...], split: str) -> DrawnLesions:
    return drawn_lesions(source, cases, split=split, seed=prepared.request.seed, runs=prepared.request.runs)


def judge(model: Model, cases: Sequence[Case]) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and the highest value of each map: (N,) each."""
    scores, peaks = [], []
    for case in tqdm(cases, desc="scoring", unit="scan", mininterval=5):
        found = inference.judge(model, images.read(case.path.read_bytes(), case.name))
        assert isinstance(found, AnomalyResult)
        scores.append(found.score)
        peaks.append(float(found.map.max()))
    return np.array(scores), np.array(peaks)


def _with_lesions(table: Scores, drawn: dict[str, DrawnLesions], values: dict[str, np.ndarray]) -> Scores:
    """The table and a row for each drawn lesion."""
    for split, lesions in drawn.items():
        rows = [row for row, kind in enumerate(lesions.kind) if kind not in ("normal", "acquisition shift")]
        table = replace(
            table,
            split=(*table.split, *[split] * len(rows)),
            case=(*table.case, *(f"{lesions.kind[row]} {row}" for row in rows)),
            label=(*table.label, *[DRAWN] * len(rows)),
            score=np.concatenate([table.score, values[split][rows]]),
        )
    return table


def _false_alarms(card: Card) -> dict[str, float]:
    validation, test = (card.report[split].points[0] for split in HELD_OUT)
    return {
        names.VALIDATION_FPR: 1 - validation.specificity,
        names.REALISED_FPR: 1 - test.specificity,
    }
