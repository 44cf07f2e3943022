"""How far a figure would move with another draw of test tracks: the paired bootstrap.

Conventions
-----------
A resample draws as many tracks as the set has, with replacement, all equally likely. Every system
is scored on the same resamples, so the difference of two systems is taken resample by resample
(paired): what makes a draw easy makes it easy for both, and cancels.

Intervals are percentile intervals. They say how much the figure depends on which tracks happened
to be in the test set; they say nothing about another training run, and tracks by one artist are
drawn independently of each other, which makes them a little too narrow.

In a resample where a tag has no positives that tag has no figures, as on the set itself: the
resample's macro averages are over the other tags, the tag's own interval is over the resamples
that have it, and an `EvaluationWarning` names the tag and says how often it happened. Decision
thresholds are not chosen again in each resample.
"""

import warnings
from collections.abc import Sequence

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.errors import EvaluationError, EvaluationWarning, UsageError
from moodtheme.evaluation.figures import Figures, RankedSystem, join, weigh
from moodtheme.evaluation.ranking import Weights
from moodtheme.scores.matrices import BoolMatrix
from moodtheme.work import Progress, no_progress

LEVEL = 0.95
"""Level of intervals unless another is asked for."""

WEIGHTS_AT_ONCE = 2**23
"""Weights drawn at a time (32 MiB of int32); bounds memory on large sets."""


def draw_weights(n_tracks: int, n_resamples: int, rng: np.random.Generator) -> Weights:
    """Draw resamples as counts: how often each track was drawn.

    Returns
    -------
    int32 (n_tracks, n_resamples)
        Each column sums to `n_tracks`.
    """
    weights = np.empty((n_tracks, n_resamples), np.int32)
    for column in range(n_resamples):
        drawn = rng.integers(n_tracks, size=n_tracks)
        weights[:, column] = np.bincount(drawn, minlength=n_tracks)
    return weights


def bootstrap(
    truth: BoolMatrix,
    systems: Sequence[RankedSystem],
    *,
    resamples: int = 1000,
    seed: int = 0,
    tags: Sequence[str],
    progress: Progress = no_progress,
) -> list[Figures]:
    """Compute all figures of all systems on the same resamples.

    Parameters
    ----------
    truth
        bool (tracks, tags).
    systems
        From `moodtheme.evaluation.figures.rank_system`.
    resamples
        How many, at least 1.
    seed
        The same seed gives the same resamples on every machine.
    tags
        Column names, for messages.
    progress
        Called with what is done and what there is to do.

    Returns
    -------
    list of Figures
        One a system, with `resamples` columns.

    Warns
    -----
    EvaluationWarning
        A tag that has positives has none in some resamples.
    """
    if resamples < 1:
        raise UsageError(f"{resamples} bootstrap resamples; ask for at least 1")
    rng = np.random.default_rng(seed)
    batch = max(1, min(resamples, WEIGHTS_AT_ONCE // len(truth)))
    parts: list[list[Figures]] = [[] for _ in systems]
    absences = np.zeros(truth.shape[1], np.int64)
    for first in range(0, resamples, batch):
        weights = draw_weights(len(truth), min(batch, resamples - first), rng)
        absences += [int((weights[column].max(axis=0, initial=0) == 0).sum()) for column in truth.T]
        for index, system in enumerate(systems):
            parts[index].append(weigh(truth, system, weights))
            done = first + weights.shape[1] * (index + 1) / len(systems)
            progress(done, resamples)
    _warn_of_absences(np.where(truth.any(axis=0), absences, 0), resamples, tags)
    return [join(system_parts) for system_parts in parts]


def interval(samples: Float64Array, level: float = LEVEL) -> tuple[float, float]:
    """Percentile interval of one figure.

    Parameters
    ----------
    samples
        The figure, or the difference of two, in each resample; NaN where it is undefined.
    level
        The share of resamples inside, in (0, 1).

    Returns
    -------
    tuple of float
        Lower and upper end; NaN if no resample has the figure.

    Raises
    ------
    EvaluationError
        The level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise EvaluationError(f"an interval of level {level}; choose one between 0 and 1")
    defined = samples[~np.isnan(samples)]
    if len(defined) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _warn_of_absences(
    absences: np.typing.NDArray[np.int64], resamples: int, tags: Sequence[str]
) -> None:
    absent = np.flatnonzero(absences)
    if len(absent):
        worst = int(absent[np.argmax(absences[absent])])
        others = f", {len(absent) - 1} other tags less often" if len(absent) > 1 else ""
        warnings.warn(
            f"tag {tags[worst]} has no positives in {absences[worst]} of {resamples} "
            f"resamples{others}: left out of those; its interval is over the others",
            EvaluationWarning,
            stacklevel=3,
        )
