"""Areas under the ROC and precision-recall curves, for many weightings of the tracks at once.

A bootstrap resample draws each track a whole number of times. Drawing a track twice is the same
as counting it twice, so a resample is a column of integer weights, and the order of the scores,
which is the expensive part, is found once and serves every resample.

Only tracks that carry the tag contribute to either area, and each asks one question: how much
weight stands above me, and how much beside me? With tags as rare as moods (3 % of tracks) nearly
all of the ranking therefore lies between two such tracks and is needed only as a sum. A `Ranking`
keeps the borders of those stretches; `areas` sums the weights between them. All counts are
integers, so the areas are exact up to the last division.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array

IndexArray: TypeAlias = npt.NDArray[np.intp]
Weights: TypeAlias = npt.NDArray[np.int32]

GATHERED_AT_ONCE = 2**18
"""Weights reordered at a time: 1 MiB of int32, which a core's second-level cache holds."""


@dataclass(frozen=True)
class Ranking:
    """The order that scores put tracks in, reduced to what the areas need.

    Attributes
    ----------
    tracks
        Index of the track behind each entry, by descending score (entries,).
    borders
        Where a new stretch of entries begins, ascending from 0 (stretches,).
    groups
        For each group of tied entries with a positive in it, its stretch (groups,).
    positives
        Index of the track behind each positive entry, by descending score (positives,).
    first_positives
        For each of those groups, where its positives begin in `positives` (groups,).
    """

    tracks: IndexArray
    borders: IndexArray
    groups: IndexArray
    positives: IndexArray
    first_positives: IndexArray


def rank(
    truth: npt.NDArray[np.bool_],
    scores: npt.NDArray[np.floating[Any]],
    tracks: IndexArray | None = None,
) -> Ranking:
    """Order entries by descending score; entries with exactly equal scores are tied.

    Parameters
    ----------
    truth
        bool (entries,).
    scores
        Finite floats (entries,).
    tracks
        Index of the track behind each entry (entries,); by default an entry is a track.
    """
    # The default sort is not stable but several times faster; order within a tie is never used.
    order = np.argsort(-scores)
    ordered_scores = scores[order]
    is_positive = truth[order]
    starts = np.flatnonzero(np.r_[True, ordered_scores[1:] != ordered_scores[:-1]])
    ends = np.r_[starts[1:], len(order)]
    positive_entries = np.flatnonzero(is_positive)
    group_of_positive = np.searchsorted(starts, positive_entries, side="right") - 1
    groups, first_positives = np.unique(group_of_positive, return_index=True)
    borders = np.unique(np.r_[0, starts[groups], ends[groups]])
    borders = borders[borders < len(order)]
    behind = order if tracks is None else tracks[order]
    return Ranking(
        tracks=behind,
        borders=borders,
        groups=np.searchsorted(borders, starts[groups]),
        positives=behind[positive_entries],
        first_positives=first_positives,
    )


def rank_tags(truth: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating[Any]]) -> list[Ranking]:
    """Rank the tracks of each tag: one ranking a column."""
    columns = np.ascontiguousarray(scores.T)
    return [rank(truth[:, index], column) for index, column in enumerate(columns)]


def rank_all(truth: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating[Any]]) -> Ranking:
    """Rank all (track, tag) pairs together, for micro averages."""
    tracks = np.repeat(np.arange(len(truth)), truth.shape[1])
    return rank(truth.ravel(), scores.ravel(), tracks)


def unit_weights(n_tracks: int) -> Weights:
    """Count every track once: the weights of the set itself, as one column."""
    return np.ones((n_tracks, 1), np.int32)


def areas(ranking: Ranking, weights: Weights) -> tuple[Float64Array, Float64Array]:
    """ROC-AUC and average precision under each column of weights.

    Parameters
    ----------
    ranking
        From `rank`.
    weights
        How often each track counts, int32 (tracks, resamples), not negative.

    Returns
    -------
    tuple of float64 (resamples,)
        ROC-AUC, a tie counting half, and average precision, a tie counting as one step. NaN
        where the weights leave no positives or, for ROC-AUC, no negatives.
    """
    roc_auc = np.full(weights.shape[1], np.nan)
    average_precision = np.full(weights.shape[1], np.nan)
    if len(ranking.groups) > 0:
        step = max(1, GATHERED_AT_ONCE // len(ranking.tracks))
        for first in range(0, weights.shape[1], step):
            block = slice(first, first + step)
            roc_auc[block], average_precision[block] = _areas(
                ranking, np.ascontiguousarray(weights[:, block])
            )
    return roc_auc, average_precision


def _areas(ranking: Ranking, weights: Weights) -> tuple[Float64Array, Float64Array]:
    stretches = np.add.reduceat(weights.take(ranking.tracks, axis=0), ranking.borders, axis=0)
    through = np.cumsum(stretches, axis=0, dtype=np.int64)
    total = through[-1]
    beside = stretches[ranking.groups]  # positives and negatives tied with a group's positives
    through = through[ranking.groups]  # everything ranked at or above the group
    positive = np.add.reduceat(
        weights.take(ranking.positives, axis=0), ranking.first_positives, axis=0, dtype=np.int64
    )
    positive_through = np.cumsum(positive, axis=0)
    n_positive = positive_through[-1]
    n_negative = total - n_positive
    # A pair of a positive and a negative is lost when the negative ranks above, half lost in a
    # tie. Doubled, everything stays an integer.
    negative_beside = beside - positive
    negative_above = through - positive_through - negative_beside
    twice_lost = (positive * (2 * negative_above + negative_beside)).sum(axis=0)
    with np.errstate(invalid="ignore"):
        roc_auc = 1 - twice_lost / (2 * n_positive * n_negative)
        # A group of weight 0 adds nothing; dividing by 1 instead of 0 keeps it so.
        precision = positive_through / np.maximum(through, 1)
        average_precision = (positive * precision).sum(axis=0) / n_positive
    return roc_auc, average_precision
