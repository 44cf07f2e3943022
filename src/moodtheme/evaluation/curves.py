"""The points a decision threshold can reach: what ROC and precision-recall curves are drawn from.

A point takes every track whose score is at or above a threshold; there is one point for each
distinct score.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moodtheme.evaluation.ranking import FloatArray


@dataclass(frozen=True)
class OperatingPoints:
    """One tag's points, by descending threshold.

    Attributes
    ----------
    thresholds
        The distinct scores, float64 (points,).
    hits
        Positives at or above each threshold, float64 (points,).
    decided
        Tracks at or above each threshold, float64 (points,).
    """

    thresholds: FloatArray
    hits: FloatArray
    decided: FloatArray

    @property
    def precision(self) -> FloatArray:
        """Share of the decided tracks that carry the tag."""
        return self.hits / self.decided

    @property
    def recall(self) -> FloatArray:
        """Share of the tracks with the tag that are decided; NaN without positives."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.hits / self.hits[-1])

    @property
    def false_positive_rate(self) -> FloatArray:
        """Share of the tracks without the tag that are decided; NaN without negatives."""
        wrong = self.decided - self.hits
        with np.errstate(invalid="ignore"):
            return np.asarray(wrong / wrong[-1])


def operating_points(
    truth: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating[Any]]
) -> OperatingPoints:
    """Find all points of one tag.

    Parameters
    ----------
    truth
        bool (tracks,).
    scores
        Finite floats (tracks,).
    """
    order = np.argsort(-scores)
    ordered = scores[order].astype(np.float64)
    last_of_tie = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])
    return OperatingPoints(
        thresholds=ordered[last_of_tie],
        hits=np.cumsum(truth[order], dtype=np.float64)[last_of_tie],
        decided=last_of_tie.astype(np.float64) + 1,
    )
