"""Where brain is on a slice of a head, for drawing lesions into it."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from core.anatomy import heads
from core.names import HEAD_CT
from core.preprocess import stretch
from core.resample import crop, resize

BRIGHT_BONE_MODALITIES = (HEAD_CT,)  # modalities on which bone is bright
BONE_LEVEL = 0.8  # of the range between air and bone
SKULL_MARGIN = 0.07  # of the head's box, on every side: scalp and skull on MRI, where bone is dark
MIN_BRAIN_SHARE = 0.12  # of the head's box; below it the slice shows face, neck or the top of the skull


def brain_masks(films: Tensor, *, bone: bool) -> Tensor:
    """films: (N, 1, SIDE, SIDE), aligned to the head -> the same shape, 0 or 1.

    bone: whether bone is bright, as on CT. Empty where little brain is to be seen.
    """
    side = heads.SIZE
    found = heads.masks(films).numpy()
    if bone:
        small = stretch(resize(films.float(), side, side))[:, 0].numpy()
        found = np.stack([_within(film, head) for film, head in zip(small, found, strict=True)])
    else:
        found = np.stack(
            [ndimage.binary_erosion(head, iterations=round(SKULL_MARGIN * side)) for head in found]
        )
    found &= (found.mean((1, 2)) >= MIN_BRAIN_SHARE)[:, None, None]
    wide = resize(torch.from_numpy(found.astype(np.float32))[:, None], *films.shape[-2:])
    return (wide > 0.5).float()


def masks_in_films(films: Tensor, boxes: Tensor, *, bone: bool) -> Tensor:
    """`brain_masks`, put back to where the heads were.

    films: (N, 1, H, W).
    boxes: (N, 4), of their heads, in fractions.
    bone: whether bone is bright, as on CT.
    Returns (N, 1, H, W), 0 or 1.
    """
    found = brain_masks(aligned(films, boxes, heads.SIZE), bone=bone)
    back = torch.zeros(films.shape)
    height, width = films.shape[-2:]
    edges = (boxes * torch.tensor([height, width, height, width])).round().int().tolist()
    for index, (top, left, bottom, right) in enumerate(edges):
        back[index, 0, top:bottom, left:right] = resize(found[index : index + 1], bottom - top, right - left)
    return (back > 0.5).float()


def _within(film: NDArray[np.float32], head: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What the skull encloses. Blood as bright as bone belongs to it unless it touches the skull."""
    bright = ndimage.binary_closing(film > BONE_LEVEL, iterations=2)
    islands, count = ndimage.label(bright)
    if not count:
        return np.zeros_like(head)
    skull = islands == 1 + np.bincount(islands.ravel(), minlength=count + 1)[1:].argmax()
    inside = ndimage.binary_fill_holes(skull) & ~skull & head
    pieces, count = ndimage.label(ndimage.binary_opening(inside, iterations=2))
    if not count:
        return np.zeros_like(head)
    largest: NDArray[np.bool_] = pieces == 1 + np.bincount(pieces.ravel(), minlength=count + 1)[1:].argmax()
    brain: NDArray[np.bool_] = ndimage.binary_dilation(largest, iterations=1) & inside
    return brain


def aligned(films: Tensor, boxes: Tensor, side: int) -> Tensor:
    """Stretched, and cut to the head's box.

    films: (N, 1, H, W).
    boxes: (N, 4), in fractions.
    side: of the result, in pixels.
    Returns (N, 1, side, side).
    """
    return stretch(crop(films.float(), boxes, side))
