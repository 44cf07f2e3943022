"""From resamples to an interval that covers as often as it says.

The middle 95 % of the resamples themselves cover too rarely where few artists decide a figure, and
lie too high for average precision, which a positive beside its own copy raises. Instead:

- The **bias** of a figure is how far the resamples' mean is above it, and is taken off.
- Its **spread** is the resamples' standard deviation, or that of the jackknife if it is larger:
  leaving out one artist after another says how much each of them moves the figure, and sees better
  what a few artists with many tracks do.
- **Student's t** takes the place of the normal distribution, with as many degrees of freedom as
  there are artists that matter: 3·(Σd²)²/Σd⁴ − 2, where d are the same effects of leaving out. That
  is about the number of artists if they are alike, and falls to 1 as one of them decides
  (Satterthwaite's argument; 3 is the normal distribution's kurtosis).
- A figure between 0 and 1 gets its interval on the **logit** scale, so the ends stay inside.
- A tag's figure gets **no interval** where fewer than `FEWEST` artists have the tag, or lack it:
  their spread says next to nothing of the spread of others. Nor does a figure of exactly 0 or 1
  that no resample moves.

``benchmarks/interval_coverage.py`` measures on made-up tracks how often these intervals cover.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.errors import EvaluationError

LEVEL = 0.95
"""Level of intervals unless another is asked for."""

FEWEST = 5
"""Artists that must have a tag, and lack it, for its figures to get intervals: with three, nominal
95 % intervals of ROC-AUC cover nine times in ten at most; from five on they hold."""

_KURTOSIS = 3.0
"""Fourth moment over squared second moment of a normal distribution."""


@dataclass(frozen=True)
class Interval:
    """Where a figure would lie with other artists.

    Attributes
    ----------
    low, high
        Ends; NaN where there is no interval.
    p
        Of a difference: how often chance alone would take it this far from 0, two-sided. NaN
        where there is no interval.
    """

    low: float
    high: float
    p: float = math.nan


NONE = Interval(math.nan, math.nan)


def share_interval(
    value: float, resampled: Float64Array, left_out: Float64Array, *, level: float = LEVEL
) -> Interval:
    """Interval of a figure between 0 and 1.

    Parameters
    ----------
    value
        The figure on the set itself; NaN where it is undefined.
    resampled
        In each resample; NaN where it is undefined (resamples,).
    left_out
        With each artist, or block of artists, left out; NaN where undefined (artists,).
    level
        How often the interval should hold the figure of the population, in (0, 1).

    Raises
    ------
    EvaluationError
        The level is not between 0 and 1.
    """
    drawn = _check(level, resampled)
    if math.isnan(value) or len(drawn) < 2:
        return NONE
    spread = _spread(value, drawn, left_out)
    if spread == 0:
        return NONE if value in (0.0, 1.0) else Interval(value, value)
    if not 0 < value < 1:
        return NONE
    # At most half-way to the end of the scale: beyond it a logit means nothing.
    centre = min(max(2 * value - float(drawn.mean()), value / 2), (1 + value) / 2)
    t = quantile(level, degrees_of_freedom(value, left_out))
    reach = t * spread / (centre * (1 - centre))
    middle = math.log(centre / (1 - centre))
    return Interval(_expit(middle - reach), _expit(middle + reach))


def difference_interval(
    value: float, resampled: Float64Array, left_out: Float64Array, *, level: float = LEVEL
) -> Interval:
    """Interval of the difference of two figures; parameters and errors as of `share_interval`."""
    drawn = _check(level, resampled)
    if math.isnan(value) or len(drawn) < 2:
        return NONE
    spread = _spread(value, drawn, left_out)
    if spread == 0:
        return Interval(value, value, 1.0 if value == 0 else 0.0)
    df = degrees_of_freedom(value, left_out)
    centre = 2 * value - float(drawn.mean())
    reach = quantile(level, df) * spread
    return Interval(centre - reach, centre + reach, two_sided_p(centre / spread, df))


def degrees_of_freedom(value: float, left_out: Float64Array) -> float:
    """How many artists decide a figure; rounded down to two digits, which is cautious.

    Parameters
    ----------
    value
        The figure.
    left_out
        With each artist left out; NaN where that leaves it undefined.
    """
    effects = _effects(value, left_out)
    squares = float((effects**2).sum())
    fourth = float((effects**4).sum())
    if fourth == 0:
        return 1.0
    found = min(_KURTOSIS * squares**2 / fourth - 2, len(left_out) - 1)
    if found <= 1:
        return 1.0
    step = 10.0 ** (math.floor(math.log10(found)) - 1)
    return math.floor(found / step) * step


def holm(p_values: Float64Array) -> Float64Array:
    """Correct p-values of several comparisons (Holm 1979), so that among all comparisons in which
    there is nothing to find any is called different with the level's probability at most.

    Parameters
    ----------
    p_values
        NaN where a comparison has none; it counts all the same.

    Returns
    -------
    float64
        In the order given, never below the p-value itself.
    """
    corrected = np.full(len(p_values), np.nan)
    largest = 0.0
    for place, index in enumerate(np.argsort(p_values)):  # NaN come last
        if not np.isnan(p_values[index]):
            largest = max(largest, min(1.0, (len(p_values) - place) * float(p_values[index])))
            corrected[index] = largest
    return corrected


def _check(level: float, resampled: Float64Array) -> Float64Array:
    if not 0 < level < 1:
        raise EvaluationError(f"an interval of level {level}; choose one between 0 and 1")
    return resampled[~np.isnan(resampled)]


def _effects(value: float, left_out: Float64Array) -> Float64Array:
    return left_out[~np.isnan(left_out)] - value


def _spread(value: float, drawn: Float64Array, left_out: Float64Array) -> float:
    effects = _effects(value, left_out)
    share = (len(effects) - 1) / max(1, len(effects))
    return max(float(drawn.std(ddof=1)), math.sqrt(share * float((effects**2).sum())))


def _expit(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0


# --- Student's t distribution, from the standard library alone -----------------------------------

_TINY = 1e-300
_PRECISE = 1e-14
_MOST_TERMS = 500


def two_sided_p(t: float, df: float) -> float:
    """How often a value of Student's t is at least this far from 0.

    Parameters
    ----------
    t
        Finite.
    df
        Degrees of freedom, above 0; need not be whole.
    """
    if t == 0:
        return 1.0
    return _beta_share(df / (df + t * t), df / 2, 0.5)


@lru_cache(maxsize=4096)
def quantile(level: float, df: float) -> float:
    """How far from 0 the middle `level` of Student's t reaches.

    Parameters
    ----------
    level
        In (0, 1).
    df
        Degrees of freedom, at least 1.
    """
    low, high = 0.0, 2.0
    while two_sided_p(high, df) > 1 - level:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        if two_sided_p(middle, df) > 1 - level:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta_share(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function, by its continued fraction (Lentz's method)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # there the fraction of the other end converges faster
        return 1 - _beta_share(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    log_front += a * math.log(x) + b * math.log1p(-x)
    d = 1 / _away(1 - (a + b) * x / (a + 1))
    c, fraction = 1.0, d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away(1 + term * d)
            c = _away(1 + term / c)
            fraction *= c * d
        if abs(c * d - 1) < _PRECISE:
            break
    return math.exp(log_front) * fraction / a


def _away(value: float) -> float:
    """Keep a denominator from being 0."""
    return value if abs(value) > _TINY else _TINY
