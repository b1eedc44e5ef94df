"""Train the lung segmenter: python -m train.lungs --data DATA"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from core import cards, checkpoints
from core.anatomy import lungs
from core.card_types import Policy, SegmenterCard, Training
from core.models.unet import UNet
from core.names import CHEST_FILM
from core.reading import images
from core.resample import as_film, crop
from core.types import InputSpec
from train import runs
from train.data import augment
from train.data.datasets import Case, adult_lung_masks, hold_out, in_split, lung_masks, read_films
from train.fit import loop
from train.publish import provenance

ID = lungs.ALL_AGES
HOSPITALS = ("children", "shenzhen", "montgomery")


def main() -> None:
    arguments = parse()
    torch.manual_seed(arguments.seed)
    cases, masks_of = gather(arguments.data, arguments.seed)
    split = {name: in_split(cases, name) for name in ("train", "validation", "test")}
    films = {name: read_films(members).float() for name, members in split.items()}
    masks = {name: load_masks(members, masks_of) for name, members in split.items()}

    where = loop.device()
    learned = films["train"].to(where), masks["train"].to(where)
    network = UNet()
    settings = loop.Settings(
        epochs=arguments.epochs, batch=32, learning_rate=4e-3, patience=20, seed=arguments.seed, average=0.99
    )
    if arguments.fresh:
        loop.discard_checkpoints(arguments.runs / ID)
    outcome = loop.fit(
        network,
        cases=len(split["train"]),
        batch_loss=lambda net, chosen, generator: batch_loss(
            net, learned[0][chosen.to(where)], learned[1][chosen.to(where)], generator
        ),
        validate=lambda net: {"dice": mean_dice(net, films["validation"], masks["validation"])},
        watch="dice",
        settings=settings,
        inputs={
            "films or masks": [(films[name], masks[name]) for name in ("train", "validation")],
            "code": runs.code(batch_loss, warp, mean_dice, dice_scores, augment),
        },
        folder=arguments.runs / ID,
    )
    data = checkpoints.pack(outcome.network)
    card = segmenter_card(data, outcome, settings, split)
    stored = checkpoints.unpack(card, data)
    figures = {name: evaluate_segmenter(stored, films[name], masks[name]) for name in ("validation", "test")}
    for hospital in HOSPITALS:
        chosen = torch.tensor([hospital_of(case) == hospital for case in split["test"]])
        figures[f"test, {hospital}"] = evaluate_segmenter(
            stored, films["test"][chosen], masks["test"][chosen]
        )
    for name, found in figures.items():
        print(name, {figure: round(value, 4) for figure, value in found.items()})
    cards.write(replace(card, report=figures), data, None)


def gather(root: Path, seed: int) -> tuple[list[Case], dict[str, Path]]:
    """Children and adults, and the mask of each film; all of Montgomery is for test, of the rest a sixth.

    root: folder with the public data sets.
    seed: of the split.
    """
    children, adults = lung_masks(root), adult_lung_masks(root)
    cases: list[Case] = []
    for pairs in (children, adults):
        whole = hold_out([case for case, _ in pairs], folds=6, seed=seed, into="test")
        cases += hold_out(whole, folds=6, seed=seed)
    return cases, {case.name: mask for case, mask in [*children, *adults]}


def hospital_of(case: Case) -> str:
    """One of HOSPITALS."""
    return next((name for name in HOSPITALS[1:] if name in case.name), HOSPITALS[0])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--epochs", type=int, default=28)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go")
    parser.add_argument("--fresh", action="store_true", help="begin anew instead of going on from there")
    return parser.parse_args()


def load_masks(cases: Sequence[Case], masks: dict[str, Path]) -> Tensor:
    """(N, 1, FILM_SIZE, FILM_SIZE), 1 where lung."""
    read = [images.read(masks[case.name].read_bytes(), case.name).pixels for case in cases]
    return torch.cat([as_film(pixels) for pixels in read]).round()


def warp(films: Tensor, masks: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Zoom from half to twice, shift, turn and flip film and mask together, down to the network's size.

    films, masks: (N, 1, H, W).
    generator: of the random numbers.
    Returns both, (N, 1, lungs.SIZE, lungs.SIZE).
    """
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(len(films), 4)
    zoom = augment.uniform(generator, (len(films), 1), -0.35, 0.35).exp()
    boxes, angle = augment.jitter_boxes((whole - 0.5) * zoom + 0.5, generator, shift=0.12, zoom=0.15, turn=20)
    boxes, angle = boxes.to(films.device), angle.to(films.device)
    x, y = (crop(batch, boxes, lungs.SIZE, angle=angle) for batch in (films, masks))
    both = augment.random_flip(torch.cat([x, y], dim=1), generator)
    return both[:, :1], both[:, 1:]


def batch_loss(network: nn.Module, films: Tensor, masks: Tensor, generator: Generator) -> Tensor:
    """Cross-entropy and soft Dice on augmented films.

    network: the one in training.
    films, masks: (N, 1, H, W).
    generator: of the augmentation.
    """
    x, y = warp(films, masks, generator)
    x = augment.random_white_out(x, y, generator, chance=0.3)
    x = augment.random_acquisition(augment.random_erasing(x, generator), generator)
    x = augment.random_exposure(x, generator, gamma=0.8)  # adults' lungs can be quite black
    logits = network(x.contiguous(memory_format=torch.channels_last)).float()
    probability = torch.sigmoid(logits)
    overlap = 2 * (probability * y).sum((1, 2, 3)) + 1
    dice = 1 - overlap / (probability.sum((1, 2, 3)) + y.sum((1, 2, 3)) + 1)
    return F.binary_cross_entropy_with_logits(logits, y) + dice.mean()


