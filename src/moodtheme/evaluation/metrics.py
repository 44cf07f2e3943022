"""Metrics of multi-label tagging, as the MediaEval task on moods and themes defines them.

Conventions
-----------
Truth is boolean, scores are floating-point, decisions are boolean; all have the shape (tracks,
tags). Functions return one figure a tag; `macro` averages them, each tag counting the same. Micro
figures pool all (track, tag) pairs, so frequent tags count more and scores must be comparable
between tags.

A figure that is undefined is NaN and an `EvaluationWarning` names its tag: a tag without positives
has no figures at all, a tag without negatives has no ROC-AUC. `macro` averages over the tags that
have the figure. (scikit-learn gives such a tag an average precision, recall and F1 of 0.)

Metrics
-------
`roc_auc`
    Area under the ROC curve by the trapezoidal rule: the probability that a track with the tag
    scores above one without it, a tie counting half.
`average_precision`
    The MediaEval task's "PR-AUC": the step-wise sum of precision over increments of recall,
    without interpolation. Tied scores form one step.
Precision, recall and F1
    Of decisions. A tag that was never decided has a precision of 0, as in the task's official
    script, and therefore an F1 of 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.evaluation.checks import (
    check_scores,
    check_truth,
    warn_of_undefined,
)
from moodtheme.evaluation.ranking import (
    Ranking,
    Weights,
    areas,
    rank_tags,
    unit_weights,
)
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix, as_scores


@dataclass(frozen=True)
class DecisionFigures:
    """Precision, recall and F1; float64 of equal shape."""

    precision: Float64Array
    recall: Float64Array
    f1: Float64Array


def roc_auc(
    truth: BoolMatrix, scores: ScoreMatrix, *, tags: Sequence[str] | None = None
) -> Float64Array:
    """ROC-AUC of each tag.

    Parameters
    ----------
    truth
        bool (tracks, tags).
    scores
        Floats (tracks, tags).
    tags
        Column names, for messages.

    Returns
    -------
    float64 (tags,)
        In [0, 1]; NaN for a tag without positives or without negatives.

    Raises
    ------
    EvaluationError
        Truth and scores cannot be compared; see `moodtheme.evaluation.checks`.
    """
    return _areas_of_tags(_checked(truth, scores, tags), truth)[0]


def average_precision(
    truth: BoolMatrix, scores: ScoreMatrix, *, tags: Sequence[str] | None = None
) -> Float64Array:
    """Average precision (PR-AUC) of each tag; parameters and errors as for `roc_auc`.

    Returns
    -------
    float64 (tags,)
        In (0, 1]; NaN for a tag without positives.
    """
    return _areas_of_tags(_checked(truth, scores, tags), truth)[1]


def macro(figures: Float64Array) -> Float64Array:
    """Average over tags, the first axis, leaving out NaN; NaN where no tag has the figure."""
    defined = ~np.isnan(figures)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(defined, figures, 0).sum(axis=0) / defined.sum(axis=0))


def weigh_rankings(
    rankings: Sequence[Ranking], weights: Weights
) -> tuple[Float64Array, Float64Array]:
    """ROC-AUC and average precision of each tag under each column of weights.

    Returns
    -------
    tuple of float64 (tags, resamples)
    """
    both = [areas(ranking, weights) for ranking in rankings]
    return np.stack([roc for roc, _ in both]), np.stack([precision for _, precision in both])


def weigh_decisions(
    truth: BoolMatrix, decisions: BoolMatrix, weights: Weights
) -> tuple[DecisionFigures, DecisionFigures]:
    """Precision, recall and F1 under each column of weights.

    Parameters
    ----------
    truth, decisions
        bool (tracks, tags).
    weights
        int32 (tracks, resamples).

    Returns
    -------
    tuple of DecisionFigures
        Per tag, float64 (tags, resamples), and micro, float64 (resamples,).
    """
    # Counts stay far below 2**53, so the floating-point products are exact.
    counted = weights.astype(np.float64)
    hits = (truth & decisions).T.astype(np.float64) @ counted
    decided = decisions.T.astype(np.float64) @ counted
    positives = truth.T.astype(np.float64) @ counted
    return (
        _decision_figures(hits, decided, positives),
        _decision_figures(hits.sum(axis=0), decided.sum(axis=0), positives.sum(axis=0)),
    )


def _decision_figures(
    hits: Float64Array, decided: Float64Array, positives: Float64Array
) -> DecisionFigures:
    undefined = positives == 0
    with np.errstate(invalid="ignore"):
        return DecisionFigures(
            precision=np.where(undefined, np.nan, hits / np.maximum(decided, 1)),
            recall=hits / positives,
            f1=np.where(undefined, np.nan, 2 * hits / np.maximum(decided + positives, 1)),
        )


def _checked(truth: BoolMatrix, scores: ScoreMatrix, tags: Sequence[str] | None) -> ScoreMatrix:
    names = check_truth(truth, tags=tags)
    check_scores(scores, truth, names)
    warn_of_undefined(truth, names)
    return as_scores(scores)


def _areas_of_tags(scores: ScoreMatrix, truth: BoolMatrix) -> tuple[Float64Array, Float64Array]:
    roc, precision = weigh_rankings(rank_tags(truth, scores), unit_weights(len(truth)))
    return roc[:, 0], precision[:, 0]
