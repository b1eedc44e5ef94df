"""Try the cards of all ages on what must not matter: python -m train.hospitals.controls --data DATA

The same film resampled, compressed or smaller must be judged alike; a film without its lungs must not be
judged at all. Test films; nothing is chosen here.
"""

import argparse
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from torch import Tensor
from tqdm import tqdm

from core import cards, inference, names
from core.anatomy import lungs
from core.inference import Model
from core.models import AnyClassifier
from core.preprocess import align, frame_of
from core.reading import images
from core.resample import crop
from core.types import Scan, is_abnormal
from train.data import hospitals
from train.data.datasets import Case, evenly_spaced
from train.hospitals import sources
from train.publish import provenance

CARDS = ("pneumonia-all-ages-dinov2", "pneumonia-all-ages-mobilenet-v2", "pneumonia-all-ages-small")
SMALL = 224  # side of the copies, as public sets have them
Change = Callable[[Image.Image], Image.Image]


def _smaller(way: Image.Resampling) -> Change:
    return lambda picture: picture.resize((SMALL, SMALL), way)


def _jpeg(picture: Image.Image) -> Image.Image:
    stored = io.BytesIO()
    picture.save(stored, "JPEG", quality=50)
    return Image.open(stored)


CHANGES: dict[str, Change] = {
    "nearest neighbour": _smaller(Image.Resampling.NEAREST),
    "bicubic": _smaller(Image.Resampling.BICUBIC),
    "Lanczos": _smaller(Image.Resampling.LANCZOS),
    "JPEG 50": _jpeg,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--films", type=int, default=150, help="of each source, label and control")
    arguments = parser.parse_args()
    films = [film for film in hospitals.table(arguments.data) if film.case.split == "test"]
    large = _some(films, ("chest_xray_large", "nih352"), arguments.films)
    all_kinds = _some(films, ("chest_xray", "covid_radiography", "nih352", "rsna128"), arguments.films)
    for card_id in CARDS:
        model = inference.load(card_id)
        measured = {**resampled(model, large), **blackened(model, all_kinds)}
        provenance.log_opening(
            card_id, measured[f"AUC, {names.FILMS_OF_FULL_SIZE}"], split="test, altered films"
        )
        now = model.card
        cards.update(card_id, figures={**now.figures, **measured})
        print(card_id, {name: round(value, 4) for name, value in measured.items()}, flush=True)


def _some(films: Sequence[hospitals.Film], wanted: Sequence[str], most: int) -> list[Case]:
    """At most so many of each source and of normal and ill, evenly spaced."""
    return [
        replace(film.case, label="normal" if normal else "ill")
        for source in wanted
        for normal in (True, False)
        for film in evenly_spaced(
            [
                f
                for f in films
                if f.source == source and (f.label == "normal") == normal and f.label != "other"
            ],
            most,
        )
    ]


def resampled(model: Model, cases: Sequence[Case]) -> dict[str, float]:
    """Share of verdicts kept, and AUC against that of the films as they are.

    model: of a card.
    cases: films of full size.
    """
    scores: dict[str, list[float]] = {name: [] for name in ("", *CHANGES)}
    for case in tqdm(cases, desc="resampled", unit="film", mininterval=10):
        scan = images.read(case.path.read_bytes(), case.name)
        picture = Image.fromarray((scan.pixels * 255).round().astype(np.uint8))
        scores[""].append(score(model, scan))
        for name, change in CHANGES.items():
            pixels = np.asarray(change(picture), dtype=np.float32) / np.float32(255)
            scores[name].append(score(model, replace(scan, pixels=pixels)))
    ill = np.array([case.label == "ill" for case in cases])
    plain = np.array(scores.pop(""))
    base = float(roc_auc_score(ill, plain))
    found = {f"AUC, {names.FILMS_OF_FULL_SIZE}": base, names.FILMS_OF_FULL_SIZE: float(len(cases))}
    for name, values in scores.items():
        same = is_abnormal(np.array(values), model.card.threshold) == is_abnormal(plain, model.card.threshold)
        found |= {
            f"verdicts kept, {name}": float(same.mean()),
            f"AUC change, {name}": float(roc_auc_score(ill, values)) - base,
        }
    return found


def score(model: Model, scan: Scan) -> float:
    return inference.judge(model, scan).score


def blackened(model: Model, cases: Sequence[Case]) -> dict[str, float]:
    """AUC by source when the lungs are blackened in what the network sees: what else it goes by.

    model: of a card.
    cases: films of all sources.
    """
    scores = []
    network = model.network
    assert isinstance(network, AnyClassifier)
    for case in tqdm(cases, desc="blackened", unit="film", mininterval=10):
        x = without_lungs(model, images.read(case.path.read_bytes(), case.name))
        with torch.inference_mode():
            scores.append(1 - float(network(x).softmax(1)[0, 0]))
    found: dict[str, float] = {}
    for source in sources.HOSPITALS:
        chosen = [i for i, case in enumerate(cases) if case.name.startswith(sources.PREFIXES[source])]
        ill = [cases[i].label == "ill" for i in chosen]
        found[f"AUC with lungs blackened, {source}"] = float(roc_auc_score(ill, [scores[i] for i in chosen]))
    return found


def without_lungs(model: Model, scan: Scan) -> Tensor:
    """(1, C, size, size), aligned, the lungs as black as what lies outside their hull."""
    spec = model.card.input
    x, frame = align(scan, spec)
    assert frame == frame_of(scan, spec)
    height, width = frame.shape
    mask = torch.from_numpy(lungs.find(scan, lungs.segmenter_of(spec)).mask).float()[None, None]
    box = torch.tensor([frame.box]) / torch.tensor([height, width, height, width])
    there = crop(mask, box, spec.size) > 0.1
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (spec.mean, spec.std))
    return torch.where(there, (0 - mean) / std, x)


if __name__ == "__main__":
    main()
