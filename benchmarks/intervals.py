"""95 % intervals of what the other scripts here measure."""

from collections.abc import Callable

import numpy as np

RESAMPLES = 300


def interval(of: Callable[[np.ndarray], float], n: int) -> str:
    """A figure over n cases, with the interval that resampled cases give it."""
    low, high = bounds(of, n)
    return f"{of(np.arange(n)):.3f} [{low:.3f}, {high:.3f}]"


def bounds(of: Callable[[np.ndarray], float], n: int) -> tuple[float, float]:
    """The interval alone."""
    rng = np.random.default_rng(0)
    low, high = np.nanpercentile(
        [of(rng.integers(n, size=n)) for _ in range(RESAMPLES)], [2.5, 97.5]
    )
    return float(low), float(high)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Interval of a share (Wilson 1927)."""
    z, share = 1.96, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * np.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)


def share(hits: int, of: int) -> str:
    """A share with its interval."""
    low, high = wilson(hits, of)
    return f"{hits} of {of}, {hits / of:.1%} [{low:.1%}, {high:.1%}]"
