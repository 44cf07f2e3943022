"""All figures of one system, on the set itself or on resamples of it.

A figure's key says what it is: ``roc_auc_macro``, ``f1_micro_oracle``. Figures of decisions end in
how the thresholds were chosen (`DecisionRule`), always.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.evaluation.metrics import macro, weigh_decisions, weigh_rankings
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
        tag_figures, micro = weigh_decisions(truth, decisions, weights)
        for name in ("f1", "precision", "recall"):
            figures: Float64Array = getattr(tag_figures, name)
            per_tag[f"{name}_{rule}"] = figures
            summary[f"{name}_macro_{rule}"] = macro(figures)
            summary[f"{name}_micro_{rule}"] = getattr(micro, name)
    return Figures(summary, per_tag)


def join(parts: list[Figures]) -> Figures:
    """Put the resamples of several batches behind one another."""
    return Figures(
        {key: np.concatenate([p.summary[key] for p in parts]) for key in parts[0].summary},
        {key: np.concatenate([p.per_tag[key] for p in parts], axis=1) for key in parts[0].per_tag},
    )
