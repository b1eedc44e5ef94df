"""Opacities on adults' chest films: python -m train.outlines.chest --data DATA

Even-numbered outlined films teach and choose, odd-numbered ones are measured once, at the end.
"""

import argparse
import csv
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from tqdm import tqdm

from core import checkpoints, inference, preprocess, reading, resample
from core.card_types import Training
from core.inference import Model
from core.models import OutlineHead
from core.names import CHEST_FILM
from core.preprocess import align, to_scan_space
from core.reading import images
from core.resample import crop
from core.types import FloatArray, Frame
from train import runs
from train.data import augment, hospitals
from train.data.datasets import lesion_masks
from train.data.hospitals import Film
from train.data.near_copies import ALIKE, thumbnails
from train.outlines import card as cards_of
from train.outlines import figures
from train.outlines.card import Facts
from train.outlines.figures import Mask, Seen
from train.publish import provenance

ID = "opacity-outline"
BASE = "pneumonia-all-ages-dinov2"
SIDE = 64  # of the outlines that are learned
STEPS, BATCH, RATE, DECAY = 300, 16, 3e-3, 5e-2
FOLDS = 4  # of the even films, to choose threshold and smallest mark
OFTEN = 6.0  # times as often an outlined film is drawn as a boxed or normal one
UNMARKED = 0.9  # of the validation normals
NORMALS = {"train": 60, "validation": 40, "test": 50}  # of each source
SOURCES = ("covid_radiography", "nih352", "rsna128", "shenzhen", "montgomery")

FACTS = Facts(
    id=ID,
    title="Opacity outline",
    task="opacity outline",
    modality=CHEST_FILM,
    labels=("background", "opacity"),
    intended_use="Outlines ground glass and consolidation on frontal chest films of adults. For teaching.",
    limitations=(
        "Outlined films of COVID-19 alone taught it, and boxes, whose ellipses stand for outlines.",
        "On the films that measured it the others' mean outline does nearly as well: disease lay alike.",
        "Edges are coarse: the network sees the lungs on a grid of 16 by 16 and draws on one of 32 by 32.",
        "An opacity outside the box around the lungs that were found is never marked.",
        "It sees through a network that learned whole films' labels on five hospitals, NIH's among them.",
    ),
    licence="research use: as the most restrictive of the data that taught it (RSNA, NLM, Kaggle)",
    data={
        "name": "COVID films outlined by radiologists (100, even-numbered to learn); RSNA boxes on NIH films",
        "licence": "CC BY 4.0, films mixed; RSNA annotations non-commercial; research use",
        "split": "outlined films by number, near copies of odd ones left out; others by patient",
    },
)


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What one film teaches. outline, counted: (1, SIDE, SIDE) in the network's frame; 0 in `counted` where
    nobody knows."""

    film: Film
    maps: Tensor
    frame: Frame
    outline: Tensor
    counted: Tensor


def main() -> None:
    arguments = parse()
    model = inference.load(BASE)
    films = chosen(arguments.data)
    started = time.monotonic()
    known = {name: look(model, part, arguments) for name, part in films.items()}
    held_out = out_of_fold(model, known, arguments.data)
    network = learn(model, known["train"], seed=0)
    data = checkpoints.pack(network)
    training = Training(
        command=provenance.command(),
        settings=settings(),
        curve=(),
        minutes=round((time.monotonic() - started) / 60, 1),
        parameters=sum(part.numel() for part in network.parameters() if part.requires_grad),
    )
    draft = cards_of.draft(
        replace(FACTS, data={**FACTS.data, **{name: len(part) for name, part in films.items()}}),
        model="outline-head",
        arguments={"of": network.of},
        spec=model.card.input,
        training=training,
        weights=data,
    )
    stored = checkpoints.unpack(draft, data)
    assert isinstance(stored, OutlineHead)
    tested = {name: seen_by(stored, part, arguments.data) for name, part in by_source(known["test"]).items()}
    more = {"test": {"dice_mean_outline": mean_outline_dice(known["test"])}}
    cards_of.publish(draft, data, {"validation": held_out, **tested}, unmarked=UNMARKED, more=more)


def out_of_fold(model: Model, known: Mapping[str, Sequence[Known]], root: Path) -> Seen:
    """What heads make of even films that did not teach them, and of validation normals.

    model: the classifier below.
    known: films by split.
    root: folder with the public data sets.
    """
    even = [one for one in known["train"] if one.film.source == "lesions"]
    rest = [one for one in known["train"] if one.film.source != "lesions"]
    parts: list[Seen] = []
    for fold in range(FOLDS):
        held = even[fold::FOLDS]
        network = learn(model, [one for one in even if one not in held] + rest, seed=fold)
        parts.append(seen_by(network, [*held, *known["validation"][fold::FOLDS]], root))
    return Seen(
        [one for part in parts for one in part.found],
        [one for part in parts for one in part.truth],
        [one for part in parts for one in part.normal],
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where maps are kept")
    return parser.parse_args()


def settings() -> Mapping[str, bool | int | float | str]:
    return {"steps": STEPS, "batch": BATCH, "learning_rate": RATE, "weight_decay": DECAY, "often": OFTEN}


def chosen(root: Path) -> dict[str, list[Film]]:
    """Outlined films, boxed ones and normals of each source, by split."""
    table = hospitals.table(root)
    outlined = [film for film in table if film.source == "lesions"]
    odd = [film for film in outlined if number(film) % 2]
    even = [film for film in outlined if film not in odd]
    alike = thumbnails([film.case for film in even]) @ thumbnails([film.case for film in odd]).T
    even = [film for film, row in zip(even, alike, strict=True) if not bool((row > ALIKE).any())]
    boxed = [film for film in table if film.label == "opacity" and film.case.split == "train"]
    result = {"train": even + boxed, "validation": [], "test": odd}
    for split, most in NORMALS.items():
        normal = [film for film in table if film.label == "normal" and film.case.split == split]
        for source in SOURCES:
            result[split] += [film for film in normal if film.source == source][:most]
    return result


def number(film: Film) -> int:
    return int(film.case.path.stem)


def look(model: Model, films: Sequence[Film], arguments: argparse.Namespace) -> list[Known]:
    """What the classifier's maps are of each film, kept on disk, and what is known of it."""
    inputs = [model.card.sha256, [film.case.path for film in films], runs.code(preprocess, reading, resample)]
    maps, boxes, shapes = runs.cached(
        "maps", inputs, lambda: _maps(model, films), arguments.runs / ID, mmap=True
    )
    result = []
    for film, seen, box, shape in zip(films, maps, boxes.tolist(), shapes.tolist(), strict=True):
        frame = Frame(tuple(box), tuple(shape))
        outline, counted = (in_frame(mask, frame) for mask in truth_of(film, frame.shape, arguments.data))
        result.append(Known(film, seen, frame, (outline >= 0.5).float(), (counted >= 0.5).float()))
    return result


