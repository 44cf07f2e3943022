"""How near a system's ratings, of valence and the like, come to listeners'.

For each dimension, over the tracks that have both: R², the share of the listeners' variance that is
explained (below 0 where their mean would do better); Pearson's correlation; and Lin's concordance
correlation coefficient (1989), which falls where scale or level are off as well. Intervals and
paired differences are those of `moodtheme.evaluation.intervals`, over whole artists where they are
known.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array
from moodtheme.errors import EvaluationError
from moodtheme.evaluation.bootstrap import MOST_LEFT_OUT, Units, draw_weights, units_of
from moodtheme.evaluation.intervals import FEWEST, difference_interval
from moodtheme.evaluation.results import PairedFigure
from moodtheme.evaluation.spread import Spread, corrected, paired
from moodtheme.scores.ratings import Ratings

IndexArray = npt.NDArray[np.intp]

MEASURES = ("r2", "pearson", "ccc")
"""Names of the figures, in the order of `agreement`."""


@dataclass(frozen=True)
class RatingFigures:
    """A system's figures on one dimension.

    Attributes
    ----------
    dimension
        Its name.
    tracks
        That have both ratings.
    figures
        ``r2``, ``pearson`` and ``ccc``; NaN where undefined.
    intervals
        Their ends; empty without resamples, or with too few artists.
    """

    dimension: str
    tracks: int
    figures: dict[str, float]
    intervals: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class RatingDifference:
    """How much nearer to listeners one system comes than another, on one dimension.

    Attributes
    ----------
    name, against
        The two systems.
    dimension
        Its name.
    tracks
        That have all three ratings.
    figures
        ``r2``, ``pearson`` and ``ccc`` of the first minus those of the other.
    """

    name: str
    against: str
    dimension: str
    tracks: int
    figures: dict[str, PairedFigure]


def evaluate_ratings(
    truth: Ratings,
    found: Ratings,
    *,
    source: str = "ratings",
    artists: Sequence[str] = (),
    resamples: int = 0,
    seed: int = 0,
) -> list[RatingFigures]:
    """Compare ratings with listeners'.

    Parameters
    ----------
    truth
        Listeners' ratings.
    found
        A system's, of the same tracks in the same order; its dimensions may be in another order
        and on other scales.
    source
        For messages.
    artists
        One a track, ``""`` where not known: what is drawn together. Empty draws single tracks.
    resamples
        Of the bootstrap; 0 for no intervals.
    seed
        Of the draws.

    Raises
    ------
    EvaluationError
        Another number of tracks, a dimension is lacking, or fewer than two tracks have both
        ratings.
    """
    placed = _place(truth, found, source)
    units = _units(truth, artists, resamples)
    result = []
    for column, dimension in enumerate(truth.dimensions):
        pair = np.stack([truth.values[:, column], placed.values[:, column]])
        there = _rated_by_all(pair, f"{source}: ", dimension.name)
        found_here = _Drawing(units, there, resamples, seed).agreement(*pair)
        intervals = {}
        for name, one in found_here.items():
            if one.moved:
                ends = difference_interval(one.value, *one.moved)
                # None of the three is ever above 1, no correlation below −1.
                least = -math.inf if name == "r2" else -1.0
                intervals[name] = (max(ends.low, least), min(ends.high, 1.0))
        figures = {name: one.value for name, one in found_here.items()}
        result.append(RatingFigures(dimension.name, len(there), figures, intervals))
    return result


def compare_ratings(
    truth: Ratings,
    systems: Mapping[str, Ratings],
    pairs: Sequence[tuple[str, str]],
    *,
    artists: Sequence[str] = (),
    resamples: int = 0,
    seed: int = 0,
) -> list[RatingDifference]:
    """Compare systems' ratings in pairs, on the same resamples.

    Parameters
    ----------
    truth, artists, resamples, seed
        As for `evaluate_ratings`.
    systems
        Ratings of the same tracks by name.
    pairs
        Which to compare: the first minus the second.

    Returns
    -------
    list of RatingDifference
        For each pair each dimension; p-values are corrected for all of them together (Holm).

    Raises
    ------
    EvaluationError
        As for `evaluate_ratings`.
    """
    placed = {name: _place(truth, found, name) for name, found in systems.items()}
    units = _units(truth, artists, resamples)
    found, figures = [], []
    for pair in pairs:
        for column, dimension in enumerate(truth.dimensions):
            values = [truth.values[:, column], *(placed[name].values[:, column] for name in pair)]
            there = _rated_by_all(np.stack(values), f"{' and '.join(pair)}: ", dimension.name)
            drawing = _Drawing(units, there, resamples, seed)
            figures.append(paired(*(drawing.agreement(values[0], one) for one in values[1:])))
            found.append((*pair, dimension.name, len(there)))
    return [RatingDifference(*of, one) for of, one in zip(found, corrected(figures), strict=True)]


def agreement(truth: Float64Array, found: Float64Array, weights: Float64Array) -> Float64Array:
    """R², Pearson's and Lin's correlation of two rows, for each row of weights.

    Parameters
    ----------
    truth, found
        Finite, (tracks,).
    weights
        How often each track counts, (resamples, tracks).

    Returns
    -------
    float64 (3, resamples)
        As `MEASURES`; NaN where one side does not vary.
    """
    total = weights.sum(axis=1)
    # Around the means of all, so that sums of squares lose no digits.
    x, y = truth - truth.mean(), found - found.mean()
    apart = truth.mean() - found.mean()
    mean_x, mean_y = weights @ x / total, weights @ y / total
    var_x = weights @ x**2 / total - mean_x**2
    var_y = weights @ y**2 / total - mean_y**2
    both = weights @ (x * y) / total - mean_x * mean_y
    error = weights @ (truth - found) ** 2 / total
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = np.where(var_x > 0, 1 - error / var_x, np.nan)
        pearson = np.where((var_x > 0) & (var_y > 0), both / np.sqrt(var_x * var_y), np.nan)
        spread = var_x + var_y + (mean_x - mean_y + apart) ** 2
        ccc = np.where(var_x > 0, 2 * both / spread, np.nan)
    return np.stack([r2, pearson, ccc])


class _Drawing:
    """Which units of a dimension's rated tracks count how often."""

    def __init__(self, units: Units, there: IndexArray, resamples: int, seed: int) -> None:
        self._there = there
        unit_of = np.unique(units.of_track[there], return_inverse=True)[1]
        count = int(unit_of.max()) + 1
        self._weights = [np.ones((1, len(there)))]
        if resamples > 0 and count >= FEWEST:
            drawn = draw_weights(count, resamples, np.random.default_rng(seed))[unit_of].T
            blocks = unit_of % MOST_LEFT_OUT
            kept = blocks[None] != np.arange(min(count, MOST_LEFT_OUT))[:, None]
            self._weights += [drawn.astype(np.float64), kept.astype(np.float64)]

    def agreement(self, truth: Float64Array, found: Float64Array) -> dict[str, Spread]:
        """`MEASURES` on the tracks, and how far they move where there are units enough."""
        x, y = truth[self._there], found[self._there]
        point, *moved = (agreement(x, y, weights) for weights in self._weights)
        return {
            name: Spread(float(point[row, 0]), (moved[0][row], moved[1][row]) if moved else None)
            for row, name in enumerate(MEASURES)
        }


def _place(truth: Ratings, found: Ratings, source: str) -> Ratings:
    if len(found.values) != len(truth.values):
        raise EvaluationError(
            f"{source}: rates {len(found.values)} tracks, the truth {len(truth.values)}; compare "
            "the same tracks"
        )
    return found.like(truth, source=source)


def _units(truth: Ratings, artists: Sequence[str], resamples: int) -> Units:
    units = units_of(len(truth.values), artists or None)
    if resamples:
        units.are_enough("intervals of ratings")
    return units


def _rated_by_all(values: Float64Array, source: str, dimension: str) -> IndexArray:
    there = np.flatnonzero(np.isfinite(values).all(axis=0))
    if len(there) < 2:
        raise EvaluationError(
            f"{source}{len(there)} tracks have ratings of {dimension} from listeners "
            "and from the system; at least 2 are needed"
        )
    return there
