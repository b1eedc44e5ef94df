"""Publish the cards of all ages: python -m train.hospitals.publish --data DATA --file FOLDER

FOLDER holds <network>.safetensors of python -m train.hospitals, plans.json and left-out.json. Thresholds and
calibration come from validation with the prior that it has.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core import cards, checkpoints
from core.card_types import Card, Scores
from core.models import AnotherHead, ClassifierEnsemble
from core.models.lung_head import LungHead
from core.names import WORST_SOURCE
from core.types import InputSpec
from train.data.datasets import Case
from train.data.tasks import ALL_AGES, TASKS, Task, load_cases
from train.hospitals import held_out, sources
from train.hospitals.learn import HEADS, Asked
from train.publish import classifier_card, report
from train.publish.provenance import Trained

TITLES = {"dinov2": "DINOv2 with adapters", "mobilenet-v2": "MobileNetV2", "small": "MobileNetV2, small"}
MODELS = {
    "dinov2": "adapted-transformer",
    "mobilenet-v2": "lung-mobilenet-v2",
    "small": "lung-mobilenet-v2",
}
OTHERS = {"opacity": ("dinov2", "mobilenet-v2"), "tuberculosis": ("mobilenet-v2", "small")}
LEFT_OUT = ("NIH", "Kermany")  # hospitals that every network but the small one was trained without
TOGETHER = ("dinov2", "mobilenet-v2")
REMARK = "Looks into the lungs' hull alone: all else of the film is blackened first."


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """The films held out for one task, and what the networks say of them: (N, K) by network."""

    task: Task
    cases: Sequence[Case]
    logits: Mapping[str, Tensor]

    @property
    def truth(self) -> Tensor:
        return torch.tensor([self.task.labels.index(case.label) for case in self.cases])

    @property
    def validation(self) -> Tensor:
        return torch.tensor([case.split == "validation" for case in self.cases])


def main() -> None:
    arguments = parse()
    networks = {name: held_out.load(name, arguments.file) for name in TITLES}
    asked = {"pneumonia": ALL_AGES, **{name: TASKS[name] for name in OTHERS}}
    every = {name: load_cases(task, arguments.data, seed=0) for name, task in asked.items()}
    kept = {name: [case for case in cases if case.split != "train"] for name, cases in every.items()}
    films = list({case.name: case for cases in kept.values() for case in cases}.values())
    said = held_out.logits(networks, films, arguments.runs)
    place = {case.name: index for index, case in enumerate(films)}
    held = {
        name: Held(
            asked[name],
            cases,
            {net: said[net][name][[place[case.name] for case in cases]] for net in networks},
        )
        for name, cases in kept.items()
    }
    plans = json.loads((arguments.file / "plans.json").read_text())
    left_out = {
        name: {**found, WORST_SOURCE: min(found[f"AUC, {hospital} left out"] for hospital in LEFT_OUT)}
        for name, found in json.loads((arguments.file / "left-out.json").read_text()).items()
    }
    for name, network in networks.items():
        trained = settings_of(name, network, every["pneumonia"], plans[name])
        publish_one(trained, held["pneumonia"], name, network, left_out.get(name, {}))
    for question, names in OTHERS.items():
        for name in names:
            publish_other(question, name, networks[name], held[question], every[question], plans[name])
    publish_ensemble(held["pneumonia"], every["pneumonia"], left_out.get("ensemble", {}))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--file", type=Path, required=True, help="folder with the trained networks")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where scores are kept")
    return parser.parse_args()


def card_id(name: str) -> str:
    return f"pneumonia-all-ages-{name}"


def settings_of(
    name: str, network: Asked, cases: Sequence[Case], plan: Mapping[str, bool | int | float | str]
) -> Trained[nn.Module]:
    """What the card of that network says of its training. plan: as it was run, with its minutes."""
    arguments: dict[str, bool | int | float | str] = {"classes": 2}
    if name == "dinov2":
        arguments |= {"of": "dinov2-vits14", "rank": 16}
    else:
        arguments |= {"channels": 3, "layers": 14 if name == "small" else 18}
    return Trained(
        card_id=card_id(name),
        model=MODELS[name],
        arguments=arguments,
        input=held_out.spec_of(name),
        network=network.network,
        cases=cases,
        settings={key: value for key, value in plan.items() if key != "minutes"},
        minutes=float(plan["minutes"]),
        seed=int(plan["seed"]),
    )


def publish_one(
    trained: Trained[nn.Module], held: Held, name: str, network: Asked, left_out: Mapping[str, float]
) -> None:
    """A network's own answer, on normal against pneumonia."""
    said = calibrate(network.heads()["pneumonia"], held, name)
    title = f"All ages, {TITLES[name]}"
    card = classifier_card.draft_classifier_card(trained, held.task, title, remarks=(REMARK,))
    write(card, trained.network, held, said, left_out)


