"""Curves over time: where they change for good, and where they peak.

Change points are those of the best piecewise constant curve: of all ways to cut the steps into
stretches, each heard as its mean, the one whose squared error plus a price for every cut is least.
It is found exactly, by dynamic programming over the last cut (Jackson et al. 2005, "optimal
partitioning"); cuts that can never be part of it any more are left out (Killick et al. 2012).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


def change_points(curves: npt.ArrayLike, *, price: float, shortest: int = 1) -> tuple[int, ...]:
    """Steps at which a new stretch begins; none where one mean serves best.

    Parameters
    ----------
    curves
        Finite, shape (steps, curves); the error of a step is the mean over the curves of the
        squared distance to the stretch's mean.
    price
        What a cut must save in error to be made, above 0.
    shortest
        Steps that a stretch has at least; a track of less than two such stretches has no cuts.

    Returns
    -------
    tuple of int
        Rising, each from `shortest` to ``steps − shortest``.
    """
    values = np.asarray(curves, np.float64)
    if price <= 0 or shortest < 1:
        raise ValueError("price is above 0 and shortest at least 1")
    steps = len(values)
    if steps < 2 * shortest:
        return ()
    values = (values - values.mean(axis=0)) / np.sqrt(values.shape[1])
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum((values * values).sum(axis=1))])
    best = np.full(steps + 1, np.inf)  # of the first so many steps, every stretch paid for
    best[0] = 0.0
    cut = np.zeros(steps + 1, dtype=np.intp)
    starts = np.zeros(1, dtype=np.intp)  # where the last stretch may begin
    until = np.full(1, np.inf)  # from which end on that is out of the question
    for end in range(shortest, steps + 1):
        total = sums[end] - sums[starts]
        error = squares[end] - squares[starts] - (total * total).sum(axis=1) / (end - starts)
        reached = best[starts] + error
        choice = int(reached.argmin())
        best[end], cut[end] = reached[choice] + price, starts[choice]
        # A start that is dearer than a cut here stays so, for error only grows with the stretch;
        # what begins here may end `shortest` steps on.
        dear = reached > best[end]
        until[dear] = np.minimum(until[dear], end + shortest)
        kept = until > end + 1
        starts, until = starts[kept], until[kept]
        if np.isfinite(best[begin := end - shortest + 1]):
            starts, until = np.append(starts, begin), np.append(until, np.inf)
    found = []
    end = steps
    while (end := int(cut[end])) > 0:
        found.append(end)
    return tuple(found[::-1])


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
