"""Ways to show what moved a classifier, by name. Fast ones take one pass, slow ones many."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from torch import Tensor

from core.explainers.batched import Progress
from core.explainers.cam import grad_cam, grad_cam_plus_plus, hires_cam, layer_cam
from core.explainers.gradients import STEPS, integrated_gradients
from core.explainers.occlusion import STRIDE, WINDOW, occlusion
from core.explainers.score_cam import CHANNELS, score_cam
from core.models.base import Classifier

# (model, x, target) -> (h, w) >= 0 that spans the whole of x; options are keywords.
Explainer = Callable[..., Tensor]


class SlowExplainer(Protocol):
    """An explainer that says how far it is, and ends with whatever `progress` raises."""

    def __call__(
        self, model: Classifier, x: Tensor, target: int, /, *, progress: Progress | None = None
    ) -> Tensor: ...


FAST: dict[str, Callable[[Classifier, Tensor, int], Tensor]] = {
    "grad-cam": grad_cam,
    "grad-cam++": grad_cam_plus_plus,
    "hires-cam": hires_cam,
    "layer-cam": layer_cam,
}

SLOW: dict[str, SlowExplainer] = {
    "score-cam": score_cam,
    "occlusion": occlusion,
    "integrated-gradients": integrated_gradients,
}

EXPLAINERS: dict[str, Explainer] = {**FAST, **SLOW}

UNITS: dict[str, str] = {
    "grad-cam": "logits per cell",
    "grad-cam++": "weighted activation",
    "hires-cam": "logits per cell",
    "layer-cam": "logits per cell",
    "score-cam": "weighted activation",
    "occlusion": "logits lost when covered",
    "integrated-gradients": "logits per patch",
}


class Option(NamedTuple):
    """A keyword of a slow method that a person may set."""

    default: int
    choices: tuple[int, ...]


OPTIONS: dict[str, dict[str, Option]] = {
    "score-cam": {"channels": Option(CHANNELS, (8, 16, 32, 64, 128, 256))},
    "occlusion": {
        "window": Option(WINDOW, (16, 24, 32, 48, 64)),
        "stride": Option(STRIDE, (4, 8, 12, 16)),
    },
    "integrated-gradients": {"steps": Option(STEPS, (8, 16, 32, 64, 128))},
}

__all__ = [
    "EXPLAINERS",
    "FAST",
    "OPTIONS",
    "SLOW",
    "UNITS",
    "Explainer",
    "Option",
    "Progress",
    "SlowExplainer",
    "grad_cam",
    "grad_cam_plus_plus",
    "hires_cam",
    "integrated_gradients",
    "layer_cam",
    "occlusion",
    "score_cam",
]
