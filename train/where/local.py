"""Teach a brain MRI classifier to judge by the tumour: python -m train.where.local --data DATA

It stands on the card that is there, frozen. Outlines of training slices say where it should look.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from core import checkpoints, inference
from core.card_types import Card
from core.models.local_evidence import LocalEvidence
from core.preprocess import align
from core.reading import images
from core.resample import crop
from train import runs
from train.data.datasets import Case, tumour_mask
from train.data.tasks import TASKS, load_cases
from train.publish import classifier_card, report
from train.publish.provenance import Trained
from train.where.outlined import read_mask

BELOW = "brain-mri-mobilenet-v2"
ID, TITLE = "brain-mri-local", "MobileNetV2, judged place by place"
GRID = 24  # places a side
REMARKS = (
    "Its map is its reason: the answer is the hottest evidence of any place, and Grad-CAM shows it.",
    "Outlines of training slices taught it where to look; few gliomas are outlined.",
)
BATCH, RATE, DECAY = 32, 2e-3, 2e-2
OUTLINED_OFTEN, UNKNOWN_SELDOM = 1.5, 0.7  # how often a slice is drawn, beside normals
PLACES, POINTING = 3.0, 0.5  # weights of the losses beside the cross-entropy of the slice
FEW_ARE_TUMOUR = 3.0  # how much more a place inside counts


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """depths: maps of the network below, float16. outlines: (N, GRID, GRID), share of each place.

    truth: (N,) classes. outlined, known: (N,) bool; of normals it is known that no place is tumour.
    """

    depths: Sequence[Tensor]
    outlines: Tensor
    truth: Tensor
    outlined: Tensor

    @property
    def known(self) -> Tensor:
        return self.outlined | (self.truth == 0)


def main() -> None:
    arguments = parse()
    torch.set_num_threads(1)
    below, task = inference.load(BELOW).card, TASKS["brain-mri"]
    cases = load_cases(task, arguments.data, seed=0)
    learned = [case for case in cases if case.split == "train"]
    torch.manual_seed(0)  # before the network: its start is drawn too
    network = LocalEvidence(of=below.version, classes=len(task.labels))
    checkpoints.load_dependencies(network)
    kept = runs.cached(
        "brain-mri-local",
        [below.version, [case.name for case in learned]],
        lambda: gather(network, below, learned, arguments.data),
        arguments.runs,
    )
    truth = torch.tensor([task.labels.index(case.label) for case in learned])
    lesson = Lesson(kept[:3], kept[3], truth, kept[4])
    start = time.monotonic()
    often = torch.where(lesson.known, 1.0, UNKNOWN_SELDOM) * torch.where(lesson.outlined, OUTLINED_OFTEN, 1)
    learn(network, lesson, often, arguments.epochs)
    trained = Trained(
        card_id=ID,
        model="local-evidence",
        arguments={"of": below.version, "classes": len(task.labels)},
        input=below.input,
        network=network,
        cases=cases,
        settings={"epochs": arguments.epochs, "batch": BATCH, "outlined slices": int(lesson.outlined.sum())},
        minutes=(time.monotonic() - start) / 60,
    )
    card = classifier_card.draft_classifier_card(trained, task, TITLE, remarks=REMARKS)
    draft = report.pack(replace(card, gate=below.gate), network)
    report.publish_card(draft, report.score_cases(draft, cases))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where maps are kept")
    parser.add_argument("--epochs", type=int, default=8)
    return parser.parse_args()


def gather(network: LocalEvidence, below: Card, cases: Sequence[Case], root: Path) -> list[Tensor]:
    """Three depths, outlines and whether there is one, of each slice."""
    rows = [_look(network, below, case, root) for case in tqdm(cases, "maps", unit="scan", mininterval=5)]
    return [torch.stack(column) for column in zip(*rows, strict=True)]


def _look(network: LocalEvidence, below: Card, case: Case, root: Path) -> tuple[Tensor, ...]:
    x, frame = align(images.read(case.path.read_bytes(), case.name), below.input)
    with torch.inference_mode():
        maps = [seen[0].half() for seen in network.depths(x)]
    file = tumour_mask(root, case)
    if not file.is_file():
        return (*maps, torch.zeros(GRID, GRID), torch.tensor(False))
    mask = torch.from_numpy(read_mask(file).astype(np.float32))
    height, width = frame.shape
    box = torch.tensor([frame.box]) / torch.tensor([height, width, height, width])
    inside = crop(mask[None, None], box, below.input.size) > 0.5
    return (*maps, F.adaptive_avg_pool2d(inside.float(), GRID)[0, 0], torch.tensor(True))


def learn(network: LocalEvidence, lesson: Lesson, weight: Tensor, epochs: int) -> None:
    """Train in place.

    network: on a frozen one.
    lesson: scans to learn from.
    weight: (N,), how often each is drawn.
    epochs: in units of N draws.
    """
    settle(network, lesson, torch.multinomial(weight, min(256, len(weight))))
    own = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(own, lr=RATE, weight_decay=DECAY)
    steps = epochs * len(weight) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=max(steps, 2), pct_start=0.05)
    network.train()
    for step in range(steps):
        loss = loss_of(network, lesson, torch.multinomial(weight, BATCH, replacement=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            print(f"step {step} of {steps}, loss {loss.item():.3f}", flush=True)
    network.eval()


def settle(network: LocalEvidence, lesson: Lesson, chosen: Tensor) -> None:
    """The norms learn the spread of each depth, once."""
    for norm, seen in zip(network.norms, lesson.depths, strict=True):
        some = seen[chosen].float()
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(some.mean((0, 2, 3)))
        norm.running_var.copy_(some.var((0, 2, 3)))
        norm.momentum = 0.0


def loss_of(network: LocalEvidence, lesson: Lesson, chosen: Tensor) -> Tensor:
    """Cross-entropy of the slice, of its places where they are known, and of where the hottest lie."""
    maps, outlines = [seen[chosen].float() for seen in lesson.depths], lesson.outlines[chosen]
    if torch.rand(()) < 0.5:
        maps, outlines = [seen.flip(-1) for seen in maps], outlines.flip(-1)
    truth, known, outlined = lesson.truth[chosen], lesson.known[chosen], lesson.outlined[chosen]
    f = network.joined(maps)
    places = network.evidence(f)
    loss = F.cross_entropy(network.places(f), truth, label_smoothing=0.05)
    if known.any():
        wanted = F.one_hot(truth, places.shape[1] + 1)[:, 1:, None, None] * outlines[:, None]
        more = torch.tensor(FEW_ARE_TUMOUR)
        loss = loss + PLACES * F.binary_cross_entropy_with_logits(
            places[known], wanted[known], pos_weight=more
        )
    if outlined.any():
        own = places[outlined, truth[outlined] - 1].flatten(1).log_softmax(1)
        shares = outlines[outlined].flatten(1)
        inside = shares >= shares.amax(1, keepdim=True).clamp(
            max=0.5
        )  # half of a place, or the most there is
        loss = loss - POINTING * own.masked_fill(~inside, -torch.inf).logsumexp(1).mean()
    return loss


if __name__ == "__main__":
    main()
