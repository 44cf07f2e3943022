"""Quantities beside tags, such as valence from 1 to 9: their scales, and ratings of tracks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array
from moodtheme.errors import EvaluationError

_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_HEADING = re.compile(
    rf"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*\[\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*\]\s*"
)


@dataclass(frozen=True)
class Dimension:
    """A quantity with its scale; written ``valence [1..9]``.

    Attributes
    ----------
    name
        Letters, digits, ``.``, ``_`` and ``-``.
    lowest, highest
        Ends of the scale.
    """

    name: str
    lowest: float
    highest: float

    def __str__(self) -> str:
        return f"{self.name} [{self.lowest:g}..{self.highest:g}]"


def dimension_of(heading: str) -> Dimension | None:
    """The dimension that a column's heading names; None where it names none."""
    found = _HEADING.fullmatch(heading)
    if found is None or not float(found[2]) < float(found[3]):
        return None
    return Dimension(found[1], float(found[2]), float(found[3]))


@dataclass(frozen=True)
class Ratings:
    """Ratings of tracks, by listeners or by a system.

    Attributes
    ----------
    dimensions
        What the columns are.
    values
        float64 (tracks, dimensions) on each dimension's own scale; NaN where there is none.
    """

    dimensions: tuple[Dimension, ...]
    values: Float64Array

    @classmethod
    def from_shares(cls, dimensions: Sequence[Dimension], shares: npt.NDArray[Any]) -> Self:
        """Ratings from where they lie on their scales, 0 at the lowest end and 1 at the highest."""
        lowest, span = _scales(dimensions)
        return cls(tuple(dimensions), lowest + span * shares.astype(np.float64))

    @property
    def shares(self) -> Float64Array:
        """Where the ratings lie on their scales, from 0 to 1; beyond where a rating is beyond."""
        lowest, span = _scales(self.dimensions)
        return (self.values - lowest) / span

    def rows(self, wanted: Sequence[int]) -> Self:
        """Return the ratings of some tracks, in that order."""
        return replace(self, values=self.values[list(wanted)])

    def like(self, other: "Ratings", *, source: str) -> Self:
        """Return these ratings with another's dimensions, in its order and on its scales.

        Raises
        ------
        EvaluationError
            One of the other's dimensions is lacking.
        """
        place = {dimension.name: column for column, dimension in enumerate(self.dimensions)}
        for dimension in other.dimensions:
            if dimension.name not in place:
                raise EvaluationError(
                    f"{source}: has no ratings of {dimension.name} (has: "
                    f"{', '.join(place) or 'none'}); compare files with the same dimensions"
                )
        columns = [place[dimension.name] for dimension in other.dimensions]
        return self.from_shares(other.dimensions, self.shares[:, columns])


def _scales(dimensions: Sequence[Dimension]) -> tuple[Float64Array, Float64Array]:
    lowest = np.array([dimension.lowest for dimension in dimensions])
    return lowest, np.array([dimension.highest for dimension in dimensions]) - lowest
