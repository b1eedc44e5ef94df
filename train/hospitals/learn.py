"""Train one network on all hospitals but those left out, on one accelerator, in a minute."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.models.backbones import MEAN, STD
from core.models.lung_head import LungHead
from core.precision import half
from train.hospitals import pixels
from train.hospitals.store import Store

HEADS = {"pneumonia": 2, "opacity": 3, "tuberculosis": 2}
WEIGHT = {"pneumonia": 1.0, "opacity": 0.5, "tuberculosis": 0.5}
ANSWERS: Mapping[str, Mapping[tuple[str, str], int]] = {
    "pneumonia": {
        ("kermany", "normal"): 0,
        ("kermany", "bacterial"): 1,
        ("kermany", "viral"): 1,
        ("covidrad", "normal"): 0,
        ("covidrad", "covid"): 1,
        ("nih", "normal"): 0,
        ("nih", "pneumonia"): 1,
        ("nih", "opacity"): 1,
        ("shenzhen", "normal"): 0,
        ("shenzhen", "tuberculosis"): 1,
    },
    "opacity": {("nih", "normal"): 0, ("nih", "opacity"): 1, ("nih", "other"): 2, ("covidrad", "normal"): 0},
    "tuberculosis": {("shenzhen", "normal"): 0, ("shenzhen", "tuberculosis"): 1},
}
MASS = {  # how often each kind of film is drawn; within RSNA's, both views as often
    "kermany/normal": 1.2,
    "kermany/bacterial": 0.6,
    "kermany/viral": 0.8,
    "covidrad/covid": 0.6,
    "covidrad/normal": 0.5,
    "nih352/normal": 0.5,
    "nih352/pneumonia": 0.6,
    "rsna128/normal": 0.7,
    "rsna128/opacity": 0.7,
    "rsna128/other": 0.6,
    "shenzhen/normal": 0.6,
    "shenzhen/tuberculosis": 0.6,
}


SETTLING = 30  # batches


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. left_out: hospitals, or set:NAME for a data set, that nothing is learned from.

    black, swapped: shares of films whose outside is blackened or another's. robust: the step of GroupDRO, 0
    for none. rank: of the adapters. average: of the weights. splits: learned from. teachers: names of runs.
    """

    name: str
    network: str
    left_out: tuple[str, ...] = ()
    steps: int = 500
    batch: int = 128
    rate: float = 1e-3
    size: int = 224
    black: float = 0.6
    swapped: float = 0.2
    robust: float = 0.0
    rank: int = 16
    decay: float = 2e-2
    average: float = 0.99
    seed: int = 0
    splits: tuple[str, ...] = ("train",)
    teachers: tuple[str, ...] = ()
    tb_is_pneumonia: bool = True


def source_of(row: Mapping[str, str]) -> str:
    """The hospital: normals of COVID-19 Radiography are films of NIH."""
    return "nih" if (row["source"], row["label"]) == ("covidrad", "normal") else row["source"]


def left_out(row: Mapping[str, str], plan: Plan) -> bool:
    """By hospital, or by data set where the plan says set:NAME."""
    return source_of(row) in plan.left_out or f"set:{row['source']}" in plan.left_out


def kind_of(row: Mapping[str, str]) -> str:
    place = row["sub"] if row["source"] == "nih" else row["source"]
    return f"{place}/{row['label']}"


def truth(rows: Sequence[Mapping[str, str]], head: str) -> Tensor:
    """(N,) classes, -1 where the film says nothing to the question."""
    return torch.tensor([ANSWERS[head].get((row["source"], row["label"]), -1) for row in rows])


def draws(rows: Sequence[Mapping[str, str]], plan: Plan) -> np.ndarray:
    """(N,) how probable each film is in a batch: sources, labels and views even, normals half of all."""
    allowed = np.array([row["split"] in plan.splits and not left_out(row, plan) for row in rows])
    keys = [(kind_of(row), row["view"] if row["label"] != "other" else "") for row in rows]
    count = Counter(key for key, fine in zip(keys, allowed, strict=True) if fine)
    views = Counter(kind for kind, _ in count)
    mass = np.array(
        [
            MASS.get(key[0], 0) / count[key] / views[key[0]] if fine else 0.0
            for key, fine in zip(keys, allowed, strict=True)
        ]
    )
    answer = truth(rows, "pneumonia").numpy()
    if not plan.tb_is_pneumonia:
        answer = np.where([row["label"] == "tuberculosis" for row in rows], -1, answer)
    mass[answer == 0] *= mass[answer == 1].sum() / mass[answer == 0].sum()
    return np.asarray(mass / mass.sum())


