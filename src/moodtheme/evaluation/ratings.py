"""How near a system's ratings, of valence and the like, come to listeners'.

For each dimension, over the tracks that have both: R², the share of the listeners' variance that is
explained (below 0 where their mean would do better); Pearson's correlation; and Lin's concordance
correlation coefficient (1989), which falls where scale or level are off as well. Intervals are
those of `moodtheme.evaluation.intervals`, over whole artists where they are known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array
from moodtheme.errors import EvaluationError
from moodtheme.evaluation.bootstrap import MOST_LEFT_OUT, draw_weights
from moodtheme.evaluation.intervals import difference_interval
from moodtheme.evaluation.units import units_of
from moodtheme.scores.ratings import Ratings

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
        Their ends; empty without resamples.
    """

    dimension: str
    tracks: int
    figures: dict[str, float]
    intervals: dict[str, tuple[float, float]]


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
    if len(found.values) != len(truth.values):
        raise EvaluationError(
            f"{source}: rates {len(found.values)} tracks, the truth {len(truth.values)}; compare "
            "the same tracks"
        )
    placed = found.like(truth, source=source)
    units = units_of(len(truth.values), artists or None)
    result = []
    for column, dimension in enumerate(truth.dimensions):
        pair = np.stack([truth.values[:, column], placed.values[:, column]])
        there = np.flatnonzero(np.isfinite(pair).all(axis=0))
        if len(there) < 2:
            raise EvaluationError(
                f"{source}: {len(there)} tracks have ratings of {dimension.name} from listeners "
                "and from the system; at least 2 are needed"
            )
        x, y = pair[:, there]
        point = agreement(x, y, np.ones((1, len(there))))[:, 0]
        intervals = {}
        if resamples:
            numbers = np.unique(units.of_track[there], return_inverse=True)[1]
            intervals = _intervals(x, y, numbers, point, resamples, np.random.default_rng(seed))
        figures = dict(zip(MEASURES, point.tolist(), strict=True))
        result.append(RatingFigures(dimension.name, len(there), figures, intervals))
    return result


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


def _intervals(
    x: Float64Array,
    y: Float64Array,
    unit_of: npt.NDArray[np.intp],
    point: Float64Array,
    resamples: int,
    rng: np.random.Generator,
) -> dict[str, tuple[float, float]]:
    count = int(unit_of.max()) + 1
    drawn = agreement(x, y, draw_weights(count, resamples, rng)[unit_of].T.astype(np.float64))
    blocks = unit_of % MOST_LEFT_OUT
    kept = blocks[None] != np.arange(min(count, MOST_LEFT_OUT))[:, None]
    left_out = agreement(x, y, kept.astype(np.float64))
    found = {}
    for name, value, samples, without in zip(MEASURES, point, drawn, left_out, strict=True):
        ends = difference_interval(float(value), samples, without)
        found[name] = (ends.low, min(ends.high, 1.0))  # none of the three is ever above 1
    return found
