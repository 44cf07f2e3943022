"""The picture of tags that go together: a square, its two halves filled from two matrices."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from moodtheme.reproduction.page.cooccurrence import TogetherMap

LEVELS = 6
"""Shades of a half."""

SHOWN = 60
"""Tags at most: more would be too small to read, or make the page megabytes long."""


@dataclass(frozen=True)
class Shade:
    """All cells of one shade.

    Attributes
    ----------
    level
        From 1, the palest, to `LEVELS`.
    path
        In cells: the one in column 3 of row 4 begins at (3, 4).
    """

    level: int
    path: str


@dataclass(frozen=True)
class TogetherPicture:
    """The square.

    Attributes
    ----------
    tags
        Of rows from the top and columns from the left.
    occurring, decided
        Shades below and above the diagonal.
    highest
        The Jaccard index that the darkest shade ends at; 0 if no two tags go together.
    """

    tags: tuple[str, ...]
    occurring: tuple[Shade, ...]
    decided: tuple[Shade, ...]
    highest: float


def together_picture(matrices: TogetherMap) -> TogetherPicture:
    """Lay out both halves in shades of one scale."""
    highest = float(max(matrices.occurring.max(), matrices.decided.max()))
    n_tags = len(matrices.tags)
    below = [(row, column) for row in range(n_tags) for column in range(row)]
    above = [(row, column) for row in range(n_tags) for column in range(row + 1, n_tags)]
    return TogetherPicture(
        matrices.tags,
        _shades(((cell, matrices.occurring[cell]) for cell in below), highest),
        _shades(((cell, matrices.decided[cell]) for cell in above), highest),
        highest,
    )


def _shades(cells: Iterable[tuple[tuple[int, int], float]], highest: float) -> tuple[Shade, ...]:
    paths: list[list[str]] = [[] for _ in range(LEVELS + 1)]
    for (row, column), index in cells:
        # The division may round the highest a little above itself.
        level = min(LEVELS, math.ceil(LEVELS * index / highest)) if index > 0 else 0
        paths[level].append(f"M{column} {row}h1v1h-1z")
    return tuple(
        Shade(level, "".join(path)) for level, path in enumerate(paths) if path and level > 0
    )
