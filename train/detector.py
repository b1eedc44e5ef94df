"""Train a reconstruction detector on normal scans only: python -m train.detector --data DATA"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from core.anatomy import lungs
from core.detectors import DETECTORS, DenoisingAutoencoder, TrainedDetector
from core.detectors.error_given_detail import ReconstructionDetector
from core.preprocess import normalise, stretch
from core.resample import crop
from core.types import InputSpec
from train import runs
from train.data import augment, sources
from train.data.sources import SOURCES, Normals
from train.fit import loop
from train.fit.error_given_detail import fit_given_detail
from train.publish.detector_card import calibrate_and_publish
from train.publish.provenance import Trained
from train.synthesis import chest_lesions

SHAPES: dict[str, dict[str, int]] = {
    "autoencoder": {"size": 96, "given_detail": True},
    "convlstm": {"size": 64, "width": 16, "steps": 4, "given_detail": True},
    "vae": {"size": 64, "given_detail": True},
    "restoring": {"size": 64, "given_detail": True},
}
HEAD_SHAPE = {
    "size": 64,
    "width": 24,
    "latent": 32,
    "given_detail": True,
}  # heads differ less than chests: fewer numbers hold them


def main() -> None:
    arguments = parse()
    torch.manual_seed(arguments.seed)
    source = SOURCES[arguments.source]
    card_id = arguments.id or f"{arguments.source}-{arguments.model}"
    shape = SHAPES[arguments.model] if source.region == "lungs" else HEAD_SHAPE
    spec = InputSpec(size=shape["size"], channels=1, mean=(0.5,), std=(0.25,), region=source.region)
    cases = sources.load_cases(source, arguments.data, arguments.seed)
    normals = sources.load_normals(source, cases)

    network = DETECTORS[arguments.model](**shape)
    assert isinstance(network, TrainedDetector)
    settings = loop.Settings(
        epochs=arguments.epochs, batch=32, learning_rate=2e-3, patience=30, seed=arguments.seed, average=0.99
    )
    if arguments.fresh:
        loop.discard_checkpoints(arguments.runs / card_id)
    lung_maps = lung_probabilities(normals) if arguments.model == "restoring" else None
    outcome = loop.fit(
        network,
        cases=len(normals.films["train"]),
        batch_loss=lambda net, chosen, generator: batch_loss(
            net, normals, lung_maps, spec, chosen, generator
        ),
        validate=lambda net: validation_error(net, normals, spec),
        watch="closeness",
        settings=settings,
        inputs={
            "films": [(normals.films[split], normals.boxes[split]) for split in ("train", "validation")],
            "lungs": lung_maps,
            "input": spec,
            "code": runs.code(batch_loss, validation_error, augment, chest_lesions),
        },
        folder=arguments.runs / card_id,
    )
    assert isinstance(outcome.network, ReconstructionDetector)
    if outcome.network.given is not None:
        fit_given_detail(outcome.network.cpu().eval(), source, normals, spec)
    trained = Trained(
        card_id=card_id,
        model=arguments.model,
        arguments=shape,
        input=spec,
        network=outcome.network,
        cases=cases,
        settings=asdict(settings),
        curve=outcome.curve,
        minutes=outcome.minutes,
        seed=arguments.seed,
    )
    calibrate_and_publish(trained, source, normals, validate_only=arguments.validate_only)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--source", choices=sorted(SOURCES), default="chest")
    parser.add_argument("--model", choices=sorted(SHAPES), default="autoencoder")
    parser.add_argument("--id", help="name of the folder in weights/; SOURCE-MODEL when left out")
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument(
        "--validate-only",
        "--rehearse",
        action="store_true",
        help="print the AUROC on drawn lesions; write nothing",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go")
    parser.add_argument("--fresh", action="store_true", help="begin anew instead of going on from there")
    return parser.parse_args()


def lung_probabilities(normals: Normals) -> Tensor:
    """(N, 1, h, w), where the lungs of the training films are."""
    parts = [lungs.probabilities(films.float()) for films in normals.films["train"].split(64)]
    return torch.cat(parts)[:, None].half()


def batch_loss(
    network: TrainedDetector,
    normals: Normals,
    lung_maps: Tensor | None,
    spec: InputSpec,
    chosen: Tensor,
    generator: Generator,
) -> Tensor:
    """The detector's own loss on augmented films.

    network: the one in training.
    normals: the normal films.
    lung_maps: (N, 1, h, w), where lungs are, for detectors that learn to remove drawn lesions; or None.
    spec: what the network is fed.
    chosen: (B,), places among the training films.
    generator: of the augmentation.
    """
    films, boxes = normals.films["train"][chosen].float(), normals.boxes["train"][chosen]
    moved, angle = augment.jitter_boxes(boxes, generator, shift=0.02, zoom=0.05, turn=4)
    x = augment.random_exposure(
        stretch(crop(films, moved, spec.size, angle=angle)), generator, gamma=0.1, contrast=0.05
    )
    if lung_maps is not None and isinstance(network, DenoisingAutoencoder):
        wide = F.interpolate(lung_maps[chosen].float(), films.shape[-2:], mode="bilinear")
        mask = crop(wide, moved, spec.size, angle=angle)
        abnormal = chest_lesions.draw_random_lesion(x, mask, generator, chance=0.7)
        return network.restoration_loss(_to_device(abnormal, spec), _to_device(stretch(x), spec))
    return network.loss(_to_device(augment.random_flip(x, generator), spec))


def _to_device(x: Tensor, spec: InputSpec) -> Tensor:
    return normalise(x, spec).to(loop.device()).contiguous(memory_format=torch.channels_last)


def validation_error(network: TrainedDetector, normals: Normals, spec: InputSpec) -> Mapping[str, float]:
    """Reconstruction error on held-out normals, and its negative to be watched; no abnormal scan is used.

    network: the one in training.
    normals: the normal films.
    spec: what the network is fed.
    """
    network.eval()
    films, boxes = normals.films["validation"], normals.boxes["validation"]
    with torch.inference_mode():
        losses = [network.loss(x.to(loop.device())) for x in sources.batches(films, boxes, spec, 64)]
    error = float(torch.stack(losses).mean())
    return {"validation_error": error, "closeness": -error}


if __name__ == "__main__":
    main()