def publish_other(
    question: str,
    name: str,
    network: Asked,
    held: Held,
    cases: Sequence[Case],
    plan: Mapping[str, bool | int | float | str],
) -> None:
    """Another question's head, on the feature maps of a card that is there already."""
    head = network.heads()[question]
    said = calibrate(head, held, name)
    below = cards.read(card_id(name))
    width = head.width
    arguments: dict[str, bool | int | float | str] = {
        "of": f"{below.id}@{below.sha256[:12]}",
        "width": width,
        "classes": HEADS[question],
    }
    own = AnotherHead(of=str(arguments["of"]), width=width, classes=HEADS[question])
    own.answer.load_state_dict(head.state_dict())
    checkpoints.load_dependencies(own)
    trained = replace(
        settings_of(name, network, cases, plan),
        card_id=f"{question}-{name}",
        model="another-head",
        arguments=arguments,
        network=own.eval(),
    )
    card = classifier_card.draft_classifier_card(trained, held.task, TITLES[name], remarks=(REMARK,))
    write(card, own, held, said, {})


def publish_ensemble(held: Held, cases: Sequence[Case], left_out: Mapping[str, float]) -> None:
    """The mean of unlike networks' log probabilities; their calibrated scores.csv stand for them."""
    tables = [cards.scores(classifier(card_id(name))) for name in TOGETHER]
    columns = [np.stack([t.probabilities[label] for label in held.task.labels], 1) for t in tables]
    logits = torch.from_numpy(np.mean([np.log(c.clip(1e-6, 1)) for c in columns], axis=0)).float()
    kept = held.validation
    temperature, _ = fitted(logits[kept], held.truth[kept], biased=False)
    members = " ".join(f"{card_id(n)}@{cards.read(card_id(n)).sha256[:12]}" for n in TOGETHER)
    network = ClassifierEnsemble(members=members).eval()
    network.temperature.fill_(1 / temperature)
    checkpoints.load_dependencies(network)
    spec = InputSpec(224, 1, (0.0,), (1.0,), "lungs", view="native", outside="black")
    trained = Trained(
        card_id=card_id("ensemble"),
        model="ensemble-classifier",
        arguments={"members": members},
        input=spec,
        network=network,
        cases=cases,
        settings={"rule": "the two unlike networks that are not the small one"},
    )
    title = f"All ages, ensemble of {len(TOGETHER)}"
    card = classifier_card.draft_classifier_card(trained, held.task, title, remarks=(REMARK,))
    size = sum(cards.read(card_id(n)).training.parameters for n in TOGETHER)
    card = replace(card, training=replace(card.training, parameters=size))
    write(card, network, held, logits * temperature, left_out)


def classifier(name: str) -> Card:
    card = cards.read(name)
    assert isinstance(card, Card)
    return card


def calibrate(head: LungHead, held: Held, name: str) -> Tensor:
    """Scale and shift the head's logits so that probabilities hold on validation (Platt 1999).

    The scale goes into the norm before the last layer, which is stored in full precision.
    Returns the logits (N, K) of all films held out, as the head now gives them.
    """
    kept, logits = held.validation, held.logits[name]
    scale, shift = fitted(logits[kept], held.truth[kept], biased=True)
    with torch.no_grad():
        head.norm.weight.mul_(scale)
        head.norm.bias.mul_(scale)
        head.linear.bias.mul_(scale).add_(shift)
    return logits * scale + shift


def fitted(logits: Tensor, truth: Tensor, *, biased: bool) -> tuple[float, Tensor]:
    """Scale and shift (K,) that lower the cross-entropy most. logits: (N, K). truth: (N,)."""
    log_scale = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    shift = torch.zeros(logits.shape[1], dtype=torch.float64, requires_grad=biased)
    optimizer = torch.optim.LBFGS(
        [log_scale, shift] if biased else [log_scale], max_iter=200, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(logits.double() * log_scale.exp() + shift, truth)
        value.backward()
        return value

    optimizer.step(loss)
    found = shift.detach() - shift.detach().mean()
    return float(log_scale.detach().exp()), found.float()


def write(card: Card, network: nn.Module, held: Held, said: Tensor, more: Mapping[str, float]) -> None:
    """Threshold, reports and figures from the scores, then the folder."""
    probability = said.double().softmax(1).numpy()
    probabilities = dict(zip(held.task.labels, probability.T, strict=True))
    scores: Scores = report.tabulate(held.cases, probability[:, 1:].sum(1), probabilities)
    packed = report.pack(card, network)
    judged = report.with_report(packed.card, scores)
    measured = {**sources.figures(judged, scores), **more}
    report.publish_card(replace(packed, card=replace(packed.card, figures=measured)), scores)


if __name__ == "__main__":
    main()