def dice_scores(network: nn.Module, films: Tensor, masks: Tensor) -> Tensor:
    """Dice of each film at the network's size, after the same cleaning as in the app.

    network: the segmenter.
    films, masks: (N, 1, H, W).
    Returns (N,).
    """
    network.eval()
    where = next(network.parameters(), films).device
    seen = torch.cat([lungs.probabilities(part.to(where), network).cpu() for part in films.split(64)])
    found = torch.stack([torch.from_numpy(lungs.clean(probability)) for probability in seen])
    truth = F.interpolate(masks, size=(lungs.SIZE, lungs.SIZE), mode="area")[:, 0] >= 0.5
    overlap = (found & truth).sum((1, 2))
    return 2 * overlap / (found.sum((1, 2)) + truth.sum((1, 2))).clamp_min(1)


def mean_dice(network: nn.Module, films: Tensor, masks: Tensor) -> float:
    """The mean of `dice_scores`.

    network: the segmenter.
    films, masks: (N, 1, H, W).
    """
    return float(dice_scores(network, films, masks).mean())


def evaluate_segmenter(network: nn.Module, films: Tensor, masks: Tensor) -> dict[str, float]:
    """Mean Dice on films as they are and under stress, and how well the lungs' box survives a white-out.

    network: the segmenter.
    films, masks: (N, 1, H, W).
    """
    count = len(films)
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(count, 4)
    opaque = augment.random_white_out(films, masks, torch.Generator().manual_seed(1), chance=1.0)
    stressed: dict[str, tuple[Tensor, Tensor]] = {
        "dice": (films, masks),
        "dice_zoomed_in": _crop_both(films, masks, (whole - 0.5) * 0.8 + 0.5, 0.0),
        "dice_zoomed_out": _crop_both(films, masks, (whole - 0.5) * 1.4 + 0.5, 0.0),
        "dice_turned_15_degrees": _crop_both(films, masks, whole, 0.26),
        "dice_low_contrast": (films * 0.4 + 0.3, masks),
        "dice_gamma_2": (films**2, masks),
        "dice_one_lung_opaque": (opaque, masks),
    }
    figures = {name: mean_dice(network, *pair) for name, pair in stressed.items()}
    boxes = box_ious(network, films, masks)
    figures |= {"box_iou": float(boxes.mean()), "box_iou_worst": float(boxes.min())}
    boxes = box_ious(network, opaque, masks)
    figures |= {
        "box_iou_one_lung_opaque": float(boxes.mean()),
        "box_iou_one_lung_opaque_worst": float(boxes.min()),
    }
    return figures | {"n": count, "dice_worst": float(dice_scores(network, films, masks).min())}


def _crop_both(films: Tensor, masks: Tensor, boxes: Tensor, angle: float) -> tuple[Tensor, Tensor]:
    turn = torch.full((len(films),), angle)
    return crop(films, boxes, 224, angle=turn), crop(masks, boxes, 224, angle=turn).round()


def box_ious(network: nn.Module, films: Tensor, masks: Tensor) -> Tensor:
    """Intersection over union of the found and the true box of the lungs, per film.

    network: the segmenter.
    films, masks: (N, 1, H, W).
    Returns (N,).
    """
    small = F.interpolate(masks, size=(lungs.SIZE, lungs.SIZE), mode="area")[:, 0] >= 0.5
    truth = torch.tensor([lungs.box_of(mask.numpy()) for mask in small])
    found = lungs.boxes(films, network)
    low, high = torch.maximum(truth[:, :2], found[:, :2]), torch.minimum(truth[:, 2:], found[:, 2:])
    shared = (high - low).clamp_min(0).prod(1)
    areas = [(box[:, 2:] - box[:, :2]).prod(1) for box in (truth, found)]
    return shared / (areas[0] + areas[1] - shared)


def segmenter_card(
    data: bytes, outcome: loop.Outcome[UNet], settings: loop.Settings, split: dict[str, list[Case]]
) -> SegmenterCard:
    """The card, without its report.

    data: the weights as they ship.
    outcome: of the training.
    settings: of the training.
    split: cases by split.
    """
    return SegmenterCard(
        id=ID,
        title="Lung fields, all ages",
        kind="segmenter",
        task="lungs",
        modality=CHEST_FILM,
        model="unet",
        arguments={"width": 16, "levels": 4},
        input=InputSpec(size=lungs.SIZE, channels=1, mean=(0.0,), std=(1.0,), region="whole"),
        labels=("background", "lung"),
        threshold=0.5,
        policy=Policy("fixed"),
        training=Training(
            command=provenance.command(),
            settings=asdict(settings),
            curve=outcome.curve,
            minutes=round(outcome.minutes, 1),
            parameters=provenance.parameters(outcome.network),
        ),
        data={
            "name": "Lung masks on Kermany's training films (v7labs), Shenzhen and Montgomery (NLM)",
            "licence": "CC BY 4.0; NLM sets to be cited, Shenzhen masks CC BY-NC-SA",
            "split": "by patient; Montgomery held out whole for test",
            **{name: len(members) for name, members in split.items()},
            "patients": len({case.patient for members in split.values() for case in members}),
        },
        intended_use="Finds the lungs on frontal chest films, so that models see lungs and not framing.",
        limitations=(
            "Learned on children of one to five years and on adults; no lateral film was seen.",
            "Children's masks include the heart's shadow over the lungs, adults' do not, as they were drawn.",
        ),
        licence="CC BY-NC-SA 4.0, as the masks of Shenzhen",
        seed=settings.seed,
        commit=provenance.commit(),
        sha256=provenance.sha256(data),
        report={},
    )


if __name__ == "__main__":
    main()
