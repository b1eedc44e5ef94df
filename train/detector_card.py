"""From a finished detector to its folder in weights/: scores, threshold, figures, card."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from core import cards, checkpoints, thresholds
from core.card_types import Card, Policy, Scores, Training
from core.detectors import Detector, Ensemble, FeatureDetector, LesionFinder, TrainedDetector
from core.evaluate import evaluate
from core.types import EvaluationReport, InputSpec
from train import provenance, sources
from train.data import Case
from train.features import Remembered
from train.loop import Outcome, Settings
from train.measures import HeldOut, cost, figures, held_out
from train.rehearsal import rehearsal, rehearsed
from train.report import announce, shift
from train.sources import Normals, Source
from train.wording import LIMITATIONS, TITLES


def draft(
    card_id: str,
    model: str,
    arguments: Mapping[str, bool | int | float | str],
    source: Source,
    spec: InputSpec,
    cases: Sequence[Case],
    network: Detector,
    *,
    curve: tuple[Mapping[str, float], ...] = (),
    minutes: float = 0.0,
    settings: Mapping[str, bool | int | float | str] | None = None,
    seed: int = 0,
) -> Card:
    """A card whose threshold, report, scales, shift, figures and sha256 are still to be filled in."""
    used = [case for case in cases if case.label == "normal" or case.split in ("validation", "test")]
    return Card(
        id=card_id,
        title=TITLES[card_id],
        kind="detector",
        task=source.task,
        modality=source.modality,
        model=model,
        arguments=arguments,
        input=spec,
        labels=source.labels,
        threshold=0.0,
        policy=Policy("mean-k-std", {"k": 1.0}),
        training=Training(
            command=provenance.command(),
            settings=settings or {},
            curve=curve,
            minutes=round(minutes, 1),
            parameters=provenance.parameters(network),
        ),
        data={
            "name": source.name,
            "licence": source.licence,
            "split": source.split,
            **_counts(used),
        },
        intended_use=source.intended_use,
        limitations=(*LIMITATIONS.get(card_id, LIMITATIONS.get(model, ())), *source.limitations),
        licence="MIT",
        seed=seed,
        commit=provenance.commit(),
        sha256="",
        report={},
        scales={},
        shift={},
        yardstick=is_yardstick(model, spec),
    )


def conclude(
    card_id: str,
    model: str,
    arguments: Mapping[str, int],
    source: Source,
    spec: InputSpec,
    cases: Sequence[Case],
    normals: Normals,
    outcome: Outcome[TrainedDetector] | Outcome[LesionFinder],
    settings: Settings,
    *,
    rehearse: bool,
) -> None:
    """Calibrate what was trained, then publish it; or only say how it finds drawn lesions."""
    network = outcome.network.cpu()
    with torch.inference_mode():
        network.calibrate(sources.batches(normals.films["calibration"], normals.boxes["calibration"], spec))
    if rehearse:
        print(rehearsed(network, rehearsal(source, tuple(cases), split="calibration"), spec), flush=True)
        return
    card = draft(
        card_id,
        model,
        arguments,
        source,
        spec,
        cases,
        network,
        curve=outcome.curve,
        minutes=outcome.minutes,
        settings=asdict(settings),
        seed=settings.seed,
    )
    publish(card, network, source, cases)


def is_yardstick(model: str, spec: InputSpec) -> bool:
    """The hand-made score on films as they come; inside the lungs it is a detector like others."""
    return model == "detail" and spec.region == "whole"


def _counts(cases: Sequence[Case]) -> dict[str, int]:
    names = [f"{case.split} {case.label}" for case in cases]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def publish(drafted: Card, network: Detector, source: Source, cases: Sequence[Case]) -> Card:
    """Score validation and test, choose the threshold on normal validation scans, write the folder."""
    data = checkpoints.pack(network)
    drafted = replace(drafted, sha256=provenance.sha256(data))
    stored = checkpoints.unpack(drafted, data)  # rounded as it will ship
    if not isinstance(stored, Detector):
        raise TypeError(f"{drafted.model} is no detector.")
    remember(stored)
    held = held_out(source, tuple(cases))
    scores, peaks = answers(stored, held, drafted.input)
    card, table = report(drafted, held.cases, scores)
    normal_peaks = [p for p, c in zip(peaks, held.cases, strict=True) if c.split == "validation"]
    card = replace(card, scales={"map": float(np.quantile(normal_peaks, 0.95))})
    acted = rehearsal(source, tuple(cases), split="validation")
    measured = figures(card, stored, held, table.score) | rehearsed(stored, acted, card.input)
    checkpoints.complete(stored)  # the backbone itself again, for an honest clock
    card = replace(card, figures=measured | cost(card, stored, held.films[0, 0]))
    cards.write(card, data, table)
    announce(card)
    print("  ".join(f"{name} {value:.4g}" for name, value in card.figures.items()), flush=True)
    return card


def answers(network: Detector, held: HeldOut, spec: InputSpec) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and the hottest place of each map: (N,) each."""
    scores, peaks = [], []
    with torch.inference_mode():
        for x in sources.batches(held.films, held.boxes, spec):
            output = network.score(x)
            scores.append(output.score)
            peaks.append(output.map.flatten(1).amax(1))
    return torch.cat(scores).double().numpy(), torch.cat(peaks).double().numpy()


def report(drafted: Card, cases: Sequence[Case], scores: np.ndarray) -> tuple[Card, Scores]:
    """The card with threshold, reports and shift, and the table of its scores."""
    # figures come from the digits that scores.csv keeps, so that both say the same
    scores = np.array([float(f"{score:.6g}") for score in scores])
    table = Scores(
        split=tuple(case.split for case in cases),
        case=tuple(case.name for case in cases),
        label=tuple(case.label for case in cases),
        score=scores,
        probabilities={},
    )
    abnormal, split = np.array(table.label) != drafted.labels[0], np.array(table.split)
    chosen = split == "validation"
    threshold = thresholds.choose(drafted.policy, abnormal[chosen], scores[chosen])
    reports: dict[str, EvaluationReport] = {
        name: evaluate(
            name,
            abnormal[split == name],
            scores[split == name],
            points={drafted.policy.name: threshold},
            probabilistic=False,
        )
        for name in ("validation", "test")
    }
    moved = shift(reports, scores[~abnormal & chosen], scores[~abnormal & ~chosen])
    return replace(drafted, threshold=threshold, report=reports, shift=moved), table


def remember(network: Detector, folder: Path = Path("runs/features")) -> None:
    """Let a detector under training read each scan's features once, however many detectors ask for them."""
    if isinstance(network, FeatureDetector):
        network.attach(Remembered(checkpoints.backbone(network.backbone), folder / network.backbone))
    if isinstance(network, Ensemble):
        for member in network.lent():
            remember(member, folder)
