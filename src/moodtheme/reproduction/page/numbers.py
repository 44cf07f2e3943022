"""How the page writes numbers, and where values lie on its drawings.

Places are percent of an axis because marks are drawn so: they stretch with the page while their
strokes and the text beside them keep their size.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from moodtheme.evaluation import Figure

UNDEFINED = "–"
MINUS = "\N{MINUS SIGN}"


def percent(value: float | None, decimals: int = 1) -> str:
    """Write a fraction in percent, without the sign: ``74.2``."""
    return UNDEFINED if value is None else f"{100 * value:.{decimals}f}"


def interval(figure: Figure, write: Callable[[float], str] = percent) -> str:
    """Write a figure's interval: ``73.6 to 75.0``, that of a difference with `signed`."""
    if figure.low is None or figure.high is None:
        return UNDEFINED
    return f"{write(figure.low)} to {write(figure.high)}"


def signed(value: float | None) -> str:
    """Write a difference of fractions in points: ``+1.3``."""
    return signed_points(None if value is None else 100 * value)


def signed_points(points: float | None) -> str:
    """Write a difference in points, with its sign: ``+1.3``, and no sign for 0.0."""
    if points is None:
        return UNDEFINED
    text = f"{abs(points):.1f}"
    return text if float(text) == 0 else f"{MINUS if points < 0 else '+'}{text}"


def tick_text(value: float, step: float, sign: bool) -> str:
    """Write a tick with as many places as its axis' step needs."""
    decimals = next((n for n in range(4) if abs(round(step, n) - step) < 1e-9), 4)
    text = f"{abs(value):.{decimals}f}"
    if value < 0:
        return f"{MINUS}{text}"
    return f"+{text}" if sign and value > 0 else text


def decimal(value: float | None, decimals: int = 3) -> str:
    """Write a plain number: a threshold, or a figure of the paper, which is in percent already."""
    return UNDEFINED if value is None else f"{value:.{decimals}f}"


def count(number: int) -> str:
    """Write a whole number with its thousands apart: ``4,231``."""
    return f"{number:,}"


def plural(number: int, noun: str) -> str:
    """Write a number with its noun: ``1 tag``, ``56 tags``."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Write a duration: ``0.4 s``, ``12 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def size(n_bytes: int | None) -> str:
    """Write an amount of memory: ``1.3 GB``."""
    return UNDEFINED if n_bytes is None else f"{n_bytes / 1e9:.2f} GB"


STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""What ticks may be apart, times a power of ten."""


@dataclass(frozen=True)
class Tick:
    """A labelled value of an axis."""

    value: float
    place: float


@dataclass(frozen=True)
class Axis:
    """A stretch of numbers.

    Attributes
    ----------
    low, high
        Its ends, ``low < high``.
    step
        Distance of its ticks.
    """

    low: float
    high: float
    step: float

    def place(self, value: float) -> float:
        """Where a value lies, in percent from the low end; the nearer end if it is outside."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 2)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """Round values on the axis, in order."""
        first = math.ceil(self.low / self.step - 1e-9)
        last = math.floor(self.high / self.step + 1e-9)
        # Rounded so that 3 * 0.1 is written 0.3.
        values = [round(number * self.step, 10) for number in range(first, last + 1)]
        return tuple(Tick(value, self.place(value)) for value in values)


def axis_over(
    values: Iterable[float | None],
    *,
    floor: float = -math.inf,
    ceiling: float = math.inf,
    ticks: int = 4,
) -> Axis:
    """Make an axis that holds some values, with ends on ticks.

    Parameters
    ----------
    values
        Finite; None is passed over. Without any the axis is that of 0 and 1.
    floor, ceiling
        What the axis never reaches beyond, such as 0 and 1 for shares.
    ticks
        About how many steps between the ends, at least 1.
    """
    known = [value for value in values if value is not None] or [0.0, 1.0]
    low, high = min(known), max(known)
    if high - low < 1e-9:
        low, high = low - 0.05, high + 0.05
    rough = (high - low) / ticks
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(size * scale for size in STEPS if size * scale >= rough * (1 - 1e-9))
    low = max(floor, math.floor(low / step + 1e-9) * step)
    high = min(ceiling, math.ceil(high / step - 1e-9) * step)
    return Axis(low, high, step)
