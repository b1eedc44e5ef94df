"""The generators that nobody passes on: dropout draws from torch's own, a figure perhaps from another."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import distributed

State = dict[str, Any]


def states() -> list[State]:
    """Where the generators of Python, NumPy and PyTorch stand, in every process of a torchrun."""
    name, keys, *rest = np.random.get_state()
    own = {
        "python": random.getstate(),
        "numpy": (name, np.asarray(keys).tolist(), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    if not distributed.is_initialized():
        return [own]
    found: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(found, own)
    return found


def restore(known: Sequence[State]) -> None:
    """Put this process's generators back to where they stood."""
    own = known[distributed.get_rank() if distributed.is_initialized() else 0]
    random.setstate(own["python"])
    np.random.set_state(own["numpy"])
    torch.set_rng_state(own["torch"].cpu())  # loaded with the weights, it may lie on the accelerator
    if own["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([state.cpu() for state in own["cuda"]])
