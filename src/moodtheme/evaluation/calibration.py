"""Calibration: from scores, which only rank, to probabilities.

Scores of one tag are mapped by a logistic function with a slope and an intercept (Platt,
"Probabilistic outputs for support vector machines", 1999). Two numbers a tag are what a validation
set can support; a slope that is not negative keeps each tag's ranking, and with it ROC-AUC and
PR-AUC. A tag becomes comparable with the other tags, which its scores are not.

The labels are smoothed as Platt proposes: a tag with few positives, or none, or one that is
perfectly separated on validation, still gets finite, cautious numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.errors import EvaluationError
from moodtheme.evaluation.checks import check_scores, check_truth
from moodtheme.scores.decisions import logit
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix, as_scores

_NO_PENALTY = 1e6
"""Inverse strength of scikit-learn's ridge penalty: next to none, as in Platt's method."""


@dataclass(frozen=True)
class PlattScaling:
    """``probability = sigmoid(slope · logit(score) + intercept)`` of each tag.

    Attributes
    ----------
    slopes
        Not negative, float64 (tags,).
    intercepts
        float64 (tags,).
    """

    slopes: Float64Array
    intercepts: Float64Array


def fit_calibration(
    truth: BoolMatrix, scores: ScoreMatrix, *, tags: Sequence[str] | None = None
) -> PlattScaling:
    """Fit one logistic function a tag.

    Parameters
    ----------
    truth
        bool (tracks, tags), of a validation set. Never the truth of the set that will be reported.
    scores
        Floats in [0, 1] (tracks, tags).
    tags
        Column names, for messages.

    Raises
    ------
    EvaluationError
        Truth and scores cannot be compared, or scores are outside [0, 1].
    """
    names = check_truth(truth, tags=tags)
    if (scores < 0).any() or (scores > 1).any():
        raise EvaluationError("calibration needs scores in [0, 1]; apply the sigmoid first")
    check_scores(scores, truth, names)
    logits = logit(as_scores(scores))
    fitted = [_fit_tag(truth[:, tag], logits[:, tag]) for tag in range(truth.shape[1])]
    slopes, intercepts = np.array(fitted, np.float64).T
    return PlattScaling(slopes=slopes, intercepts=intercepts)


def _fit_tag(labels: BoolMatrix, logits: Float64Array) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    positives, tracks = int(labels.sum()), len(labels)
    # Platt's targets: what Laplace's rule would say of one more track of either kind.
    targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (tracks - positives + 2))
    share = float(logit(targets.mean(keepdims=True))[0])
    if np.ptp(logits) == 0:
        return 0.0, share
    # A target t is a track that counts as t positive and 1 − t negative.
    model = LogisticRegression(C=_NO_PENALTY, solver="newton-cholesky", tol=1e-8, max_iter=1000)
    model.fit(
        np.tile(logits, 2)[:, None],
        np.repeat([1, 0], tracks),
        sample_weight=np.concatenate([targets, 1 - targets]),
    )
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    # Scores that rank a tag backwards say nothing of it: what is left is its share of tracks.
    return (slope, intercept) if slope > 0 else (0.0, share)
