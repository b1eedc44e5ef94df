"""Cards that no longer ship: links, scripts and operating points may still name them."""

from collections.abc import Mapping
from typing import Final

RETIRED: Final[Mapping[str, tuple[str, str]]] = {  # why, and the card to use instead
    "etiology-vgg16": ("AlexNet is far smaller and does better on validation films", "etiology-alexnet"),
    "pneumonia-vgg16": ("it stood on etiology-vgg16", "pneumonia-alexnet"),
    "etiology-swin": ("AlexNet does better on validation films", "etiology-alexnet"),
    "pneumonia-swin": ("it stood on etiology-swin", "pneumonia-alexnet"),
    "etiology-densenet121": (
        "AlexNet is half its size and does better on validation films",
        "etiology-alexnet",
    ),
    "pneumonia-densenet121": ("it stood on etiology-densenet121", "pneumonia-alexnet"),
    "chest-padim": ("PatchCore finds drawn lesions better", "chest-patchcore"),
    "chest-signs": ("its AUC on validation films is the lowest of its kind", "chest-dense"),
    "chest-signs-distance": ("lungs clearer than usual raised its score as well", "chest-dense"),
    "chest-lesions-dinov2": ("the restoring autoencoder finds drawn lesions better", "chest-restoring"),
    "chest-lesions-resnet50": ("the restoring autoencoder finds drawn lesions better", "chest-restoring"),
    "chest-air": ("brightness and detail together find more than brightness alone", "chest-dense"),
    "brain-ct-finder": ("it found what it was taught to find and little of stroke", "brain-ct-patchcore"),
    "brain-ct-autoencoder": ("it is worse than chance on validation slices", "brain-ct-patchcore"),
    "brain-ct-vae": ("it is worse than chance on validation slices", "brain-ct-patchcore"),
}


def notice(card_id: str) -> str | None:
    """What became of that card and what to use instead, or None if it was never retired."""
    if card_id not in RETIRED:
        return None
    why, instead = RETIRED[card_id]
    return f"Card {card_id!r} was retired: {why}. Use {instead!r} instead."
