"""Where a curve has its peak, and how long it stays up."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Rise:
    """A curve's peak, in steps.

    Attributes
    ----------
    top
        The highest step; the first of equals.
    first, last
        The stretch about it, both ends in it, that stays half as far above the curve's median as
        the top is, or further.
    """

    top: int
    first: int
    last: int


def rise(curve: npt.ArrayLike) -> Rise | None:
    """Where a curve is highest; None where it is nowhere higher than its median.

    Parameters
    ----------
    curve
        Finite, shape (steps,).
    """
    values = np.asarray(curve, np.float64)
    if not len(values):
        return None
    top = int(values.argmax())
    middle = median(values)
    if values[top] <= middle:
        return None
    low = np.flatnonzero(values < (middle + values[top]) / 2)
    before, behind = low[low < top], low[low > top]
    first = int(before[-1]) + 1 if len(before) else 0
    last = int(behind[0]) - 1 if len(behind) else len(values) - 1
    return Rise(top, first, last)


def median(values: npt.NDArray[np.floating]) -> float:
    """Median of finite values, shape (n,), n ≥ 1.

    NumPy's own loads its masked arrays at the first call, which may be that of a thread: a process
    forked meanwhile would wait for them for ever.
    """
    ordered = np.sort(values)
    return float(ordered[(len(values) - 1) // 2 : len(values) // 2 + 1].mean())
