"""Random streams: one for each purpose, so that no choice shifts any other."""

from zlib import crc32

import numpy as np

from moodtheme.errors import UsageError


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Make the random stream of one purpose.

    Parameters
    ----------
    seed
        0 or more.
    purpose
        Any text; another text is an independent stream.

    Raises
    ------
    UsageError
        If the seed is negative.
    """
    if seed < 0:
        raise UsageError(f"seed {seed} is negative; give 0 or more")
    return np.random.default_rng([seed, crc32(purpose.encode())])


def derived_seed(seed: int, purpose: str) -> int:
    """Make a seed of its own for one purpose, below 2⁶³."""
    return int(stream(seed, purpose).integers(2**63))
