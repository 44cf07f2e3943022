"""Student's t distribution, from the standard library alone."""

import math
from functools import lru_cache

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
