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

A figure's key says what it is: ``roc_auc_macro``, ``f1_micro_oracle``. Figures of decisions end in
how the thresholds were chosen (`DecisionRule`), always.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.evaluation.checks import checked
from moodtheme.evaluation.ranking import (
    Ranking,
    Weights,
    areas,
    rank_all,
    rank_tags,
    unit_weights,
)
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix


class DecisionRule(StrEnum):
    """Where the thresholds behind a figure come from."""

    ORACLE = "oracle"
    """The task's official rule on the very set that is scored. It counts the tracks at a threshold
    when it chooses and leaves them out when it decides, so it is no upper bound."""
    BEST = "best"
    """Highest F1 that thresholds can reach on the very set that is scored: the upper bound."""
    VALIDATION = "validation"
    """Best F1 on a validation set: honest."""
    FIXED = "fixed"
    """One threshold for every tag, chosen beforehand (0.5)."""


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
    return areas_of_tags(truth, checked(truth, scores, tags))[0]


def average_precision(
    truth: BoolMatrix, scores: ScoreMatrix, *, tags: Sequence[str] | None = None
) -> Float64Array:
    """Average precision (PR-AUC) of each tag; parameters and errors as for `roc_auc`.

    Returns
    -------
    float64 (tags,)
        In (0, 1]; NaN for a tag without positives.
    """
    return areas_of_tags(truth, checked(truth, scores, tags))[1]


def macro(figures: Float64Array) -> Float64Array:
    """Average over tags, the first axis, leaving out NaN; NaN where no tag has the figure."""
    defined = ~np.isnan(figures)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(defined, figures, 0).sum(axis=0) / defined.sum(axis=0))


def areas_of_tags(truth: BoolMatrix, scores: ScoreMatrix) -> tuple[Float64Array, Float64Array]:
    """ROC-AUC and average precision of each tag, (tags,) each, of scores that have been checked."""
    roc, precision = weigh_rankings(rank_tags(truth, scores), unit_weights(len(truth)))
    return roc[:, 0], precision[:, 0]


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


@dataclass(frozen=True)
class RankedSystem:
    """One system's scores, ranked and decided once, ready to be weighed many times.

    Attributes
    ----------
    tags
        A ranking of the tracks for each tag.
    pairs
        The ranking of all (track, tag) pairs.
    decisions
        bool (tracks, tags) for each rule.
    """

    tags: tuple[Ranking, ...]
    pairs: Ranking
    decisions: Mapping[DecisionRule, BoolMatrix]


@dataclass(frozen=True)
class Figures:
    """One system's figures under each column of weights.

    Attributes
    ----------
    summary
        Macro and micro figures, float64 (resamples,) each.
    per_tag
        Figures of each tag, float64 (tags, resamples) each.
    """

    summary: Mapping[str, Float64Array]
    per_tag: Mapping[str, Float64Array]


def rank_system(
    truth: BoolMatrix, scores: ScoreMatrix, decisions: Mapping[DecisionRule, BoolMatrix]
) -> RankedSystem:
    """Do once what every resample needs."""
    return RankedSystem(tuple(rank_tags(truth, scores)), rank_all(truth, scores), decisions)


def weigh(truth: BoolMatrix, system: RankedSystem, weights: Weights | None = None) -> Figures:
    """Compute all figures of a system.

    Parameters
    ----------
    truth
        bool (tracks, tags).
    system
        From `rank_system`, on the same truth.
    weights
        How often each track counts, int32 (tracks, resamples); by default once, as a single
        column.
    """
    if weights is None:
        weights = unit_weights(len(truth))
    roc_auc, pr_auc = weigh_rankings(system.tags, weights)
    roc_auc_micro, pr_auc_micro = areas(system.pairs, weights)
    per_tag = {"roc_auc": roc_auc, "pr_auc": pr_auc}
    summary = {
        "roc_auc_macro": macro(roc_auc),
        "pr_auc_macro": macro(pr_auc),
        "roc_auc_micro": roc_auc_micro,
        "pr_auc_micro": pr_auc_micro,
    }
    for rule, decisions in system.decisions.items():
        # Counts stay far below 2**53, so the floating-point products are exact.
        counted = weights.astype(np.float64)
        hits, decided, positives = (
            which.T.astype(np.float64) @ counted for which in (truth & decisions, decisions, truth)
        )
        micro = _of_decisions(hits.sum(axis=0), decided.sum(axis=0), positives.sum(axis=0))
        for name, figures in _of_decisions(hits, decided, positives).items():
            per_tag[f"{name}_{rule}"] = figures
            summary[f"{name}_macro_{rule}"] = macro(figures)
            summary[f"{name}_micro_{rule}"] = micro[name]
    return Figures(summary, per_tag)


def _of_decisions(
    hits: Float64Array, decided: Float64Array, positives: Float64Array
) -> dict[str, Float64Array]:
    undefined = positives == 0
    with np.errstate(invalid="ignore"):
        return {
            "f1": np.where(undefined, np.nan, 2 * hits / np.maximum(decided + positives, 1)),
            "precision": np.where(undefined, np.nan, hits / np.maximum(decided, 1)),
            "recall": hits / positives,
        }
