"""Ways to show what moved a classifier, by name."""

from collections.abc import Callable

from torch import Tensor

from core.explain.cam import grad_cam
from core.models.base import Classifier

Explainer = Callable[[Classifier, Tensor, int], Tensor]

EXPLAINERS: dict[str, Explainer] = {
    "grad-cam": grad_cam,
}

__all__ = ["EXPLAINERS", "Explainer", "grad_cam"]
