"""Train one network on all hospitals but those left out, on one accelerator, in a minute."""

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.models.backbones import MEAN, STD
from core.models.lung_head import LungHead
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


@dataclass(frozen=True, slots=True)
class Plan:
    """left_out: sources whose films are neither learned from nor chosen by. black, swapped: shares of films
    whose outside is blackened or another's. robust: the step of GroupDRO's weights (Sagawa 2019), 0 for none.
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
    allowed = np.array([r["split"] in plan.splits and not left_out(r, plan) for r in rows])
    keys = [(kind_of(r), r["view"] if r["label"] != "other" else "") for r in rows]
    count = Counter(key for key, fine in zip(keys, allowed, strict=True) if fine)
    views = Counter(kind for kind, _ in count)
    mass = np.array(
        [
            MASS.get(k[0], 0) / count[k] / views[k[0]] if fine else 0.0
            for k, fine in zip(keys, allowed, strict=True)
        ]
    )
    answer = truth(rows, "pneumonia").numpy()
    if not plan.tb_is_pneumonia:
        answer = np.where([r["label"] == "tuberculosis" for r in rows], -1, answer)
    normal, ill = mass[answer == 0].sum(), mass[answer == 1].sum()
    mass[answer == 0] *= ill / normal
    return mass / mass.sum()


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


def learn(asked: Asked, store: Store, plan: Plan, teachers: Sequence[Asked] = ()) -> Asked:
    """crops and hulls of the store lie on the accelerator. Returns the averaged network."""
    torch.manual_seed(plan.seed)
    device = store.crops.device
    mass = torch.from_numpy(draws(store.rows, plan)).to(device)
    answers = {name: truth(store.rows, name).to(device) for name in HEADS}
    if not plan.tb_is_pneumonia:
        tb = torch.tensor([r["label"] == "tuberculosis" for r in store.rows], device=device)
        answers["pneumonia"] = torch.where(tb, -1, answers["pneumonia"])
    kinds = sorted({kind_of(row) for row in store.rows})
    group = torch.tensor([kinds.index(kind_of(row)) for row in store.rows], device=device)
    robust = torch.ones(len(kinds), device=device)
    own = [(n, p) for n, p in asked.named_parameters() if p.requires_grad]
    smooth = {n: p.detach().clone() for n, p in own}
    groups = [
        {"params": [p for _, p in own if p.ndim > 1], "weight_decay": plan.decay},
        {"params": [p for _, p in own if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=plan.rate)
    asked.train()
    started = time.monotonic()
    for step in range(plan.steps):
        rate = (
            plan.rate
            * min(1.0, (step + 1) / (0.1 * plan.steps))
            * 0.5
            * (1 + math.cos(math.pi * step / plan.steps))
        )
        for part in optimizer.param_groups:
            part["lr"] = rate
        chosen = torch.multinomial(mass, plan.batch, replacement=True)
        seen = pixels.another_day(
            store.crops[chosen], store.hulls[chosen], plan.size, black=plan.black, swapped=plan.swapped
        )
        x = normalised(seen.films)
        with torch.autocast(device.type, torch.bfloat16):
            logits, attention = asked(x)
        loss = torch.zeros((), device=device)
        for name, found in logits.items():
            y = answers[name][chosen]
            known = y >= 0
            each = F.cross_entropy(found, y.clamp_min(0), reduction="none", label_smoothing=0.05)
            if name == "pneumonia" and plan.robust:
                g = group[chosen]
                total = torch.zeros_like(robust).index_add(0, g, each.detach() * known)
                seen_of = torch.zeros_like(robust).index_add(0, g, known.float())
                robust = (robust * torch.exp(plan.robust * total / seen_of.clamp_min(1))).clamp(max=1e4)
                robust = robust / robust.mean()
                each = each * robust[g]
            loss = loss + WEIGHT[name] * (each * known).sum() / known.sum().clamp_min(1)
        inside = F.adaptive_avg_pool2d(seen.hull, attention.shape[-2:])
        loss = loss - 0.1 * (attention.float() * inside).sum((1, 2, 3)).clamp_min(1e-4).log().mean()
        if teachers:
            with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
                said = [t(x)[0] for t in teachers]
            for name, found in logits.items():
                wanted = torch.stack([a[name] for a in said]).softmax(-1).mean(0)
                loss = loss + 1.5 * WEIGHT[name] * F.kl_div(
                    found.log_softmax(1), wanted, reduction="batchmean"
                )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([p for _, p in own], 2.0)
        optimizer.step()
        keep = min(plan.average, (step + 1) / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(smooth.values()), [p.detach() for _, p in own], 1 - keep)
        if step % 100 == 0 or step == plan.steps - 1:
            print(f"{plan.name} {step} loss {loss.item():.3f} {time.monotonic() - started:.1f}s", flush=True)
    with torch.no_grad():
        for name, parameter in own:
            parameter.copy_(smooth[name])
    settle(asked, store, mass, plan)
    return asked.eval()


def settle(asked: Asked, store: Store, mass: Tensor, plan: Plan) -> None:
    """BatchNorm statistics of the averaged weights, anew."""
    norms = [m for m in asked.modules() if isinstance(m, nn.BatchNorm2d)]
    if not norms:
        return
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    asked.train()
    with torch.no_grad(), torch.autocast(store.crops.device.type, torch.bfloat16):
        for _ in range(30):
            chosen = torch.multinomial(mass, plan.batch, replacement=True)
            seen = pixels.another_day(
                store.crops[chosen], store.hulls[chosen], plan.size, black=plan.black, swapped=plan.swapped
            )
            asked(normalised(seen.films))


def logits(asked: Asked, store: Store, size: int, *, black: bool) -> dict[str, Tensor]:
    """(N, K) per head, of all films."""
    asked.eval()
    found: dict[str, list[Tensor]] = {name: [] for name in HEADS}
    device = store.crops.device
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
        for start in range(0, len(store.rows), 256):
            part = slice(start, start + 256)
            seen = pixels.plain(store.crops[part], store.hulls[part], size, black=black)
            for name, answer in asked(normalised(seen.films))[0].items():
                found[name].append(answer.float().cpu())
    return {name: torch.cat(parts) for name, parts in found.items()}