def normalised(x: Tensor) -> Tensor:
    mean, std = (torch.tensor(v, device=x.device).view(1, -1, 1, 1) for v in (MEAN, STD))
    return ((x.expand(-1, 3, -1, -1) - mean) / std).contiguous(memory_format=torch.channels_last)


class Asked(nn.Module):
    """A network with all heads: its own answers the first question."""

    def __init__(self, network: nn.Module, width: int) -> None:
        super().__init__()
        self.network = network
        self.others = nn.ModuleDict({n: LungHead(width, k) for n, k in HEADS.items() if n != "pneumonia"})

    def heads(self) -> Mapping[str, LungHead]:
        return {"pneumonia": self.network.answer, **self.others}  # type: ignore[dict-item]

    def forward(self, x: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Logits per head and the attention of the first."""
        f = self.network.features(x)  # type: ignore[operator]
        answers = {name: head(f).float() for name, head in self.heads().items()}
        return answers, self.network.answer.attention(f)  # type: ignore[operator, union-attr]


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What a plan learns from. mass: (N,), how probable each film is in a batch.

    answers: (N,) classes per head, -1 for unknown. kinds: (N,), the group of each film.
    """

    store: Store
    mass: Tensor
    answers: Mapping[str, Tensor]
    kinds: Tensor


def lesson_of(store: Store, plan: Plan) -> Lesson:
    """All films of the store, on its device, as the plan weighs them."""
    device, rows = store.crops.device, store.rows
    answers = {name: truth(rows, name).to(device) for name in HEADS}
    if not plan.tb_is_pneumonia:
        tb = torch.tensor([row["label"] == "tuberculosis" for row in rows], device=device)
        answers["pneumonia"] = torch.where(tb, -1, answers["pneumonia"])
    named = sorted({kind_of(row) for row in rows})
    kinds = torch.tensor([named.index(kind_of(row)) for row in rows], device=device)
    return Lesson(store, torch.from_numpy(draws(rows, plan)).to(device), answers, kinds)


def draw(lesson: Lesson, plan: Plan) -> tuple[Tensor, pixels.Batch]:
    """Indices (N,) of a batch, and its films as on another day."""
    chosen = torch.multinomial(lesson.mass, plan.batch, replacement=True)
    crops, hulls = lesson.store.crops[chosen], lesson.store.hulls[chosen]
    return chosen, pixels.another_day(crops, hulls, plan.size, black=plan.black, swapped=plan.swapped)


class Robust:
    """GroupDRO's weights of the kinds of film (Sagawa 2019, arXiv:1911.08731); all 1 for a step of 0."""

    def __init__(self, lesson: Lesson, step: float) -> None:
        self.step = step
        self.weights = torch.ones(int(lesson.kinds.max()) + 1, device=lesson.kinds.device)

    def weigh(self, each: Tensor, known: Tensor, kinds: Tensor) -> Tensor:
        """Losses (N,) weighted by kind; kinds that do badly count for more from now on."""
        if not self.step:
            return each
        total = torch.zeros_like(self.weights).index_add(0, kinds, each.detach() * known)
        count = torch.zeros_like(self.weights).index_add(0, kinds, known.float())
        grown = (self.weights * torch.exp(self.step * total / count.clamp_min(1))).clamp(max=1e4)
        self.weights = grown / grown.mean()
        return each * self.weights[kinds]


def loss_of(
    asked: Asked, lesson: Lesson, plan: Plan, robust: Robust, teachers: Sequence[Asked] = ()
) -> Tensor:
    """Cross-entropy of every head on the films that it has an answer for, and of looking past the lungs."""
    chosen, seen = draw(lesson, plan)
    x = normalised(seen.films)
    with half(x.device):
        found, attention = asked(x)
    loss = outside_lungs(attention.float(), seen.hull)
    for name, answer in found.items():
        y = lesson.answers[name][chosen]
        known = y >= 0
        each = F.cross_entropy(answer, y.clamp_min(0), reduction="none", label_smoothing=0.05)
        if name == "pneumonia":
            each = robust.weigh(each, known, lesson.kinds[chosen])
        loss = loss + WEIGHT[name] * (each * known).sum() / known.sum().clamp_min(1)
    return loss + distance(found, x, teachers) if teachers else loss


def outside_lungs(attention: Tensor, hull: Tensor) -> Tensor:
    """Little where the attention (N, 1, h, w) lies inside the hull (N, 1, H, W)."""
    height, width = attention.shape[-2:]
    inside = F.adaptive_avg_pool2d(hull, (height, width))
    return -0.1 * (attention * inside).sum((1, 2, 3)).clamp_min(1e-4).log().mean()


def distance(found: Mapping[str, Tensor], x: Tensor, teachers: Sequence[Asked]) -> Tensor:
    """Kullback-Leibler divergence from the mean of the teachers' answers to the same films."""
    with torch.no_grad(), half(x.device):
        said = [teacher(x)[0] for teacher in teachers]
    apart = torch.zeros((), device=x.device)
    for name, answer in found.items():
        wanted = torch.stack([one[name] for one in said]).softmax(-1).mean(0)
        apart = apart + 1.5 * WEIGHT[name] * F.kl_div(answer.log_softmax(1), wanted, reduction="batchmean")
    return apart


def learn(asked: Asked, store: Store, plan: Plan, teachers: Sequence[Asked] = ()) -> Asked:
    """Train in place, and return the network with averaged weights.

    asked: with its pretrained start, on the device of the store.
    store: films on the accelerator.
    plan: what to learn from, how long and how fast.
    teachers: networks to agree with, beside the labels.
    """
    torch.manual_seed(plan.seed)
    lesson = lesson_of(store, plan)
    robust = Robust(lesson, plan.robust)
    own = [parameter for parameter in asked.parameters() if parameter.requires_grad]
    smooth = [parameter.detach().clone() for parameter in own]
    groups = [
        {"params": [p for p in own if p.ndim > 1], "weight_decay": plan.decay},
        {"params": [p for p in own if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=plan.rate)
    asked.train()
    for step in range(plan.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, plan)
        loss = loss_of(asked, lesson, plan, robust, teachers)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(own, 2.0)
        optimizer.step()
        keep = min(plan.average, (step + 1) / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(smooth, [parameter.detach() for parameter in own], 1 - keep)
        if step % 100 == 0 or step == plan.steps - 1:
            print(f"{plan.name} step {step} loss {loss.item():.3f}", flush=True)
    with torch.no_grad():
        for parameter, value in zip(own, smooth, strict=True):
            parameter.copy_(value)
    settle(asked, lesson, plan)
    return asked.eval()


def rate_at(step: int, plan: Plan) -> float:
    """Up in the first tenth, then down along a cosine."""
    warm = min(1.0, (step + 1) / (0.1 * plan.steps))
    return plan.rate * warm * 0.5 * (1 + math.cos(math.pi * step / plan.steps))


def settle(asked: Asked, lesson: Lesson, plan: Plan) -> None:
    """Batch norms learn the statistics of the averaged weights anew."""
    norms = [module for module in asked.modules() if isinstance(module, nn.BatchNorm2d)]
    if not norms:
        return
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    asked.train()
    with torch.no_grad(), half(lesson.mass.device):
        for _ in range(SETTLING):
            asked(normalised(draw(lesson, plan)[1].films))


def logits(asked: Asked, store: Store, size: int, *, black: bool) -> dict[str, Tensor]:
    """(N, K) per head, of all films."""
    asked.eval()
    found: dict[str, list[Tensor]] = {name: [] for name in HEADS}
    device = store.crops.device
    with torch.inference_mode(), half(device):
        for start in range(0, len(store.rows), 256):
            part = slice(start, start + 256)
            seen = pixels.plain(store.crops[part], store.hulls[part], size, black=black)
            for name, answer in asked(normalised(seen.films))[0].items():
                found[name].append(answer.float().cpu())
    return {name: torch.cat(parts) for name, parts in found.items()}
