"""From a trained classifier to its folder in weights/, and to the binary card that comes with it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from core import cards, checkpoints
from core.card_types import Card, Policy, Scores, Training
from core.models import Classifier
from core.models.lent import Summed
from core.types import InputSpec
from train import loop, provenance, recipes, report, tasks
from train.data import Case
from train.recipes import Recipe
from train.tasks import TASKS, Task


def draft(
    task: Task,
    model: str,
    recipe: Recipe,
    spec: InputSpec,
    cases: Sequence[Case],
    network: Classifier,
    outcome: loop.Outcome[Classifier],
    *,
    seed: int,
) -> Card:
    """A card whose threshold, report, shift and sha256 are still to be filled in."""
    return blank(
        task.card(model),
        task,
        task.title(recipe.title),
        recipe.model,
        recipes.arguments(recipe, len(task.labels)),
        spec,
        cases,
        Training(
            command=provenance.command(),
            settings=asdict(recipe.settings),
            curve=outcome.curve,
            minutes=round(outcome.minutes, 1),
            parameters=provenance.parameters(network),
        ),
        seed=seed,
        remarks=(recipe.remark,) if recipe.remark else (),
    )


def blank(
    card_id: str,
    task: Task,
    title: str,
    model: str,
    arguments: Mapping[str, bool | int | float | str],
    spec: InputSpec,
    cases: Sequence[Case],
    training: Training,
    *,
    seed: int = 0,
    remarks: tuple[str, ...] = (),
    yardstick: bool = False,
) -> Card:
    """What the cards of a task have in common."""
    count = {split: sum(case.split == split for case in cases) for split in ("train", "validation", "test")}
    if task.beside:
        count["adults"] = sum(case.name.startswith("covid_radiography/") for case in cases)
    return Card(
        id=card_id,
        title=title,
        kind="classifier",
        task=task.name,
        modality=task.modality,
        model=model,
        arguments=arguments,
        input=spec,
        labels=task.labels,
        threshold=0.5,
        policy=Policy("youden"),
        training=training,
        data={**task.data, **count},
        intended_use=task.intended_use,
        limitations=(*remarks, *task.limitations),
        licence="MIT",
        seed=seed,
        commit=provenance.commit(),
        sha256="",
        report={},
        scales={},
        shift={},
        yardstick=yardstick,
    )


def publish(card: Card, network: Classifier, cases: Sequence[Case]) -> None:
    """Write the card, and beside it the reading of the same network as normal against all else."""
    written = report.publish(card, network, cases)
    task = TASKS[card.task]
    if not task.summed:
        return
    binary = tasks.of_card(replace(written, task=task.summed))
    summed = Summed(of=f"{written.id}@{written.sha256[:12]}")
    checkpoints.complete(summed)
    second = replace(
        written,
        id=written.id.replace(card.task, task.summed),
        task=task.summed,
        model="summed",
        arguments={"of": summed.of},
        labels=binary.labels,
        intended_use=binary.intended_use,
        limitations=(f"The network of {written.id}: its abnormal classes added up.", *written.limitations),
        report={},
        scales={},
        shift={},
    )
    report.publish(second, summed, cases, known=added_up(cards.scores(written), binary))


def added_up(table: Scores, task: Task) -> Scores:
    """The same scores read as normal against all else."""
    normal, abnormal = task.labels
    probabilities = {normal: table.probabilities[normal], abnormal: table.score}
    label = tuple(name if name == normal else abnormal for name in table.label)
    return replace(table, label=label, probabilities=probabilities)
