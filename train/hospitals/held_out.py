"""What the trained networks say of every film held out, each seen exactly as the app shows it."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from tqdm import tqdm

from core import anatomy, checkpoints, models, preprocess, reading, resample
from core.models import AdaptedTransformer, LungMobileNetV2
from core.models.adapted import WIDTH
from core.models.backbones import MEAN, STD
from core.preprocess import align
from core.reading import images
from core.types import InputSpec
from train import runs
from train.data.datasets import Case
from train.hospitals.learn import HEADS, Asked

SIZES = {"dinov2": 224, "mobilenet-v2": 224, "small": 192}
SAVED = 200  # films between two writings of what is known so far


def spec_of(name: str) -> InputSpec:
    """What that network is fed."""
    return InputSpec(SIZES[name], 3, MEAN, STD, "lungs", view="native", outside="black")


def load(name: str, folder: Path) -> Asked:
    """The network with all its heads, as the campaign left it in folder/<name>.safetensors."""
    if name == "dinov2":
        adapted = AdaptedTransformer()
        adapted.set_base(checkpoints.backbone("dinov2-vits14"))
        asked = Asked(adapted, WIDTH)
    else:
        mobile = LungMobileNetV2(channels=3, layers=14 if name == "small" else 18)
        asked = Asked(mobile, mobile.width)
    given = {key: value.float() for key, value in load_file(folder / f"{name}.safetensors").items()}
    missing = asked.load_state_dict(given, strict=False).missing_keys
    assert all(key.startswith("network.base.") or "num_batches" in key for key in missing), missing
    return asked.eval()


def logits(
    networks: Mapping[str, Asked], cases: Sequence[Case], folder: Path
) -> dict[str, dict[str, Tensor]]:
    """Logits (N, K) by network and head. Goes on from what folder/ holds.

    networks: by their names in SIZES.
    cases: the films.
    folder: where what is known so far is kept.
    """
    known = {name: _Known(name, network, folder) for name, network in networks.items()}
    digests: list[str] = []
    for place, case in enumerate(tqdm(cases, desc="scoring", unit="film", mininterval=10), 1):
        data = case.path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        digests.append(digest)
        lacking = [each for each in known.values() if digest not in each.rows]
        if not lacking:
            continue
        scan = images.read(data, case.name)
        views: dict[int, Tensor] = {}
        for each in lacking:
            size = SIZES[each.name]
            if size not in views:
                views[size] = align(scan, spec_of(each.name))[0]
            each.ask(digest, views[size])
        if place % SAVED == 0:
            for each in known.values():
                each.save()
    for each in known.values():
        each.save()
    return {name: each.table(digests) for name, each in known.items()}


class _Known:
    """One network's answers by a film's sha256, in a file named by its weights and the code that feeds it."""

    def __init__(self, name: str, network: Asked, folder: Path) -> None:
        self.name, self.network = name, network
        made_by = runs.code(models, preprocess, resample, anatomy, reading)
        known = runs.digest(network.state_dict(), spec_of(name), made_by)
        self.path = folder / f"held-out-{name}-{known[:12]}.npz"
        self.rows: dict[str, np.ndarray] = {}
        if self.path.is_file():
            with np.load(self.path) as stored:
                self.rows = dict(zip(stored["films"].tolist(), stored["rows"], strict=True))

    def ask(self, film: str, x: Tensor) -> None:
        with torch.inference_mode():
            answers, _ = self.network(x)
        self.rows[film] = torch.cat([answers[head][0] for head in HEADS]).numpy()

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial.npz")
        np.savez(partial, films=np.array(list(self.rows)), rows=np.stack(list(self.rows.values())))
        partial.replace(self.path)

    def table(self, films: Sequence[str]) -> dict[str, Tensor]:
        rows = torch.from_numpy(np.stack([self.rows[film] for film in films]))
        parts = rows.split(list(HEADS.values()), dim=1)
        return dict(zip(HEADS, parts, strict=True))
