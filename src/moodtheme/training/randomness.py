"""Every random choice of training as a function of seed, epoch and track alone.

Nothing depends on what was drawn before, on the number of processes, or on when a run was killed:
an epoch that is trained again is the same epoch.
"""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What is drawn; each has numbers of its own."""

    WEIGHTS = 0
    ORDER = 1
    EXAMPLE = 2
    DROPOUT = 3


def stream(seed: int, purpose: Purpose, *place: int) -> np.random.Generator:
    """Random numbers for one purpose and place, such as an epoch and a track."""
    return np.random.default_rng([seed, purpose, *place])


def torch_seed(seed: int, purpose: Purpose, *place: int) -> int:
    """Seed for PyTorch, for one purpose and place."""
    return int(stream(seed, purpose, *place).integers(2**63))
