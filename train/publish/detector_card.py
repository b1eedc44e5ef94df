"""From a finished detector to its folder in weights/: scores, threshold, figures, card."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from core import cards, checkpoints
from core.card_types import Card, Policy
from core.detectors import Detector, DetectorEnsemble, FeatureDetector, TrainedDetector
from core.types import InputSpec
from train.data import sources
from train.data.datasets import Case
from train.data.sources import Normals, Source
from train.fit.feature_cache import CachedBackbone
from train.publish import provenance, report
from train.publish.detector_metrics import HeldOut, compute_metrics, held_out, inference_cost
from train.publish.provenance import Trained
from train.publish.texts import LIMITATIONS, TITLES
from train.synthesis.validation_lesions import drawn_lesions, lesion_aurocs

CONTROLS = ("mean-film", "detail-alone")  # no network: there to be beaten


def draft_detector_card(trained: Trained[Detector], source: Source) -> Card:
    """A card whose threshold, report, scales, shift, figures and sha256 are still to be filled in."""
    card_id, model, cases = trained.card_id, trained.model, trained.cases
    used = [case for case in cases if case.label == "normal" or case.split in ("validation", "test")]
    return Card(
        id=card_id,
        title=TITLES.get(card_id, card_id),
        kind="detector",
        task=source.task,
        modality=source.modality,
        model=model,
        arguments=trained.arguments,
        input=trained.input,
        labels=source.labels,
        threshold=0.0,
        policy=Policy("mean-k-std", {"k": 1.0}),
        training=trained.training,
        data={
            "name": source.name,
            "licence": source.licence,
            "split": source.split,
            **_counts(used),
        },
        intended_use=source.intended_use,
        limitations=(*LIMITATIONS.get(card_id, LIMITATIONS.get(model, ())), *source.limitations),
        licence="MIT",
        seed=trained.seed,
        commit=provenance.commit(),
        sha256="",
        report={},
        scales={},
        shift={},
        yardstick=is_yardstick(model, trained.input),
        ages=source.ages,
    )


def calibrate_and_publish(
    trained: Trained[TrainedDetector],
    source: Source,
    normals: Normals,
    *,
    validate_only: bool,
) -> None:
    """Calibrate a trained network, then publish it, or only print its AUROC on drawn lesions.

    trained: a network that still has no usual error to compare with.
    source: of its scans.
    normals: the split calibration is used.
    validate_only: print the AUROC on drawn lesions and write nothing.
    """
    network, spec, cases = trained.network.cpu(), trained.input, trained.cases
    with torch.inference_mode():
        network.calibrate(sources.batches(normals.films["calibration"], normals.boxes["calibration"], spec))
    if validate_only:
        print(
            lesion_aurocs(network, drawn_lesions(source, tuple(cases), split="calibration"), spec), flush=True
        )
        return
    publish_detector(draft_detector_card(trained, source), network, source, cases)


def is_yardstick(model: str, spec: InputSpec) -> bool:
    """Controls, and the hand-made score on films as they come: inside the lungs it is a detector."""
    return model in CONTROLS or (model == "detail" and spec.region == "whole")


def _counts(cases: Sequence[Case]) -> dict[str, int]:
    names = [f"{case.split} {case.label}" for case in cases]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def publish_detector(
    card: Card, network: Detector, source: Source, cases: Sequence[Case], root: Path = cards.WEIGHTS
) -> Card:
    """Measure what only detectors have, then go the way of every card.

    card: without threshold and report.
    network: its network, calibrated.
    source: of its scans.
    cases: those of validation and test are scored, each film read once for all detectors.
    root: where all cards lie.
    """
    packed = report.pack(card, network)
    stored = checkpoints.unpack(packed.card, packed.data, root)  # rounded as it will ship
    if not isinstance(stored, Detector):
        raise TypeError(f"{card.model} is no detector.")
    cache_features(stored)
    held = held_out(source, tuple(cases))
    scores, peaks = scores_and_peaks(stored, held, card.input)
    table = report.tabulate(held.cases, scores)
    normal_peaks = [p for p, c in zip(peaks, held.cases, strict=True) if c.split == "validation"]
    drawn = drawn_lesions(source, tuple(cases), split="validation")
    measured = compute_metrics(report.with_report(packed.card, table), stored, held, table)
    measured |= lesion_aurocs(stored, drawn, card.input)
    checkpoints.load_dependencies(stored)  # the backbone itself again, for an honest clock
    measured |= inference_cost(card, stored, held.films[0, 0])
    scales = {"map": float(np.quantile(normal_peaks, 0.95))}
    ready = replace(packed, card=replace(packed.card, scales=scales, figures=measured))
    done = report.publish_card(ready, table, root)
    print("  ".join(f"{name} {value:.4g}" for name, value in done.figures.items()), flush=True)
    return done


def scores_and_peaks(network: Detector, held: HeldOut, spec: InputSpec) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and the highest value of each map: (N,) each.

    network: the detector.
    held: validation and test.
    spec: what the network is fed.
    """
    scores, peaks = [], []
    with torch.inference_mode():
        for x in sources.batches(held.films, held.boxes, spec):
            output = network.score(x)
            scores.append(output.score)
            peaks.append(output.map.flatten(1).amax(1))
    return torch.cat(scores).double().numpy(), torch.cat(peaks).double().numpy()


def cache_features(network: Detector, folder: Path = Path("runs/features")) -> None:
    """Put a cache before a detector's backbone: each scan's features are computed once for all detectors."""
    if isinstance(network, FeatureDetector):
        network.set_backbone(
            CachedBackbone(checkpoints.backbone(network.backbone), folder / network.backbone)
        )
    if isinstance(network, DetectorEnsemble):
        for member in network.loaded_members():
            cache_features(member, folder)