def _maps(model: Model, films: Sequence[Film]) -> tuple[Tensor, Tensor, Tensor]:
    maps, boxes, shapes = [], [], []
    network = OutlineHead(of=BASE)
    network.set_base(model.network)
    for film in tqdm(films, desc="looking", unit="film", mininterval=10):
        x, frame = align(images.read(film.case.path.read_bytes(), film.case.name), model.card.input)
        with torch.inference_mode():
            maps.append(network.base_classifier().features(x)[0].half())
        boxes.append(frame.box)
        shapes.append(frame.shape)
    return torch.stack(maps), torch.tensor(boxes), torch.tensor(shapes)


def in_frame(mask: FloatArray, frame: Frame) -> Tensor:
    """(H, W) of any size over the film -> (1, SIDE, SIDE) over the frame."""
    height, width = frame.shape
    box = torch.tensor([frame.box]) / torch.tensor([height, width, height, width])
    return crop(torch.from_numpy(np.array(mask, dtype=np.float32))[None, None], box, SIDE)[0]


def truth_of(film: Film, shape: tuple[int, int], root: Path) -> tuple[FloatArray, FloatArray]:
    """Where a film's opacities are, and where that is known: masks over the film."""
    if film.source == "lesions":
        outline = outlined(film, shape, root)
        return outline.astype(np.float32), np.ones(shape, dtype=np.float32)
    if film.label != "opacity":
        return np.zeros((2, 2), dtype=np.float32), np.ones((2, 2), dtype=np.float32)
    inside, corners = _boxed(film, root)
    return inside, 1 - corners


def outlined(film: Film, shape: tuple[int, int], root: Path) -> Mask:
    """Ground glass and consolidation together, (H, W)."""
    paths = lesion_masks(root, film.case)
    masks = [images.read(path.read_bytes(), path.name).pixels > 0 for path in paths]
    everywhere = np.logical_or.reduce([np.zeros(shape, dtype=np.bool_), *masks])
    return np.asarray(everywhere, dtype=np.bool_)


