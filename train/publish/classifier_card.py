"""From a trained classifier to its folder in weights/, and to the binary card that comes with it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from core import cards, checkpoints
from core.card_types import Card, Policy, Scores
from core.models import Classifier
from core.models.frozen import NormalVersusRest
from train.data import tasks
from train.data.datasets import Case
from train.data.tasks import TASKS, Task
from train.publish import provenance, report
from train.publish.provenance import Trained


def draft_classifier_card(
    trained: Trained[nn.Module],
    task: Task,
    title: str,
    *,
    remarks: tuple[str, ...] = (),
    yardstick: bool = False,
) -> Card:
    """A card whose threshold, report, shift and sha256 are still to be filled in.

    trained: the network and how it came about.
    task: which labels, which data.
    title: as the list of models shows it.
    remarks: limitations beside the task's own.
    yardstick: whether it is there to be beaten.
    """
    cases = trained.cases
    count = {split: sum(case.split == split for case in cases) for split in ("train", "validation", "test")}
    if task.extra_training:
        count["adults"] = sum(case.name.startswith("covid_radiography/") for case in cases)
    return Card(
        id=trained.card_id,
        title=title,
        kind="classifier",
        task=task.name,
        modality=task.modality,
        model=trained.model,
        arguments=trained.arguments,
        input=trained.input,
        labels=task.labels,
        threshold=0.5,
        policy=Policy("youden"),
        training=trained.training,
        data={**task.data, **count},
        intended_use=task.intended_use,
        limitations=(*remarks, *task.limitations),
        licence=task.licence,
        seed=trained.seed,
        commit=provenance.commit(),
        sha256="",
        report={},
        scales={},
        shift={},
        yardstick=yardstick,
        ages=task.ages,
    )


def publish_classifier(
    card: Card, network: Classifier, cases: Sequence[Case], root: Path = cards.WEIGHTS
) -> None:
    """Write the card, and beside it the reading of the same network as normal against all else.

    card: without threshold and report.
    network: its network.
    cases: those of validation and test are scored.
    root: where all cards lie.
    """
    packed = report.pack(card, network)
    scores = report.score_cases(packed, cases, root)
    written = report.publish_card(packed, scores, root)
    task = TASKS[card.task]
    if not task.binary:
        return
    binary_task = tasks.task_of_card(replace(written, task=task.binary))
    summed = NormalVersusRest(of=f"{written.id}@{written.sha256[:12]}")
    checkpoints.load_dependencies(summed, root)
    second = replace(
        written,
        id=written.id.replace(card.task, task.binary),
        task=task.binary,
        model="summed",
        arguments={"of": summed.of},
        labels=binary_task.labels,
        intended_use=binary_task.intended_use,
        limitations=(f"The network of {written.id}: its abnormal classes added up.", *written.limitations),
        report={},
        scales={},
        shift={},
    )
    report.publish_card(report.pack(second, summed), binary_scores(scores, binary_task), root)


def binary_scores(table: Scores, task: Task) -> Scores:
    """The same scores read as normal against all else."""
    normal, abnormal = task.labels
    probabilities = {normal: table.probabilities[normal], abnormal: table.score}
    label = tuple(name if name == normal else abnormal for name in table.label)
    return replace(table, label=label, probabilities=probabilities)
