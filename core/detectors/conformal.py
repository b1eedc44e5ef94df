"""How unusual a score is among normals, without assuming how scores are spread."""

import numpy as np
from numpy.typing import ArrayLike


def p_value(scores_of_normals: ArrayLike, score: float) -> float:
    """(1 + normals that score as high) / (n + 1): Vovk 2005, Bates 2023, arXiv:2104.08279.

    scores_of_normals: (n,), of scans that nothing was learned from. Of new normal scans that are like these,
    at most a share p gets a value of p or less.
    """
    normals = np.asarray(scores_of_normals, dtype=np.float64)
    return float((1 + np.sum(normals >= score)) / (len(normals) + 1))
