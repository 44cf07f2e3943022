"""The popularity baseline: a system that never listens."""

import numpy as np
import numpy.typing as npt

from moodtheme.evaluation.checks import check_truth
from moodtheme.scores.matrices import BoolMatrix


def popularity_scores(training_truth: BoolMatrix, n_tracks: int) -> npt.NDArray[np.float32]:
    """Give every track the tag that most training tracks carry, and no other.

    This is the MediaEval task's ``baseline-popular``. Every tag's scores are constant, so its
    macro ROC-AUC is 0.5 by construction and its macro PR-AUC is the mean share of positives.

    Parameters
    ----------
    training_truth
        bool (training tracks, tags).
    n_tracks
        How many tracks to score.

    Returns
    -------
    float32 (n_tracks, tags)
        1 in the column of the most frequent tag (the first of several), 0 elsewhere.
    """
    check_truth(training_truth)
    scores = np.zeros((n_tracks, training_truth.shape[1]), np.float32)
    scores[:, training_truth.sum(axis=0).argmax()] = 1
    return scores
