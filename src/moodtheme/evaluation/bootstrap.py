"""How far a figure would move with another draw of test tracks: the paired bootstrap.

Conventions
-----------
A resample draws as many units as the set has, with replacement, all equally likely: whole artists
where they are known, single tracks otherwise. Tracks by one artist share a sound, a studio and the
habits of whoever tagged them. Another test set would have other artists, not other tracks of the
same ones; drawn track by track, intervals come out as if the test set held far more than it does.

Every system is scored on the same resamples, so the difference of two systems is taken resample by
resample (paired): what makes a draw easy makes it easy for both, and cancels.

`moodtheme.evaluation.intervals` makes intervals of the resamples. They say how much the figure
depends on which artists happened to be in the test set; they say nothing about another training
run.

In a resample where a tag has no positives that tag has no figures, as on the set itself: the
resample's macro averages are over the other tags, and an `EvaluationWarning` names the tag and says
how often it happened. Decision thresholds are not chosen again in each resample.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from moodtheme.errors import EvaluationError, EvaluationWarning, UsageError
from moodtheme.evaluation.intervals import FEWEST
from moodtheme.evaluation.metrics import Figures, RankedSystem, weigh
from moodtheme.evaluation.ranking import Weights
from moodtheme.scores.matrices import BoolMatrix
from moodtheme.work import Progress, no_progress

WEIGHTS_AT_ONCE = 2**23
"""Weights drawn at a time (32 MiB of int32); bounds memory on large sets."""

MOST_LEFT_OUT = 300
"""Columns of leaving out at most; more units are left out in blocks."""


class Group(StrEnum):
    """What stays together in a resample."""

    ARTIST = "artist"
    TRACK = "track"


@dataclass(frozen=True)
class Units:
    """The things a test set is drawn of.

    Attributes
    ----------
    group
        What they are.
    of_track
        Number of each track's unit, counted from 0, (tracks,).
    count
        How many units there are.
    """

    group: Group
    of_track: npt.NDArray[np.intp]
    count: int

    @property
    def name(self) -> str:
        """In words: ``327 artists``."""
        return all_together([self])

    def are_enough(self, what: str) -> bool:
        """Whether they are `FEWEST` or more; if not, a warning says that there is not `what`."""
        if self.count < FEWEST:
            warnings.warn(
                f"no {what}: {self.name} are too few to tell how others would differ; test on "
                f"{FEWEST} {self.group}s at least",
                EvaluationWarning,
                stacklevel=4,
            )
        return self.count >= FEWEST


def all_together(sets: Sequence[Units]) -> str:
    """What several test sets are drawn of, in words: ``385 artists`` of all folds."""
    counts: dict[Group, int] = {}
    for units in sets:
        counts[units.group] = counts.get(units.group, 0) + units.count
    return " and ".join(
        f"{count} {group}{'' if count == 1 else 's'}" for group, count in counts.items()
    )


def units_of(n_tracks: int, artists: Sequence[str] | None) -> Units:
    """Whole artists, or single tracks where no artist is known.

    Parameters
    ----------
    n_tracks
        In the set.
    artists
        One a track, ``""`` where unknown: such a track stands for itself. None, or no known artist
        at all: every track does.

    Raises
    ------
    EvaluationError
        Another number of artists than tracks.
    """
    if artists is not None and len(artists) != n_tracks:
        raise EvaluationError(
            f"{len(artists)} artists for {n_tracks} tracks; give one a track, in the same order"
        )
    if artists is None or not any(artists):
        return Units(Group.TRACK, np.arange(n_tracks), n_tracks)
    keys = [artist or row for row, artist in enumerate(artists)]
    number = {key: index for index, key in enumerate(dict.fromkeys(keys))}
    return Units(Group.ARTIST, np.array([number[key] for key in keys], np.intp), len(number))


def draw_weights(n_units: int, n_resamples: int, rng: np.random.Generator) -> Weights:
    """Draw resamples as counts: how often each unit was drawn.

    Returns
    -------
    int32 (n_units, n_resamples)
        Each column sums to `n_units`.
    """
    weights = np.empty((n_units, n_resamples), np.int32)
    for column in range(n_resamples):
        drawn = rng.integers(n_units, size=n_units)
        weights[:, column] = np.bincount(drawn, minlength=n_units)
    return weights


def bootstrap(
    truth: BoolMatrix,
    systems: Sequence[RankedSystem],
    *,
    resamples: int = 1000,
    seed: int = 0,
    units: Units,
    tags: Sequence[str],
    progress: Progress = no_progress,
) -> list[Figures]:
    """Compute all figures of all systems on the same resamples.

    Parameters
    ----------
    truth
        bool (tracks, tags).
    systems
        From `moodtheme.evaluation.metrics.rank_system`.
    resamples
        How many, at least 1.
    seed
        The same seed gives the same resamples on every machine.
    units
        What is drawn.
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
        weights = draw_weights(units.count, min(batch, resamples - first), rng)[units.of_track]
        absences += [int((weights[column].max(axis=0, initial=0) == 0).sum()) for column in truth.T]
        for index, system in enumerate(systems):
            parts[index].append(weigh(truth, system, weights))
            done = first + weights.shape[1] * (index + 1) / len(systems)
            progress(done, resamples)
    _warn_of_absences(np.where(truth.any(axis=0), absences, 0), resamples, tags)
    return [
        Figures(
            {key: np.concatenate([p.summary[key] for p in of]) for key in of[0].summary},
            {key: np.concatenate([p.per_tag[key] for p in of], axis=1) for key in of[0].per_tag},
        )
        for of in parts
    ]


def leave_out(truth: BoolMatrix, systems: Sequence[RankedSystem], *, units: Units) -> list[Figures]:
    """Compute all figures of all systems with one unit after another left out.

    Parameters
    ----------
    truth, systems, units
        As for `bootstrap`. More than `MOST_LEFT_OUT` units are dealt to so many blocks, by chance
        but always alike, and left out block by block.

    Returns
    -------
    list of Figures
        One a system, with a column a unit or block.
    """
    blocks = np.arange(units.count) % MOST_LEFT_OUT
    if units.count > MOST_LEFT_OUT:
        blocks = np.random.default_rng(0).permutation(blocks)
    columns = np.arange(blocks.max() + 1)
    weights = (blocks[units.of_track][:, None] != columns).astype(np.int32)
    return [weigh(truth, system, weights) for system in systems]


def _warn_of_absences(
    absences: np.typing.NDArray[np.int64], resamples: int, tags: Sequence[str]
) -> None:
    absent = np.flatnonzero(absences)
    if len(absent):
        worst = int(absent[np.argmax(absences[absent])])
        others = f", {len(absent) - 1} other tags less often" if len(absent) > 1 else ""
        warnings.warn(
            f"tag {tags[worst]} has no positives in {absences[worst]} of {resamples} "
            f"resamples{others}: left out of those",
            EvaluationWarning,
            stacklevel=3,
        )