def _boxed(film: Film, root: Path) -> tuple[FloatArray, FloatArray]:
    """(256, 256) each: ellipses that fill the boxes, and the boxes' corners, which may be either."""
    with (root / "adults_rsna_128" / "labels.csv").open(newline="") as file:
        rows = {row["file"]: row["boxes_left_top_width_height_of_1024"] for row in csv.DictReader(file)}
    y, x = np.mgrid[0:256, 0:256] * 4 + 2
    inside, boxes = np.zeros((256, 256), dtype=np.bool_), np.zeros((256, 256), dtype=np.bool_)
    for left, top, width, height in json.loads(rows[film.case.path.name]):
        across, down = (x - left) / width * 2 - 1, (y - top) / height * 2 - 1
        inside |= across**2 + down**2 <= 1
        boxes |= (abs(across) <= 1) & (abs(down) <= 1)
    return inside.astype(np.float32), (boxes & ~inside).astype(np.float32)


def learn(model: Model, known: Sequence[Known], *, seed: int) -> OutlineHead:
    """A head on the classifier's maps."""
    torch.manual_seed(seed)
    generator = Generator().manual_seed(seed)
    network = OutlineHead(of=model.card.version)
    network.set_base(model.network)
    network.train()
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
    weight = torch.tensor([OFTEN if one.film.source == "lesions" else 1.0 for one in known])
    for _ in tqdm(range(STEPS), desc="learning", unit="batch", mininterval=10):
        batch = [known[i] for i in torch.multinomial(weight, BATCH, generator=generator).tolist()]
        optimizer.zero_grad()
        loss(network, batch, generator).backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def loss(network: OutlineHead, batch: Sequence[Known], generator: Generator) -> Tensor:
    """Cross-entropy and soft Dice where the truth is known, films mirrored at random."""
    parts = [torch.stack([getattr(one, name) for one in batch]) for name in ("maps", "outline", "counted")]
    mirrored = augment.bernoulli(generator, len(batch), 0.5)[:, None, None, None]
    maps, outline, counted = (torch.where(mirrored, part.flip(3), part).float() for part in parts)
    logits = F.interpolate(network.from_maps(maps), size=(SIDE, SIDE), mode="bilinear")
    entropy = F.binary_cross_entropy_with_logits(logits, outline, weight=counted)
    probability = torch.sigmoid(logits) * counted
    overlap = 2 * (probability * outline).sum((1, 2, 3)) + 10
    dice = 1 - overlap / (probability.sum((1, 2, 3)) + outline.sum((1, 2, 3)) + 10)
    return entropy + dice.mean()


def seen_by(network: OutlineHead, known: Sequence[Known], root: Path) -> Seen:
    """What the network makes of films, in their own geometry: outlined ones with their truth, and normals.

    A film whose outline is empty counts on neither side. Boxes are no outlines: they are not measured here.
    """
    found, truth, normal = [], [], []
    for one in known:
        if one.film.label not in ("covid", "normal"):
            continue
        with torch.inference_mode():
            logits = network.from_maps(one.maps[None].float())
        size = (2 * SIDE, 2 * SIDE)
        fine = F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
        probability = to_scan_space(torch.sigmoid(fine)[0, 0], one.frame)
        if one.film.label == "normal":
            normal.append(probability)
        elif (mask := outlined(one.film, one.frame.shape, root)).any():
            found.append(probability)
            truth.append(mask)
    return Seen(found, truth, normal)


def by_source(known: Sequence[Known]) -> dict[str, list[Known]]:
    """Outlined films beside normals of the sources that taught, and beside those of another hospital."""
    outlined_films = [one for one in known if one.film.source == "lesions"]
    away = [one for one in known if one.film.source == "montgomery" and one.film.label == "normal"]
    home = [one for one in known if one not in away and one not in outlined_films]
    return {"test": outlined_films + home, "test, normals of Montgomery": outlined_films + away}


def mean_outline_dice(known: Sequence[Known]) -> float:
    """Of the mean outline of the other films, in the lungs' frame."""
    films = [one for one in known if one.film.source == "lesions" and bool(one.outline.any())]
    return figures.mean_outline([one.outline[0].numpy() >= 0.5 for one in films])


if __name__ == "__main__":
    main()
