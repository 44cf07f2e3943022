"""Decision thresholds: how they are chosen.

A track gets a tag when its score is strictly above the tag's threshold
(`moodtheme.scores.decisions.apply_thresholds`), as in the official script of the MediaEval task on
moods and themes. The thresholds to choose from are the points of the ROC and precision-recall
curves: one for each distinct score, taking every track at or above it.

Thresholds chosen on the set that is then scored have seen its truth; nobody has them in use. The
official results of the task are of this kind, by a rule called **oracle** here (`best_f1`). The
rule chooses by one count and decides by another, so where few tracks carry a tag it may fall below
thresholds from validation; what no thresholds can exceed is **best** (`reachable_f1`). Thresholds
chosen on validation are honest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array
from moodtheme.errors import EvaluationError
from moodtheme.evaluation.checks import check_finite
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix, as_scores


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

    thresholds: Float64Array
    hits: Float64Array
    decided: Float64Array

    @property
    def precision(self) -> Float64Array:
        """Share of the decided tracks that carry the tag."""
        return self.hits / self.decided

    @property
    def recall(self) -> Float64Array:
        """Share of the tracks with the tag that are decided; NaN without positives."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.hits / self.hits[-1])

    @property
    def false_positive_rate(self) -> Float64Array:
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


def top_k(scores: ScoreMatrix, k: int) -> BoolMatrix:
    """Give each track the tags of its `k` highest scores; of tied tags the first columns win.

    Parameters
    ----------
    scores
        Finite floats (tracks, tags), comparable between tags.
    k
        From 1 to the number of tags.

    Raises
    ------
    EvaluationError
        `k` is out of range, or a score is not finite.
    """
    n_tags = scores.shape[1]
    if not 1 <= k <= n_tags:
        raise EvaluationError(f"top-{k} of {n_tags} tags; choose from 1 to {n_tags}")
    check_finite(scores, [f"column {index}" for index in range(n_tags)])
    chosen = np.argsort(-as_scores(scores), axis=1, kind="stable")[:, :k]
    decisions = np.zeros(scores.shape, np.bool_)
    np.put_along_axis(decisions, chosen, True, axis=1)
    return decisions


Rule = Callable[[OperatingPoints], float]
"""Which threshold to take of a tag's points; NaN, which decides nothing, without positives."""


def choose(truth: BoolMatrix, scores: ScoreMatrix, rule: Rule) -> Float64Array:
    """Choose a threshold for each tag.

    Parameters
    ----------
    truth
        bool (tracks, tags).
    scores
        Floats (tracks, tags), as `moodtheme.evaluation.checks.checked` gives them.
    rule
        `best_f1`, `reachable_f1` or `best_youden`.

    Returns
    -------
    float64 (tags,)
    """
    wide = as_scores(scores)
    return np.array(
        [rule(operating_points(truth[:, tag], wide[:, tag])) for tag in range(truth.shape[1])]
    )


def best_f1(points: OperatingPoints) -> float:
    """The official rule: the score with the highest F1 on the precision-recall curve.

    The curve counts tracks **at or above** a threshold, the decision takes those **above** it, so
    the tracks that score exactly the threshold are counted when choosing and left out when
    deciding. That is how the official script works, and it reproduces the published thresholds
    to the last bit; of several equally good thresholds the lowest is taken.
    """
    best = _highest_f1(points)
    return float("nan") if best is None else float(points.thresholds[best])


def reachable_f1(points: OperatingPoints) -> float:
    """The threshold whose decisions have the highest F1 that any threshold reaches.

    It lies half-way between the lowest score it takes and the next one below. Of several equally
    good thresholds the lowest is taken.
    """
    best = _highest_f1(points)
    return float("nan") if best is None else _just_below(points, best)


def best_youden(points: OperatingPoints) -> float:
    """The threshold with the highest Youden's J: recall minus false-positive rate.

    It lies half-way between the lowest score it takes and the next one below, so that deciding
    strictly above it gives exactly the point that was chosen. Of several equally good points the
    one with the fewest decisions is taken. A tag without negatives has no threshold either.
    """
    j = points.recall - points.false_positive_rate
    return float("nan") if np.isnan(j).any() else _just_below(points, int(np.argmax(j)))


def _highest_f1(points: OperatingPoints) -> int | None:
    """The point of highest F1, of equals the one with the lowest threshold; None: no positives."""
    if points.hits[-1] == 0:
        return None
    precision, recall = points.precision, points.recall
    with np.errstate(invalid="ignore"):
        # In this form, not as 2·hits/(decided + positives): where two F1 are equal, rounding
        # decides, and it must decide as in the official script.
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    # By ascending threshold the first maximum is the lowest threshold.
    return len(f1) - 1 - int(np.argmax(f1[::-1]))


def _just_below(points: OperatingPoints, point: int) -> float:
    """A threshold that takes exactly the tracks of a point when deciding strictly above it."""
    here = points.thresholds[point]
    if point + 1 == len(points.thresholds):
        return float(np.nextafter(here, -np.inf))
    # Between adjacent floats the half-way point may round up on to the score itself.
    half_way = (here + points.thresholds[point + 1]) / 2
    return float(half_way if half_way < here else points.thresholds[point + 1])
