"""How far a heat map can be trusted: is it in the lungs, does it matter, is it the model, do others agree?"""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from core import precision
from core.card_types import Localisation
from core.explainers.batched import Progress, blur
from core.models.base import Classifier
from core.models.ensemble import AnyClassifier, ClassifierEnsemble, member_input
from core.resample import resize
from core.types import Agreement, Curve, Faithfulness, FloatArray, Frame, Trust

HOTTEST = 0.1  # share of the places that count as a map's hot region
MIN_METHODS = 3  # methods that must share a place
GRID = 32  # cells a side when two maps are compared: finer ones would count interpolated values
STEPS = 10
RANDOM_MAPS = 3
MAX_RANDOMISED_CORRELATION = 0.5  # of maps; from here on what the network learned does not matter
MAX_NORMAL_HEAT = 1.0  # over that of abnormal scans; from here on the map does not tell them apart
STAGES = ("head", "half", "all")


def inside_share(heatmap: FloatArray, mask: NDArray[np.bool_]) -> float | None:
    """Share of the heat that lies in the mask; None for a map without heat. Both (H, W)."""
    total = float(heatmap.sum())
    return float(heatmap[mask].sum()) / total if total > 0 else None


def rank_correlation(one: FloatArray | Tensor, other: FloatArray | Tensor) -> float:
    """Spearman's correlation of two maps over the same places, whatever their grids.

    0 when either is flat: a flat map agrees with nothing.
    """
    from scipy.stats import spearmanr  # where it is needed: it takes long

    first, second = _on_grid(one), _on_grid(other)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(spearmanr(first, second).statistic)


def _on_grid(heat: FloatArray | Tensor) -> NDArray[np.float64]:
    x = torch.as_tensor(heat, dtype=torch.float32)[None, None]
    x = resize(x, GRID, GRID) / x.abs().max().clamp_min(1e-12)
    return x.round(decimals=5).flatten().double().numpy()  # what resizing adds is no rank


def agreement(heatmaps: Mapping[str, FloatArray], frame: Frame) -> Agreement:
    """Pairwise rank correlation inside the frame, and where at least three hot regions meet.

    heatmaps: (H, W) each, in scan geometry, by method.
    """
    top, left, bottom, right = (round(edge) for edge in frame.box)
    within = {name: heat[top:bottom, left:right] for name, heat in heatmaps.items()}
    pairs = {
        (one, other): rank_correlation(within[one], within[other]) for one, other in combinations(within, 2)
    }
    counts = np.zeros(frame.shape, dtype=np.float32)
    for heat in within.values():
        counts[top:bottom, left:right] += _hot(heat)
    return Agreement(pairs, np.where(counts >= MIN_METHODS, counts, 0).astype(np.float32))


def _hot(heat: FloatArray) -> NDArray[np.bool_]:
    """The hottest tenth of the places, and never a cold one."""
    cut = np.quantile(heat, 1 - HOTTEST)
    hot: NDArray[np.bool_] = (heat >= cut) & (heat > 0)
    return hot


def faithfulness(
    model: AnyClassifier,
    x: Tensor,
    target: int,
    heat: Tensor,
    *,
    progress: Progress | None = None,
) -> Faithfulness:
    """Deletion and insertion of a map beside the mean of those of random maps.

    model: a classifier, or an ensemble of classifiers.
    x: (1, C, H, W), normalised.
    target: index of the class.
    heat: (h, w) over x.
    progress: called with the share done.
    """
    maps = [heat, *random_maps()]
    pairs: list[tuple[Curve, Curve]] = []
    for one in maps:
        pairs.append(deletion_and_insertion(model, x, target, one))
        if progress:
            progress(len(pairs) / len(maps))
    random_deletion, random_insertion = (mean_curve(curves) for curves in zip(*pairs[1:], strict=True))
    return Faithfulness(*pairs[0], random_deletion, random_insertion)


def deletion_and_insertion(
    model: AnyClassifier,
    x: Tensor,
    target: int,
    heat: Tensor,
    *,
    steps: int = STEPS,
    half: bool = False,
) -> tuple[Curve, Curve]:
    """Blur the hottest places first, or show them first, and watch P(target) (Petsiuk 2018).

    model: a classifier, or an ensemble of classifiers.
    x: (1, C, H, W), normalised.
    target: index of the class.
    heat: (h, w) over x.
    steps: points of a curve but the first.
    half: in bfloat16, for means over many films.
    Returns both curves over the share of places changed, in [0, 1]. A map that matters lets P fall early
    under deletion (small area) and rise early under insertion (large area).
    """
    x = x.contiguous(memory_format=torch.channels_last)
    rank = _rank(resize(heat[None, None].float(), *x.shape[-2:])[0, 0])
    counts = torch.linspace(0, rank.numel(), steps + 1).round().view(-1, 1, 1, 1)
    hot = rank < counts  # (steps + 1, 1, H, W)
    blurred = blur(x)
    with torch.no_grad(), precision.half(x.device, wanted=half):
        both = [model(torch.where(hot, blurred, x)), model(torch.where(hot, x, blurred))]
    deleted, shown = (torch.softmax(logits.float(), dim=1)[:, target] for logits in both)
    shares = tuple(torch.linspace(0, 1, steps + 1).tolist())
    return Curve(shares, tuple(deleted.tolist())), Curve(shares, tuple(shown.tolist()))


