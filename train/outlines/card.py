"""The card of a network that outlines."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from core import cards
from core.card_types import Policy, SegmenterCard, Training
from core.types import InputSpec
from train.outlines import figures
from train.outlines.figures import Seen
from train.publish import provenance

POLICY = "dice at few marks on normals"  # train.outlines.figures.choose
NOTHING: Mapping[str, Mapping[str, float]] = {}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card says of what it is for, and of what it learned from."""

    id: str
    title: str
    task: str
    modality: str
    labels: tuple[str, str]
    intended_use: str
    limitations: tuple[str, ...]
    licence: str
    data: Mapping[str, int | float | str]


def draft(
    facts: Facts,
    *,
    model: str,
    arguments: Mapping[str, bool | int | float | str],
    spec: InputSpec,
    training: Training,
    weights: bytes,
) -> SegmenterCard:
    """A card whose threshold and report are still to be filled in.

    facts: what it says of itself.
    model, arguments: how the network is built again.
    spec: what it is fed.
    training: how it came about.
    weights: as they ship.
    """
    return SegmenterCard(
        id=facts.id,
        title=facts.title,
        kind="segmenter",
        task=facts.task,
        modality=facts.modality,
        model=model,
        arguments=arguments,
        input=spec,
        labels=facts.labels,
        threshold=0.5,
        policy=Policy("fixed"),
        training=training,
        data=facts.data,
        intended_use=facts.intended_use,
        limitations=facts.limitations,
        licence=facts.licence,
        seed=0,
        commit=provenance.commit(),
        sha256=provenance.sha256(weights),
        report={},
    )


def publish(
    card: SegmenterCard,
    weights: bytes,
    seen: Mapping[str, Seen],
    *,
    unmarked: float,
    more: Mapping[str, Mapping[str, float]] = NOTHING,
) -> None:
    """Choose threshold and smallest mark on validation, measure every split once, write and log it.

    card: from `draft`.
    weights: as they ship.
    seen: what these weights make of each split's scans, "validation" among them.
    unmarked: share of normal validation scans that shall stay without any mark.
    more: other figures of a split.
    """
    threshold, smallest = figures.choose(seen["validation"], unmarked=unmarked)
    report = {
        split: {**figures.measure(scans, threshold, smallest), **more.get(split, {})}
        for split, scans in seen.items()
    }
    for split in report.keys() - {"validation"}:
        provenance.log_opening(card.id, None, split=split)
    policy = Policy(POLICY, {"unmarked": unmarked})
    cards.write(
        replace(card, threshold=threshold, smallest=smallest, policy=policy, report=report), weights, None
    )
    print(json.dumps({"threshold": threshold, "smallest": smallest, **report}, indent=1))
