"""Heat maps of the scans on screen, and what was measured on them: kept per session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import streamlit as st

from core.types import Explanation, Faithfulness, FloatArray, Scan
from pages.shared.caches.models import card, lungs, model, of_card

if TYPE_CHECKING:
    from core.evaluation.localisation import Word
    from core.explainers import Option

HEATMAPS_KEPT = 64  # per session
HEATMAP_BYTES = 128 * 2**20  # of all that are kept: they are as large as their scans
Overview = tuple[FloatArray, float]


@dataclass(frozen=True, slots=True)
class HeatmapRequest:
    """A heat map to draw. arguments: the method's own, such as ("window", 32)."""

    card_id: str
    method: str
    label: str
    arguments: tuple[tuple[str, int], ...] = ()


@st.cache_resource(show_spinner=False, scope="session")
def _heatmaps() -> dict[object, Explanation | Faithfulness | Overview | None]:
    """Heat maps and what was measured on them. st.cache_data keeps no function that draws its progress."""
    return {}


def _keep(key: object, value: Explanation | Faithfulness | Overview | None) -> None:
    """Hold it, and let go of the oldest beyond what may be kept."""
    held = _heatmaps()
    held[key] = value
    size = sum(map(_bytes, held.values()))
    while len(held) > HEATMAPS_KEPT or (size > HEATMAP_BYTES and len(held) > 1):
        size -= _bytes(held.pop(next(iter(held))))


def _bytes(value: Explanation | Faithfulness | Overview | None) -> int:
    if isinstance(value, Explanation):
        return value.heatmap.nbytes
    return value[0].nbytes if isinstance(value, tuple) else 0


def explanation(
    request: HeatmapRequest, scan: Scan, progress: Callable[[float], None] | None = None
) -> Explanation:
    """The requested heat map; of methods that take a single pass, with it all the others.

    request: which one.
    scan: the one to explain.
    progress: called with the share done, unless the map is there already.
    """
    from core import inference
    from core.explainers import FAST

    key = _map_key(request, scan)
    if key in _heatmaps():
        return cast("Explanation", _heatmaps()[key])
    loaded, fields = model(request.card_id), lungs(scan.digest, _scan=scan)
    if request.method in FAST:
        together = inference.explain_fast(loaded, scan, label=request.label, fields=fields)
        for method, drawn in together.items():
            _keep(_map_key(replace(request, method=method), scan), drawn)
        return together[request.method]
    explained = inference.explain(
        loaded,
        scan,
        method=request.method,
        label=request.label,
        fields=fields,
        arguments=dict(request.arguments),
        progress=progress,
    )
    _keep(key, explained)
    return explained


def _map_key(request: HeatmapRequest, scan: Scan) -> object:
    return "map", scan.digest, request, card(request.card_id).sha256


def faithfulness(
    request: HeatmapRequest, scan: Scan, progress: Callable[[float], None] | None = None
) -> Faithfulness:
    """Deletion and insertion of the requested heat map.

    request: which one.
    scan: the one that it explains.
    progress: called with the share done, unless they are measured already.
    """
    from core import inference

    key = _faithfulness_key(request, scan)
    if key not in _heatmaps():
        shown, fields = explanation(request, scan), lungs(scan.digest, _scan=scan)
        _keep(key, inference.faithfulness(model(request.card_id), scan, shown, fields, progress))
    return cast("Faithfulness", _heatmaps()[key])


def is_measured(request: HeatmapRequest, scan: Scan) -> bool:
    """Whether `faithfulness` would answer at once."""
    return _faithfulness_key(request, scan) in _heatmaps()


def _faithfulness_key(request: HeatmapRequest, scan: Scan) -> object:
    return "faithfulness", scan.digest, request, card(request.card_id).sha256


@of_card(st.cache_data(show_spinner=False))
def explainers(card_id: str) -> tuple[str, ...]:
    """The methods that the card has a scale for, the one to trust most first."""
    from core.explainers import EXPLAINERS

    known = (name for name in EXPLAINERS if name in card(card_id).scales)
    return tuple(sorted(known, key=lambda name: name != best_explainer(card_id)))


@of_card(st.cache_data(show_spinner=False))
def best_explainer(card_id: str) -> str | None:
    """The method that the card's trust table puts first; None without a table."""
    from core.explainers import trust

    chosen = card(card_id)
    return trust.best_method(chosen.trust, chosen.localisation)


@of_card(st.cache_data(show_spinner=False))
def worth(card_id: str, method: str) -> Word | None:
    """Whether the method finds disease on outlined scans, in a word; None where nobody measured it."""
    from core.evaluation import localisation  # brings scikit-learn

    return localisation.word(card(card_id).localisation, method)


@st.cache_data(show_spinner=False)
def explainer_options(method: str) -> dict[str, Option]:
    """What a person may set about a method."""
    from core.explainers import OPTIONS

    return dict(OPTIONS.get(method, {}))


def heatmap(card_id: str, digest: str, label: str, _scan: Scan) -> Overview | None:
    """The map of a scan and its full-colour scale: evidence for the label, or the detector's deviation.

    card_id: of a classifier or a detector.
    digest: the scan's.
    label: what a classifier explains.
    Returns None for a card that has no scale for its map.
    """
    key = ("overview", digest, card_id, label, card(card_id).sha256)
    if key not in _heatmaps():
        _keep(key, _overview(card_id, digest, label, _scan))
    return cast("Overview | None", _heatmaps()[key])


def _overview(card_id: str, digest: str, label: str, scan: Scan) -> Overview | None:
    from core import inference

    chosen, fields = card(card_id), lungs(digest, _scan=scan)
    if chosen.kind == "detector":
        if "map" not in chosen.scales:
            return None
        return inference.detect(model(card_id), scan, fields).map, chosen.scales["map"]
    if not chosen.scales:
        return None
    method = "grad-cam" if "grad-cam" in chosen.scales else explainers(card_id)[0]
    drawn = inference.explain(model(card_id), scan, method=method, label=label, fields=fields)
    return drawn.heatmap, drawn.scale


def forget() -> None:
    """Drop every heat map of this session."""
    _heatmaps.clear()
