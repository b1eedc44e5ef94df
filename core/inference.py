"""The facade: load a card, then classify, detect, explain or embed a scan with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core import cards, checkpoints
from core.card_types import Card
from core.detectors import Detector
from core.detectors.error_given_detail import ReconstructionDetector
from core.errors import CardError, UnknownName
from core.explainers import EXPLAINERS, SLOW, UNITS, Progress, trust
from core.explainers.batched import blur
from core.explainers.ensemble import MEAN_UNIT, fast_heat_maps, heat_map
from core.models import AnyClassifier, Classifier, ClassifierEnsemble
from core.preprocess import align, denormalise, to_scan_space
from core.resample import crop
from core.types import (
    AnomalyResult,
    ErrorFit,
    Explanation,
    Faithfulness,
    FloatArray,
    Frame,
    LungFields,
    Prediction,
    Scan,
)

Judgement = Prediction | AnomalyResult


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A card and its frozen network. Threads may share it; nothing may write to it."""

    card: Card
    network: nn.Module


def load(card_id: str, root: Path = cards.WEIGHTS) -> Model:
    """Build, verify and freeze. Raises UnknownName or CardError."""
    card = cards.read(card_id, root)
    if not isinstance(card, Card):
        raise UnknownName(f"{card_id} finds lungs; it judges no scans. Choose a classifier or a detector.")
    model = Model(card, checkpoints.network(card, root))
    if card.kind == "classifier":
        _check_classes(model)
    return model


def _check_classes(model: Model) -> None:
    """One black scan through the network: a label too few would give every class another's name."""
    card = model.card
    with torch.inference_mode():
        black = torch.zeros(1, card.input.channels, card.input.size, card.input.size)
        outputs = _any_classifier(model)(black).shape[1]
    if outputs != len(card.labels):
        raise CardError(
            f"Card {card.id} names {len(card.labels)} labels and its network knows {outputs}. "
            f"Make both with: {card.training.command}"
        )


def judge(model: Model, scan: Scan, fields: LungFields | None = None) -> Judgement:
    """Classify or detect, as the card's kind asks.

    model: from `load`.
    scan: any size.
    fields: the scan's lungs, found here when not given.
    """
    if model.card.kind == "classifier":
        return classify(model, scan, fields)
    return detect(model, scan, fields)


def classify(model: Model, scan: Scan, fields: LungFields | None = None) -> Prediction:
    """Class probabilities and P(abnormal). Does not ask the gate: callers do, before.

    model: from `load`.
    scan: any size.
    fields: the scan's lungs, found here when not given.
    """
    x, _ = align(scan, model.card.input, fields)
    return _classified(model, x)


def classify_blurred(model: Model, scan: Scan, fields: LungFields | None = None) -> Prediction:
    """What a classifier says of the scan once every place of it is blurred, where a deletion curve ends.

    model: from `load`.
    scan: any size.
    fields: the scan's lungs, found here when not given.
    """
    x, _ = align(scan, model.card.input, fields)
    return _classified(model, blur(x))


def _classified(model: Model, x: Tensor) -> Prediction:
    with torch.inference_mode():
        probabilities = torch.softmax(_any_classifier(model)(x)[0], dim=0).tolist()
    named = dict(zip(model.card.labels, probabilities, strict=True))
    return Prediction(named, abnormal_score(named, model.card), model.card.threshold)


def abnormal_score(probabilities: Mapping[str, float], card: Card) -> float:
    """P(abnormal) of a binary card, 1 - P(normal) of any other: the same sum."""
    return sum(probabilities[label] for label in card.labels[1:])


def detect(model: Model, scan: Scan, fields: LungFields | None = None) -> AnomalyResult:
    """Anomaly score and map, with the reconstruction where the detector makes one.

    model: from `load`.
    scan: any size.
    fields: the scan's lungs, found here when not given.
    """
    x, frame = align(scan, model.card.input, fields)
    with torch.inference_mode():
        output = _detector(model).score(x)
    rebuilt: FloatArray | None = None
    if output.reconstruction is not None:
        grey = denormalise(output.reconstruction, model.card.input)[0, 0].clamp(0, 1)
        rebuilt = to_scan_space(grey, frame, outside=float("nan"))
    return AnomalyResult(
        score=float(output.score[0]),
        map=to_scan_space(output.map[0], frame),
        reconstruction=rebuilt,
        threshold=model.card.threshold,
    )


def error_fit(model: Model, scan: Scan, fields: LungFields | None = None) -> ErrorFit | None:
    """Error and detail of each cell beside what is usual, or None where a card does not judge by them.

    model: from `load`.
    scan: any size.
    fields: the scan's lungs, found here when not given.
    """
    network, spec = model.network, model.card.input
    if not isinstance(network, ReconstructionDetector) or network.given is None:
        return None
    x, _ = align(scan, spec, fields)
    with torch.inference_mode():
        cells = network.given.picture(*network.error_and_detail(x))
    return ErrorFit(*((values * spec.std[0]).numpy() for values in cells))


