"""Between scores in [0, 1] and their logits, the natural logarithms of their odds."""

from typing import Any

import numpy as np
import numpy.typing as npt

MARGIN = 1e-6
"""How near to 0 and 1 a score may come before its logit is taken (±13.8). float32 scores hold exact
zeros and ones, whose logits would be infinite; float32 itself ends at 6e-8 below 1."""


def logit(scores: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Logits of scores in [0, 1], of the same shape; finite, see `MARGIN`."""
    inside = scores.astype(np.float64).clip(MARGIN, 1 - MARGIN)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def sigmoid(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scores of logits, of the same shape."""
    return np.asarray(1 / (1 + np.exp(-logits)))
