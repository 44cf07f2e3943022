"""Late fusion: several systems' scores for the same tracks become one system's scores.

All methods work on scores alone. Weights may be learned beforehand, from a validation set, with
`moodtheme.evaluation.fusion_weights.learn_weights`.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array, FloatArray
from moodtheme.errors import EvaluationError, UsageError
from moodtheme.scores.decisions import logit, sigmoid
from moodtheme.scores.matrices import ScoreMatrix


class FusionMethod(StrEnum):
    """How scores are combined."""

    MEAN = "mean"
    """Arithmetic mean: the paper's fusion."""
    WEIGHTED = "weighted"
    """Arithmetic mean with one non-negative weight a system."""
    RANK = "rank"
    """Mean of each tag's ranks over the tracks, scaled to [0, 1]. Deaf to how systems scale their
    scores; depends on which tracks are ranked together, and makes all tags equally likely, so
    micro figures and thresholds carried over from another set lose their meaning."""
    LOGIT = "logit"
    """Mean of logits, back through the sigmoid (geometric mean of the odds): confident systems
    weigh more. Exact zeros and ones are first moved inwards, see `moodtheme.scores.logit`, or
    they would outvote every other system."""


def fuse(
    scores: Sequence[ScoreMatrix],
    *,
    method: FusionMethod = FusionMethod.MEAN,
    weights: Sequence[float] | None = None,
) -> FloatArray:
    """Combine the scores of several systems.

    Parameters
    ----------
    scores
        One matrix a system, floats (tracks, tags), all of the same shape. Finite, and for
        `FusionMethod.LOGIT` in [0, 1].
    method
        How.
    weights
        For `FusionMethod.WEIGHTED`: one a system, not negative, not all zero. Only their ratios
        matter.

    Returns
    -------
    float32 (tracks, tags)
        Computed in float64. In [0, 1] if the scores are.

    Raises
    ------
    EvaluationError
        Shapes differ, or a score is not finite or out of range.
    UsageError
        No scores, or weights that do not fit.
    """
    matrices = _checked(scores)
    if (weights is not None) != (method is FusionMethod.WEIGHTED):
        raise UsageError(
            "weights go with the method 'weighted' and it needs them; "
            "give both, or neither for a plain mean"
        )
    shares = np.full(len(matrices), 1.0) if weights is None else _checked_weights(weights, matrices)
    shares /= shares.sum()
    total = np.zeros(matrices[0].shape)
    for share, matrix in zip(shares, matrices, strict=True):
        total += share * _transformed(matrix, method)
    if method is FusionMethod.LOGIT:
        total = sigmoid(total)
    return total.astype(np.float32)


def _transformed(matrix: npt.NDArray[Any], method: FusionMethod) -> npt.NDArray[Any]:
    if method is FusionMethod.RANK:
        return tied_ranks(matrix)
    if method is FusionMethod.LOGIT:
        if matrix.min() < 0 or matrix.max() > 1:
            raise EvaluationError(
                "the method 'logit' needs scores in [0, 1]; apply the sigmoid first, or use 'mean'"
            )
        return logit(matrix)
    return matrix


def tied_ranks(scores: npt.NDArray[Any]) -> Float64Array:
    """Rank each tag's tracks from 0 (lowest score) to 1 (highest); ties share their mean rank.

    Parameters
    ----------
    scores
        Finite floats (tracks, tags).

    Returns
    -------
    float64 (tracks, tags)
        In [0, 1]; 0.5 throughout for a single track.
    """
    n_tracks = len(scores)
    ranks = np.empty(scores.shape)
    for tag, column in enumerate(scores.T):
        _, group, sizes = np.unique(column, return_inverse=True, return_counts=True)
        ends = np.cumsum(sizes)
        ranks[:, tag] = ((ends - sizes + ends - 1) / 2)[group]
    return ranks / (n_tracks - 1) if n_tracks > 1 else ranks + 0.5


def _checked(scores: Sequence[ScoreMatrix]) -> list[Float64Array]:
    if not len(scores):
        raise UsageError("nothing to fuse; give the scores of at least one system")
    first = scores[0].shape
    for index, matrix in enumerate(scores):
        if matrix.ndim != 2 or matrix.shape != first or 0 in first:
            raise EvaluationError(
                f"scores {index + 1} of {len(scores)} have shape {matrix.shape}, the first "
                f"{first}; all must hold the same tracks and tags"
            )
        if matrix.dtype.kind != "f" or not np.isfinite(matrix).all():
            raise EvaluationError(
                f"scores {index + 1} of {len(scores)} are not all finite floating-point numbers; "
                "predict again or leave the system out"
            )
    return [matrix.astype(np.float64) for matrix in scores]


def _checked_weights(weights: Sequence[float], matrices: Sequence[ScoreMatrix]) -> Float64Array:
    shares = np.array(weights, np.float64)
    if shares.shape != (len(matrices),):
        raise UsageError(
            f"{len(shares)} weights for {len(matrices)} systems; give one a system, in order"
        )
    if not np.isfinite(shares).all() or (shares < 0).any() or not shares.any():
        raise UsageError("weights must be finite, not negative and not all 0; only ratios matter")
    return shares