def as_seen(model: Model, scan: Scan, fields: LungFields | None = None) -> FloatArray:
    """What the network is fed, in scan geometry: (H, W) in [0, 1], NaN outside the frame.

    model: from `load`.
    scan: any size.
    fields: the scan's lungs, found here when not given.
    """
    x, frame = align(scan, model.card.input, fields)
    return to_scan_space(denormalise(x, model.card.input)[0, 0].clamp(0, 1), frame, outside=float("nan"))


def explain(
    model: Model,
    scan: Scan,
    *,
    method: str,
    label: str,
    fields: LungFields | None = None,
    arguments: Mapping[str, int] | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Heat map of `method` for the score of `label`, in scan geometry.

    model: from `load`.
    scan: any size.
    method: a name in EXPLAINERS.
    label: one of the card's.
    fields: the scan's lungs, found here when not given.
    arguments: the method's own, such as {"window": 32}.
    progress: called by slow methods with the share done; what it raises ends the work.
    Raises UnknownName, or CardError when the card has no scale for the method.
    """
    if method not in EXPLAINERS:
        raise UnknownName(f"No explainer {method!r}. Choose from: {', '.join(EXPLAINERS)}.")
    network, target = _any_classifier(model), _class_of(model, label)
    if method not in model.card.scales:
        raise CardError(
            f"Card {model.card.id} has no scale for {method}. "
            f"Make it with: python -m train.trust --data DATA --card {model.card.id}"
        )
    x, frame = align(scan, model.card.input, fields)
    options: dict[str, Any] = dict(arguments or {})
    if method in SLOW:
        options["progress"] = progress
    heat = heat_map(network, x, target, method, **options)
    return _explanation(model, heat, method=method, label=label, frame=frame)


def explain_fast(
    model: Model, scan: Scan, *, label: str, fields: LungFields | None = None
) -> dict[str, Explanation]:
    """What `explain` gives for each method that takes a single pass and has a scale, from one pass for all.

    model: from `load`.
    scan: any size.
    label: one of the card's.
    fields: the scan's lungs, found here when not given.
    """
    network, target = _any_classifier(model), _class_of(model, label)
    x, frame = align(scan, model.card.input, fields)
    return {
        method: _explanation(model, heat, method=method, label=label, frame=frame)
        for method, heat in fast_heat_maps(network, x, target).items()
        if method in model.card.scales
    }


def _explanation(model: Model, heat: Tensor, *, method: str, label: str, frame: Frame) -> Explanation:
    unit = MEAN_UNIT if isinstance(model.network, ClassifierEnsemble) else UNITS[method]
    return Explanation(method, label, to_scan_space(heat, frame), model.card.scales[method], unit, frame)


def faithfulness(
    model: Model,
    scan: Scan,
    explanation: Explanation,
    fields: LungFields | None = None,
    progress: Progress | None = None,
) -> Faithfulness:
    """Whether the places that a map calls hot move the probability of its label.

    model: from `load`.
    scan: any size.
    explanation: of the same scan.
    fields: the scan's lungs, found here when not given.
    progress: called with the share done.
    """
    x, frame = align(scan, model.card.input, fields)
    height, width = frame.shape
    fractions = torch.tensor([frame.box]) / torch.tensor([height, width, height, width])
    heat = crop(torch.from_numpy(explanation.heatmap)[None, None], fractions, model.card.input.size)[0, 0]
    target = _class_of(model, explanation.label)
    return trust.faithfulness(_any_classifier(model), x, target, heat, progress=progress)


def _class_of(model: Model, label: str) -> int:
    if label not in model.card.labels:
        raise UnknownName(
            f"{model.card.id} knows no label {label!r}. Choose from: {', '.join(model.card.labels)}."
        )
    return model.card.labels.index(label)


def embed(model: Model, scan: Scan, fields: LungFields | None = None) -> Tensor:
    """The spatial mean of the scan's feature maps, (D,).

    model: from `load`.
    scan: any size.
    fields: the scan's lungs, found here when not given.
    """
    x, _ = align(scan, model.card.input, fields)
    with torch.inference_mode():
        return _classifier(model).embed(x)[0]


def _any_classifier(model: Model) -> AnyClassifier:
    """The network, or the ensemble, of a classifier."""
    return model.network if isinstance(model.network, ClassifierEnsemble) else _classifier(model)


def _classifier(model: Model) -> Classifier:
    if not isinstance(model.network, Classifier):
        raise UnknownName(f"{model.card.id} is a detector: it has no classes. Choose a classifier.")
    return model.network


def _detector(model: Model) -> Detector:
    if not isinstance(model.network, Detector):
        raise UnknownName(f"{model.card.id} is a classifier: it rebuilds nothing. Choose a detector.")
    return model.network
