"""Drawn scans in the place of the samples that ship."""

import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.phantoms.chest import chest, png
from tests.phantoms.files import chest_film

HAZE = {"normal": 0.0, "bacterial pneumonia": 0.5, "viral pneumonia": 0.3}


def ship(root: Path, each: int = 2) -> Path:
    """Writes root/samples with its manifest: so many films of each condition, one of them as DICOM too, and
    slices of heads. Returns root."""
    folder, rows = root / "samples", []
    folder.mkdir(parents=True)

    def add(name: str, modality: str, condition: str, data: bytes) -> None:
        (folder / name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        row = {"file": name, "modality": modality, "condition": condition, "seed": len(rows)}
        rows.append({**row, "sha256": digest, "synthetic": True})

    for condition, haze in HAZE.items():
        for k in range(each):
            film = png(chest(opacity=haze, seed=len(rows)))
            add(f"chest-{condition.split()[0]}-{k + 1}.png", "chest film", condition, film)
    add("chest-normal-dicom.dcm", "chest film", "normal", chest_film())
    for condition in ("normal", "tumour"):
        for k in range(each):
            slice_ = png(head(tumour=condition == "tumour", lean=0.01 * k))
            add(f"brain-{condition}-{k + 1}.png", "brain MRI slice", condition, slice_)
    (folder / "manifest.json").write_text(json.dumps({"model": "drawn", "samples": rows}))
    return root


def add_hard(root: Path, how: str) -> None:
    """One more film in a shipped folder, listed as made hard in that way."""
    folder = root / "samples"
    data = png(chest(opacity=0.1, seed=77))
    (folder / "chest-hard-1.png").write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    row = {"file": "chest-hard-1.png", "modality": "chest film", "condition": "normal", "seed": 77}
    digest = hashlib.sha256(data).hexdigest()
    manifest["samples"].append({**row, "sha256": digest, "synthetic": True, "hard": how})
    (folder / "manifest.json").write_text(json.dumps(manifest))


def head(side: int = 224, *, tumour: bool, lean: float) -> NDArray[np.float32]:
    """(side, side) in [0, 1]: skull and brain on black. lean: how far it is off the middle."""
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    skull, brain = ((((x - lean) / a) ** 2 + (y / b) ** 2) < 1 for a, b in ((0.35, 0.42), (0.32, 0.39)))
    slice_ = np.where(skull, 0.7, 0.0)
    slice_[brain] = 0.4
    slice_ += brain * 0.05 * np.sin(40 * x) * np.cos(44 * y)
    if tumour:
        slice_[((x - 0.1) / 0.08) ** 2 + ((y + 0.1) / 0.09) ** 2 < 1] = 0.85
    return slice_.astype(np.float32)
