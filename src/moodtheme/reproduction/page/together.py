"""Which tags are decided together against which occur together, and the picture of it.

The measure for two tags is the Jaccard index: of the tracks that have either, the share that has
both. It is symmetric, in [0, 1], and independent of the tracks that have neither, which are most.
The picture is a square, its two halves filled from two matrices.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moodtheme.scores.matrices import BoolMatrix

FloatMatrix = npt.NDArray[np.float64]

PRIOR = 5.0
"""Tracks with just one of two tags that are added before pairs are ranked, so that one track among
few does not put a pair first: a choice of this project."""


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
class TogetherMap:
    """Both matrices, tags in an order that puts those that occur together side by side.

    Attributes
    ----------
    tags
        Names of rows and columns.
    occurring, decided
        Jaccard indices, symmetric float64 (tags, tags), the diagonal 0.
    """

    tags: tuple[str, ...]
    occurring: FloatMatrix
    decided: FloatMatrix


def jaccard(matrix: BoolMatrix, *, prior: float = 0.0) -> FloatMatrix:
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


def together(
    truth: BoolMatrix, decisions: BoolMatrix, tags: Sequence[str], *, limit: int
) -> TogetherMap:
    """Compute both matrices for the most frequent tags.

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
    index = jaccard(truth[:, frequent])
    order = _chain(index)
    chosen = frequent[order]
    return TogetherMap(
        tuple(tags[column] for column in chosen),
        index[np.ix_(order, order)],
        jaccard(decisions[:, chosen]),
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
    found = []
    for pair in np.argsort(-apart, kind="stable")[:limit]:
        if apart[pair] == 0:
            break
        a, b = int(first[pair]), int(second[pair])
        found.append(
            Disagreement(
                (tags[a], tags[b]),
                float(decided[a, b]),
                float(occurring[a, b]),
                int(both_decided[a, b]),
                int(both_truth[a, b]),
            )
        )
    return found


def _together(matrix: BoolMatrix) -> FloatMatrix:
    """How many tracks have both of two tags, float64 (tags, tags)."""
    wide = matrix.astype(np.float64)
    return np.asarray(wide.T @ wide)


def _chain(index: FloatMatrix) -> npt.NDArray[np.intp]:
    """Order that starts at the first tag and goes on with the nearest of those left."""
    order = [0]
    left = list(range(1, len(index)))
    while left:
        nearest = max(left, key=lambda tag: (index[order[-1], tag], -tag))
        left.remove(nearest)
        order.append(nearest)
    return np.array(order)


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
