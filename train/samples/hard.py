"""Make the hard samples that ship from the plain ones: python -m train.samples.hard

The plain ones were chosen so that every classifier reads them as made. These are changed by fixed rules, in
the order of the manifest, and no classifier is asked.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Generator, Tensor

from core import cards
from core.anatomy import lungs
from core.names import CHEST_FILM
from core.reading import images
from train.data.augment import blur
from train.samples import files
from train.samples.files import ManifestRow
from train.synthesis.chest_lesions import draw_lesion

FOLDER = cards.WEIGHTS / cards.SAMPLES
Rule = Callable[[Tensor, Tensor, int], Tensor]
FAINT = 0.5  # share of a drawn lesion that is left


def faint(film: Tensor, mask: Tensor, number: int, *, lesion: str) -> Tensor:
    """A lesion drawn into the lungs and faded. film, mask: (1, 1, H, W). number: of the random numbers."""
    drawn = draw_lesion(lesion, film, mask, Generator().manual_seed(number))
    return film + FAINT * (drawn - film)


def blurred(film: Tensor, mask: Tensor, number: int) -> Tensor:  # noqa: ARG001
    """As of a detector that shows less detail."""
    return blur(film, 1.5)


def on_its_side(film: Tensor, mask: Tensor, number: int) -> Tensor:  # noqa: ARG001
    return film.rot90(1, (2, 3))


def negative(film: Tensor, mask: Tensor, number: int) -> Tensor:  # noqa: ARG001
    return 1 - film


RULES: Mapping[str, tuple[str, Rule]] = MappingProxyType(
    {  # what is said of the sample: the condition it is made from, and how
        "normal, a faint haze drawn in": ("normal", partial(faint, lesion="haze")),
        "normal, a faint consolidation drawn in": ("normal", partial(faint, lesion="consolidation")),
        "normal, blurred": ("normal", blurred),
        "bacterial pneumonia, blurred": ("bacterial pneumonia", blurred),
        "normal, on its side": ("normal", on_its_side),
        "viral pneumonia, black and white exchanged": ("viral pneumonia", negative),
    }
)


def write(plain: Sequence[ManifestRow], folder: Path) -> list[ManifestRow]:
    """One sample per rule, each from the next plain one of its condition. Returns their rows.

    plain: rows of the manifest.
    folder: holds the plain samples and receives the hard ones.
    """
    films = [row for row in plain if row.modality == CHEST_FILM and row.file.endswith(".png")]
    waiting = {row.condition: iter([one for one in films if one.condition == row.condition]) for row in films}
    rows = []
    for number, (said, (condition, rule)) in enumerate(RULES.items(), 1):
        source = next(waiting[condition])
        scan = images.read((folder / source.file).read_bytes(), source.file)
        seen = (scan.pixels, lungs.find(scan).mask)
        film, mask = (torch.tensor(part, dtype=torch.float32)[None, None] for part in seen)
        made, name = rule(film, mask, number)[0], f"chest-hard-{number}.png"
        row = files.write_scan(made, name, CHEST_FILM, condition, source.seed, folder)
        rows.append(replace(row, hard=said))
    return rows


def main() -> None:
    """Write them anew beside the plain ones, which stay as they are."""
    manifest = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
    plain = [ManifestRow(**row) for row in manifest["samples"] if not row.get("hard")]
    files.write_manifest([*plain, *write(plain, FOLDER)], FOLDER)


if __name__ == "__main__":
    main()
