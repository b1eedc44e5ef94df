"""What training watches on validation."""

import numpy as np
from sklearn.metrics import roc_auc_score
from torch import Tensor


def mean_auc(probabilities: np.ndarray, truth: Tensor) -> float:
    """AUC of abnormal against normal; with more classes the mean of it and of each class against the rest.

    probabilities: (N, K), the normal class first. truth: (N,), classes.
    """
    binary = float(roc_auc_score(truth != 0, 1 - probabilities[:, 0]))
    if probabilities.shape[1] == 2:
        return binary
    return (binary + float(roc_auc_score(truth, probabilities, multi_class="ovr"))) / 2
