"""Which tags are decided together against which occur together, and the picture of it.

The measure for two tags is the Jaccard index: of the tracks that have either, the share that has
both. It is symmetric, in [0, 1], and independent of the tracks that have neither, which are most.
The picture is a square, its two halves filled from two matrices.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array
from moodtheme.scores.matrices import BoolMatrix

PRIOR = 5.0
"""Tracks with just one of two tags that are added before pairs are ranked, so that one track among
few does not put a pair first: a choice of this project."""

LEVELS = 6
"""Shades of a half."""

SHOWN = 60
"""Tags at most: more would be too small to read, or make the page megabytes long."""


@dataclass(frozen=True)
class Disagreement:
    """Two tags that go together less often than decided, or more often.

    Attributes
    ----------
    tags
        The two.
    decided, occurring
        Jaccard index among decisions and among truth.
    decided_tracks, occurring_tracks
        Tracks with both.
    """

    tags: tuple[str, str]
    decided: float
    occurring: float
    decided_tracks: int
    occurring_tracks: int


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
    """The square, tags in an order that puts those that occur together side by side.

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


def jaccard(matrix: BoolMatrix, *, prior: float = 0.0) -> Float64Array:
    """Jaccard index of each two columns.

    Parameters
    ----------
    matrix
        bool (tracks, tags).
    prior
        Tracks to add that have just one of the two.

    Returns
    -------
    float64 (tags, tags)
        0 on the diagonal, and where no track has either tag.
    """
    both = _together(matrix)
    counts = np.diag(both)
    either = counts[:, None] + counts[None] - both + prior
    index = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    np.fill_diagonal(index, 0)
    return index


def together_picture(
    truth: BoolMatrix, decisions: BoolMatrix, tags: Sequence[str], *, limit: int = SHOWN
) -> TogetherPicture:
    """Lay out both halves, of the most frequent tags, in shades of one scale.

    Parameters
    ----------
    truth, decisions
        bool (tracks, tags).
    tags
        Column names.
    limit
        How many tags at most.
    """
    frequent = np.argsort(-truth.sum(axis=0), kind="stable")[:limit]
    chosen = frequent[_chain(jaccard(truth[:, frequent]))]
    occurring, decided = jaccard(truth[:, chosen]), jaccard(decisions[:, chosen])
    highest = float(max(occurring.max(), decided.max()))
    return TogetherPicture(
        tuple(tags[column] for column in chosen),
        _shades(np.tril(occurring), highest),
        _shades(np.triu(decided), highest),
        highest,
    )


def disagreements(
    truth: BoolMatrix, decisions: BoolMatrix, tags: Sequence[str], *, limit: int
) -> list[Disagreement]:
    """Find the pairs of tags whose two Jaccard indices are furthest apart, furthest first.

    They are ranked with `PRIOR`; the indices that come back are plain.

    Parameters
    ----------
    truth, decisions
        bool (tracks, tags).
    tags
        Column names.
    limit
        How many pairs at most.
    """
    occurring, decided = jaccard(truth), jaccard(decisions)
    both_truth, both_decided = _together(truth), _together(decisions)
    first, second = np.triu_indices(len(tags), k=1)
    apart = np.abs(jaccard(decisions, prior=PRIOR) - jaccard(truth, prior=PRIOR))[first, second]
    furthest = np.argsort(-apart, kind="stable")[:limit]
    furthest = furthest[apart[furthest] > 0]
    return [
        Disagreement(
            (tags[a], tags[b]),
            float(decided[a, b]),
            float(occurring[a, b]),
            int(both_decided[a, b]),
            int(both_truth[a, b]),
        )
        for a, b in zip(first[furthest], second[furthest], strict=True)
    ]


def _together(matrix: BoolMatrix) -> Float64Array:
    """How many tracks have both of two tags, float64 (tags, tags)."""
    wide = matrix.astype(np.float64)
    return np.asarray(wide.T @ wide)


def _chain(index: Float64Array) -> npt.NDArray[np.intp]:
    """Order that starts at the first tag and goes on with the nearest of those left."""
    order = [0]
    left = list(range(1, len(index)))
    while left:
        nearest = max(left, key=lambda tag: (index[order[-1], tag], -tag))
        left.remove(nearest)
        order.append(nearest)
    return np.array(order)


def _shades(half: Float64Array, highest: float) -> tuple[Shade, ...]:
    """The cells that are not 0, the palest first."""
    paths: list[list[str]] = [[] for _ in range(LEVELS + 1)]
    for row, column in np.argwhere(half):
        # The division may round the highest a little above itself.
        level = min(LEVELS, math.ceil(LEVELS * half[row, column] / highest))
        paths[level].append(f"M{column} {row}h1v1h-1z")
    return tuple(Shade(level, "".join(path)) for level, path in enumerate(paths) if path)
