"""Fusion weights learned on validation scores, with an estimate of whether they are worth it.

Weights are found by greedy selection with replacement (Caruana et al., "Ensemble selection from
libraries of models", ICML 2004): start from nothing, add the system that makes the mean of all
picks best, repeat; a system's weight is its share of the picks. The weights are non-negative and
sum to one by construction; the criterion is macro ROC-AUC itself, the figure systems are ranked
by, which has no useful gradient; systems that do not help get weight 0 and need not be run at all;
and stopping at the best step regularises. Log-loss would be smoother to minimise, but judges how
systems are calibrated, which fusion can leave to a later step.

Whatever is fitted looks good where it was fitted. The fit is therefore repeated inside the
validation set on all folds but one and scored on the fold left out, beside the plain mean on the
very same tracks: only if the learned weights win there is there a reason to prefer them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array
from moodtheme.errors import UsageError
from moodtheme.evaluation.checks import check_scores, check_truth, warn_of_undefined
from moodtheme.evaluation.metrics import areas_of_tags, macro
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix, as_scores
from moodtheme.work import Progress, no_progress

PICKS = 20
"""Steps of the greedy selection, so weights are multiples of at least 1/20. More steps take
longer and, past a few times the number of useful systems, change little."""

FOLDS = 5
"""Folds of the cross-validation."""


@dataclass(frozen=True)
class LearnedWeights:
    """Weights, and the macro ROC-AUC that speaks for or against them.

    Attributes
    ----------
    weights
        One a system, not negative, summing to one, float64 (systems,).
    fitted
        On the validation set they were fitted on: flattering.
    cross_validated
        Of tracks whose fold had no part in the weights they were fused with: honest.
    plain_mean
        Of the unweighted mean on the same tracks.
    """

    weights: Float64Array
    fitted: float
    cross_validated: float
    plain_mean: float


def learn_weights(
    truth: BoolMatrix,
    scores: Sequence[ScoreMatrix],
    *,
    tags: Sequence[str] | None = None,
    folds: int = FOLDS,
    seed: int = 0,
    progress: Progress = no_progress,
) -> LearnedWeights:
    """Learn one weight a system on a validation set.

    Parameters
    ----------
    truth
        bool (validation tracks, tags). Never the truth of the set that will be reported.
    scores
        One matrix a system, floats (validation tracks, tags).
    tags
        Column names, for messages.
    folds
        At least 2 and at most the number of tracks. Tracks are dealt to folds at random. Held-out
        tracks of all folds are ranked together, so that rare tags keep their positives.
    seed
        Of the dealing.
    progress
        Called with what is done and what there is to do.

    Raises
    ------
    EvaluationError
        Truth and scores cannot be compared.
    UsageError
        No scores, or an impossible number of folds.
    """
    names = check_truth(truth, tags=tags)
    if not scores:
        raise UsageError("no scores to learn weights for; give at least one system")
    if not 2 <= folds <= len(truth):
        raise UsageError(f"{folds} folds of {len(truth)} tracks; choose from 2 to {len(truth)}")
    for index, matrix in enumerate(scores):
        check_scores(matrix, truth, names, name=f"validation scores {index + 1}")
    warn_of_undefined(truth, names, name="validation truth")
    stack = np.stack([as_scores(matrix).astype(np.float64) for matrix in scores])
    fold_of_track = np.random.default_rng(seed).permutation(len(truth)) % folds
    held_out = np.empty(truth.shape)
    for fold in range(folds):
        inside = fold_of_track != fold
        weights = _greedy(truth[inside], stack[:, inside])
        held_out[~inside] = np.tensordot(weights, stack[:, ~inside], axes=1)
        progress(fold + 1, folds + 1)
    weights = _greedy(truth, stack)
    progress(folds + 1, folds + 1)
    return LearnedWeights(
        weights=weights,
        fitted=_macro_roc_auc(truth, np.tensordot(weights, stack, axes=1)),
        cross_validated=_macro_roc_auc(truth, held_out),
        plain_mean=_macro_roc_auc(truth, stack.mean(axis=0)),
    )


def _greedy(truth: BoolMatrix, stack: npt.NDArray[np.float64]) -> Float64Array:
    picks = np.zeros(len(stack))
    total = np.zeros(stack.shape[1:])
    best, best_weights = -np.inf, np.full(len(stack), 1 / len(stack))
    for _ in range(PICKS):
        # Scaling does not change a ranking, so sums stand for means.
        reached = [_macro_roc_auc(truth, total + matrix) for matrix in stack]
        chosen = int(np.argmax(reached))
        picks[chosen] += 1
        total += stack[chosen]
        if reached[chosen] > best:
            best, best_weights = reached[chosen], picks / picks.sum()
    return best_weights


def _macro_roc_auc(truth: BoolMatrix, scores: ScoreMatrix) -> float:
    return float(macro(areas_of_tags(truth, scores)[0]))
