"""Make probabilities mean what they say: one temperature, folded into the last layer.

Guo 2017, arXiv:1706.04599.
"""

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor, nn
from torch.nn import functional as F

from core import names
from core.evaluation.binary import expected_calibration_error


def fit_temperature(logits: Tensor, truth: Tensor) -> float:
    """The T that minimises the cross-entropy of logits / T. logits: (N, K). truth: (N,) classes."""

    def loss(log_t: float) -> float:
        return float(F.cross_entropy(logits.double() / np.exp(log_t), truth))

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def fold_temperature(network: nn.Module, value: float) -> None:
    """Divide the logits by `value` for good, in the last linear layer."""
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.div_(value)
        last.bias.div_(value)


def calibration_metrics(logits: Tensor, truth: Tensor, value: float) -> dict[str, float]:
    """Calibration error of P(abnormal) before and after temperature scaling, on validation.

    logits: (N, K), before scaling.
    truth: (N,), classes; 0 is normal.
    value: the temperature.
    """
    abnormal = (truth != 0).numpy()
    before, after = (1 - (logits.double() / t).softmax(1)[:, 0].numpy() for t in (1.0, value))
    return {
        names.TEMPERATURE: value,
        names.ECE_BEFORE_SCALING: expected_calibration_error(abnormal, before),
        names.ECE_AFTER_SCALING: expected_calibration_error(abnormal, after),
    }
