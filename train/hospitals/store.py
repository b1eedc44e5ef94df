"""Films decoded once, their lungs found, and the lungs' crop kept at one size for the accelerator."""

import io
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from core.anatomy import lungs
from core.resample import FILM_SIZE, resize
from train.hospitals.pixels import CONTEXT, GRID, SIDE

Outline = tuple[tuple[float, float, float, float], np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """crops: (N, 1, SIDE, SIDE) uint8. hulls: (N, 1, GRID, GRID) uint8. rows: what the table says of each."""

    crops: Tensor
    hulls: Tensor
    rows: Sequence[Mapping[str, str]]


def decode(data: bytes) -> Tensor:
    return torch.from_numpy(np.array(Image.open(io.BytesIO(data)).convert("L")))


def build(folder: Path, segmenter: nn.Module, device: torch.device) -> Store:
    """folder: films.bin and films.json, the bytes of all files and where each lies."""
    rows = json.loads((folder / "films.json").read_text())
    blob = (folder / "films.bin").read_bytes()
    parts = [blob[row["offset"] : row["offset"] + row["length"]] for row in rows]
    with ThreadPoolExecutor(16) as pool:
        films = list(pool.map(decode, parts))
    crops = torch.empty(len(films), 1, SIDE, SIDE, dtype=torch.uint8, device=device)
    hulls = torch.empty(len(films), 1, GRID, GRID, dtype=torch.uint8, device=device)
    for i, (film, (box, hull)) in enumerate(zip(films, _outlines(films, segmenter, device), strict=True)):
        crops[i] = _cut(film[None, None].to(device).float(), box, SIDE).clamp(0, 255).round().byte()
        hulls[i] = (_cut(torch.from_numpy(hull)[None, None].to(device), box, GRID) > 0.5).byte()
    return Store(crops.cpu(), hulls.cpu(), rows)


def _outlines(films: Sequence[Tensor], segmenter: nn.Module, device: torch.device) -> list[Outline]:
    """The lungs' box and hull in every film. films: (H, W), grey values up to 255."""
    segmenter = segmenter.to(device).eval()
    small = [
        resize(
            resize(film[None, None].to(device).float() / 255, FILM_SIZE, FILM_SIZE), lungs.SIZE, lungs.SIZE
        )
        for film in films
    ]
    batches = [torch.cat(small[start : start + 256]) for start in range(0, len(small), 256)]
    found = torch.cat([lungs.probabilities(batch, segmenter).cpu() for batch in batches])
    workers = min(16, os.cpu_count() or 1)
    with get_context("spawn").Pool(workers, torch.set_num_threads, (1,)) as pool:
        return pool.map(_outline, list(found.numpy()), chunksize=64)


def _outline(probability: np.ndarray) -> Outline:
    mask = lungs.clean(torch.from_numpy(probability))
    return lungs.box_of(mask), lungs.hull(mask).astype(np.float32)


def _cut(film: Tensor, box: Sequence[float], size: int) -> Tensor:
    """The box and CONTEXT around it, black beyond the film, antialiased. film: (1, 1, H, W)."""
    high, wide = film.shape[-2:]
    top, left, bottom, right = box
    tall, long = (bottom - top) * CONTEXT / 2, (right - left) * CONTEXT / 2
    y, x = (top + bottom) / 2, (left + right) / 2
    edges = [
        round((y - tall) * high),
        round((x - long) * wide),
        round((y + tall) * high),
        round((x + long) * wide),
    ]
    pad = [max(0, -edges[1]), max(0, edges[3] - wide), max(0, -edges[0]), max(0, edges[2] - high)]
    padded = F.pad(film, pad)
    part = padded[..., edges[0] + pad[2] : edges[2] + pad[2], edges[1] + pad[0] : edges[3] + pad[0]]
    return resize(part, size, size)
