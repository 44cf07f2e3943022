"""Where values lie on a drawing: axes with round ticks, places in percent of the width.

Places are percent because marks are drawn so: they stretch with the page while their strokes and
the text beside them keep their size.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

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