def mean_curve(curves: Iterable[Curve]) -> Curve:
    """The mean of curves over the same x."""
    every = list(curves)
    return Curve(every[0].x, tuple(np.mean([curve.y for curve in every], axis=0).tolist()))


def random_maps(count: int = RANDOM_MAPS, grid: int = 10) -> list[Tensor]:
    """Maps that know nothing, blotches as coarse as a network's cells; the same ones every time."""
    generator = Generator().manual_seed(0)
    return [torch.rand(grid, grid, generator=generator) for _ in range(count)]


def _rank(heat: Tensor) -> Tensor:
    """(H, W): 0 for the hottest place; equally hot ones in a fixed random order, not row by row."""
    shuffled = torch.randperm(heat.numel(), generator=Generator().manual_seed(1))
    order = shuffled[heat.flatten()[shuffled].argsort(descending=True, stable=True)]
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order))
    return rank.view_as(heat)


def randomised(model: AnyClassifier, stage: str, films: Tensor, generator: Generator) -> AnyClassifier:
    """A copy whose last layers are randomised (Adebayo 2018, arXiv:1810.03292).

    model: a classifier, or an ensemble of classifiers.
    stage: "head", "half" (the later half of all layers) or "all"; of an ensemble, each member's.
    films: (N, C, H, W), normalised.
    generator: shuffles the weights of each layer among themselves.
    BatchNorms are estimated anew on the films: else the signal would die or explode, and any two maps would
    differ. Raises ValueError for other stages.
    """
    if stage not in STAGES:
        raise ValueError(f"No stage {stage!r}. Choose from: {', '.join(STAGES)}.")
    if isinstance(model, Classifier):
        return _randomised(model, stage, films, generator)
    other = ClassifierEnsemble(members=" ".join(model.members))
    other.load_state_dict(model.state_dict())
    other.set_members(
        [
            replace(
                member, network=_randomised(member.network, stage, member_input(member, films), generator)
            )
            for member in model.loaded_members()
        ]
    )
    return other.eval()


def _randomised(model: Classifier, stage: str, films: Tensor, generator: Generator) -> Classifier:
    copied = copy.deepcopy(model).eval()
    for layer in _last_layers(copied, stage, films[:1]):
        for parameter in layer.parameters(recurse=False):
            flat = parameter.detach().flatten()
            mixed = flat[torch.randperm(len(flat), generator=generator)]
            parameter.detach().copy_(mixed.view_as(parameter))
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # a plain mean over what it sees
            layer.train()
    with torch.no_grad():
        copied(films)
    return copied.eval().requires_grad_(False)


def _last_layers(model: Classifier, stage: str, x: Tensor) -> list[nn.Module]:
    layers = [layer for layer in model.modules() if next(layer.parameters(recurse=False), None) is not None]
    if stage == "all":
        return layers
    if stage == "half":
        return layers[len(layers) // 2 :]
    model.requires_grad_(True)
    with torch.no_grad():
        maps = model.features(x)
    with torch.enable_grad():
        logits = model.head(maps).sum()
    if logits.requires_grad:
        return _used(layers, logits)
    with torch.enable_grad():  # a head that learned nothing, such as a vote: the last layer under it
        return _used(layers, model(x).sum())[-1:]


def _used(layers: list[nn.Module], answer: Tensor) -> list[nn.Module]:
    """Those of the layers that the answer depends on."""
    parameters = [parameter for layer in layers for parameter in layer.parameters(recurse=False)]
    used = torch.autograd.grad(answer, parameters, allow_unused=True)
    learned = {id(p) for p, gradient in zip(parameters, used, strict=True) if gradient is not None}
    return [layer for layer in layers if any(id(p) in learned for p in layer.parameters(recurse=False))]


def is_trustworthy(row: Trust) -> bool:
    """Whether a method may be trusted on a card at all.

    Unfit is a map that stays alike when any stage of the network is randomised, and one as hot on normal
    scans as on abnormal ones.
    """
    return max(row.sanity.values()) < MAX_RANDOMISED_CORRELATION and row.normal_heat < MAX_NORMAL_HEAT


def best_method(
    table: Mapping[str, Trust], localised: Mapping[str, Mapping[str, Localisation]] | None = None
) -> str | None:
    """The method to open with: of those fit, the one that finds disease best on scans kept for choosing.

    table: of the card. A method seen on less than half as many scans as another has no say. When none is
    fit, all of them are asked.
    localised: of the card, per set of outlined scans. Without any, the largest gap of insertion over
    deletion decides.
    Returns None for an empty table.
    """
    most = max((row.n for row in table.values()), default=0)
    measured = [name for name, row in table.items() if 2 * row.n >= most]
    rivals = [name for name in measured if is_trustworthy(table[name])] or measured
    sets = (localised or {}).values()
    if sets and (known := [name for name in rivals if all(name in found for found in sets)]):
        return max(known, key=lambda name: sum(found[name].choice for found in sets))
    return max(rivals, key=lambda name: table[name].insertion - table[name].deletion, default=None)
