"""What lesions are drawn into."""

import pytest
import torch
from torch import Tensor

from core.preprocess import stretch
from tests.phantoms.chest import chest


@pytest.fixture(scope="module")
def film() -> tuple[Tensor, Tensor]:
    """Two drawn films and, roughly, their lungs."""
    x = torch.stack([torch.from_numpy(chest(112, seed=seed))[None] for seed in (0, 1)])
    rows, columns = torch.meshgrid(torch.linspace(0, 1, 112), torch.linspace(0, 1, 112), indexing="ij")
    sides = [((columns - c) / 0.13) ** 2 + ((rows - 0.42) / 0.25) ** 2 < 1 for c in (0.315, 0.685)]
    return stretch(x), (sides[0] | sides[1]).float().expand(2, 1, -1, -1)
