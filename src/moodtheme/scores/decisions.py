"""What a score means: odds, probabilities, standings among a reference, decisions."""

from typing import Any

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array, FloatArray
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix, as_scores

MARGIN = 1e-6
"""How near to 0 and 1 a score may come before its logit is taken (±13.8). float32 scores hold exact
zeros and ones, whose logits would be infinite; float32 itself ends at 6e-8 below 1."""

_LARGEST_LOGIT = 700.0
"""Beyond it the exponential of a float64 overflows (at 709.8); the probability is 0 or 1 long
before."""


def logit(scores: npt.NDArray[np.floating[Any]]) -> Float64Array:
    """Logits of scores in [0, 1], of the same shape; finite, see `MARGIN`."""
    inside = scores.astype(np.float64).clip(MARGIN, 1 - MARGIN)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def sigmoid(logits: Float64Array) -> Float64Array:
    """Scores of logits, of the same shape."""
    return np.asarray(1 / (1 + np.exp(-logits)))


def calibrate(
    scores: npt.NDArray[np.floating[Any]], slopes: npt.ArrayLike, intercepts: npt.ArrayLike
) -> FloatArray:
    """Probabilities by per-tag logistic calibration: ``sigmoid(slope · logit(score) + intercept)``.

    Parameters
    ----------
    scores
        In [0, 1], shape (…, tags).
    slopes, intercepts
        Finite, shape (tags,).

    Returns
    -------
    float32 (…, tags)
        In [0, 1], finite for any finite numbers of a reasonable size.
    """
    logits = np.asarray(slopes) * logit(scores) + np.asarray(intercepts)
    return sigmoid(logits.clip(-_LARGEST_LOGIT, _LARGEST_LOGIT)).astype(np.float32)


def standing(
    values: npt.NDArray[np.floating[Any]], levels: npt.ArrayLike, quantiles: npt.ArrayLike
) -> Float64Array:
    """Where values lie among a reference: the share of the reference that is below them.

    Between two quantiles the share is interpolated linearly. A value that several quantiles have
    in common stands in the middle of their levels, as ties share their mean rank. Outside the
    quantiles it stands at the lowest or highest level.

    Parameters
    ----------
    values
        Shape (…, tags), finite.
    levels
        Shares of the reference, rising, in [0, 1], shape (levels,).
    quantiles
        The value that each share of the reference does not exceed, not falling along a row, shape
        (tags, levels).

    Returns
    -------
    float64 (…, tags)
        In [0, 1]; rises with the value.
    """
    shares = np.asarray(levels, np.float64)
    rows = np.asarray(quantiles, np.float64)
    found = np.empty(values.shape)
    for tag, row in enumerate(rows):
        column = values[..., tag].astype(np.float64)
        first = np.searchsorted(row, column, side="left")
        behind = np.searchsorted(row, column, side="right")
        tied = behind > first
        below = shares[np.where(tied, first, first - 1).clip(0)]
        above = shares[np.where(tied, behind - 1, first).clip(max=len(row) - 1)]
        low, high = row[(first - 1).clip(0)], row[first.clip(max=len(row) - 1)]
        span = high - low
        inside = ~tied & (span > 0)
        part = np.divide(column - low, span, out=np.full(column.shape, 0.5), where=inside)
        found[..., tag] = np.where(
            first == len(row), shares[-1], np.where(behind == 0, shares[0],
            below + part * (above - below)),
        )  # fmt: skip
    return found


def apply_thresholds(scores: ScoreMatrix, thresholds: Float64Array | float) -> BoolMatrix:
    """Decide: score strictly above threshold.

    Parameters
    ----------
    scores
        Floats (tracks, tags).
    thresholds
        float64 (tags,), or one for all tags. NaN decides nothing.

    Returns
    -------
    bool (tracks, tags)
    """
    # A float64 array on the right keeps float32 scores from being compared in float32, where a
    # threshold could round on to a score.
    return np.asarray(as_scores(scores) > np.asarray(thresholds, np.float64)[None])
