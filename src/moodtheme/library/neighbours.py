"""Tracks that sound alike: the nearest, those on the way from one to another, the same twice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import FloatArray
from moodtheme.errors import QueryError
from moodtheme.library.numbers import Numbers
from moodtheme.library.results import Model
from moodtheme.library.tracks import Track

SAME_LIKENESS = 0.985
"""Cosine of embeddings from which two tracks of the same length are one piece of music; chosen by
``benchmarks/library_rips.py``: no two of 4,705 pairs of different pieces came to it."""
SAME_LENGTH_S = 3.0
"""Seconds by which the lengths of two rips of a piece differ at most: codecs add silence."""
_CANDIDATES = 64  # tracks that may stand at a cut of a path
_SPARE_CANDIDATES = 512  # of which these are taken as others turn out to stand elsewhere
_SPARE = 64  # more than are wanted: some may have no files, and cosines are to a thousandth


@dataclass(frozen=True)
class Neighbour:
    """A track, and how much it sounds like another: the cosine of their embeddings."""

    track: Track
    likeness: float


def require_embeddings(model: Model) -> None:
    """See that a model can tell what sounds alike.

    Raises
    ------
    QueryError
        It has no embeddings.
    """
    if not model.embedding_size:
        raise QueryError(
            f"{model.name} has no embeddings, by which tracks are alike; scan with another model, "
            "such as moodtheme-small"
        )


def nearest(
    numbers: Numbers, embedding: FloatArray, *, most: int, without: Sequence[int] = ()
) -> tuple[Neighbour, ...]:
    """The tracks that sound most like an embedding of length 1, but some; most alike first."""
    require_embeddings(numbers.model)
    likeness = numbers.likeness(embedding)
    likeness[np.isin(numbers.ids, np.array(without, np.int64))] = -np.inf
    found: list[Neighbour] = []
    wanted = min(most + _SPARE, len(likeness))
    while True:
        ids = numbers.ids[_highest(likeness, wanted)].tolist()
        found = [
            Neighbour(track, float(np.dot(track.embedding, embedding)))
            for track in numbers.tracks(ids)
            if track.result.embedding is not None
        ]
        if len(found) >= most or wanted == len(likeness):
            break
        wanted = min(4 * wanted, len(likeness))
    return tuple(sorted(found, key=lambda one: (-one.likeness, one.track.id))[:most])


def path_between(
    numbers: Numbers, first: Track, last: Track, *, length: int
) -> tuple[Neighbour, ...]:
    """Tracks that lead from one to another in steps that are alike, both included.

    The way between the two embeddings is an arc, cut into equal angles. Of the tracks nearest to
    each cut those are chosen whose steps, together, are smallest: the sum of the squares of one
    minus the cosine, which minds one large step more than several small ones. Each comes with its
    likeness to the one before, the first with 1; where there are fewer tracks, all there are.
    """
    require_embeddings(numbers.model)
    if length < 2 or first.id == last.id:
        raise QueryError("a path has two different ends and at least 2 tracks; name them so")
    cuts = _arc(first.embedding, last.embedding, length)
    likeness = numbers.likeness(cuts) if len(cuts) else np.zeros((len(numbers), 0), np.float32)
    likeness[~_present(numbers, without=(first.id, last.id))] = -np.inf
    layers = [_nearest_rows(column) for column in likeness.T]
    vectors = [first.embedding[None], *map(numbers.vectors, layers), last.embedding[None]]
    free = [np.ones(len(there), bool) for there in vectors]

    @cache
    def steps(one: int, other: int) -> FloatArray:
        """From all tracks of a layer, the ends among them, to all of another."""
        return np.asarray((1 - vectors[one] @ vectors[other].T) ** 2)

    while True:
        way = _smallest_steps(steps, free)
        rows = [int(layers[layer - 1][place]) for layer, place in way]
        twice = {row for row in rows if rows.count(row) > 1}
        if not twice:
            break
        # Each stays at the cut that it is nearest to.
        for row in twice:
            keep = int(np.argmax(likeness[row]))
            for cut, there in enumerate(layers):
                free[cut + 1][there == row] &= cut == keep
    between = numbers.tracks([int(numbers.ids[row]) for row in rows])
    tracks = [first, *between, last]
    likenesses = [1.0] + [float(np.dot(a.embedding, b.embedding)) for a, b in pairwise(tracks)]
    return tuple(Neighbour(track, like) for track, like in zip(tracks, likenesses, strict=True))


def _arc(start: FloatArray, end: FloatArray, length: int) -> FloatArray:
    """Points at equal angles between two embeddings, without these, (length - 2, size)."""
    angle = max(float(np.arccos(np.clip(np.dot(start, end), -1, 1))), 1e-4)
    shares = np.arange(1, length - 1)[:, None] / (length - 1)
    at = np.sin((1 - shares) * angle) * start + np.sin(shares * angle) * end
    return np.asarray(at / np.maximum(np.linalg.norm(at, axis=1, keepdims=True), 1e-12), np.float32)


def _present(numbers: Numbers, *, without: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Which tracks have files that are there."""
    gone = numbers.database.rows(
        "SELECT track FROM places WHERE track IS NOT NULL GROUP BY track "
        "HAVING count(*) = count(missing)"
    )
    out = np.array([*without, *(row[0] for row in gone)], np.int64)
    return ~np.isin(numbers.ids, out)


def _nearest_rows(likeness: FloatArray) -> npt.NDArray[np.int64]:
    """The candidates at a cut, nearest first."""
    rows = _highest(likeness, min(_SPARE_CANDIDATES, len(likeness)))
    return rows[np.argsort(-likeness[rows], kind="stable")]


def _highest(values: FloatArray, wanted: int) -> npt.NDArray[np.int64]:
    """Places of so many of the highest values, in no order; those that are infinite left out."""
    rows = np.argpartition(-values, wanted - 1)[:wanted] if wanted else np.zeros(0, np.int64)
    return rows[np.isfinite(values[rows])]


def _smallest_steps(
    steps: Callable[[int, int], FloatArray], free: list[npt.NDArray[np.bool_]]
) -> list[tuple[int, int]]:
    """Layers between the first and the last, and a free place of each, with the smallest steps."""
    layers = [(layer, np.flatnonzero(own)[:_CANDIDATES]) for layer, own in enumerate(free)]
    layers = [(layer, places) for layer, places in layers if len(places)]
    costs, came = np.zeros(1), []
    for (one, before), (other, places) in pairwise(layers):
        sums = costs[:, None] + steps(one, other)[np.ix_(before, places)]
        came.append(sums.argmin(axis=0))
        costs = sums.min(axis=0)
    at, way = 0, []
    for (layer, places), sources in zip(reversed(layers[:-1]), reversed(came), strict=True):
        at = int(sources[at])
        way.append((layer, int(places[at])))
    return way[-2::-1]


def same_music(numbers: Numbers) -> list[list[int]]:
    """Groups of tracks that are one piece of music in several rips, by their numbers.

    Tracks of nearly one length (`SAME_LENGTH_S`) that sound alike to the model (`SAME_LIKENESS`),
    and whatever is so alike to one of them.
    """
    require_embeddings(numbers.model)
    order = np.argsort(numbers.durations, kind="stable")
    order = order[numbers.durations[order] >= 0]
    lengths = numbers.durations[order]
    ends = np.searchsorted(lengths, lengths + SAME_LENGTH_S, side="right")
    group_of: dict[int, set[int]] = {}  # of places in `order`, where there is more than one
    block = 512
    for start in range(0, len(order), block):
        stop = min(start + block, len(order))
        until = int(ends[stop - 1])
        rows = numbers.vectors(order[start:stop])
        for begin in range(start, until, 4 * block):
            columns = numbers.vectors(order[begin : min(begin + 4 * block, until)])
            alike = np.argwhere(rows @ columns.T >= SAME_LIKENESS)
            for row, column in alike:
                one, other = start + row, begin + column
                if other > one and other < ends[one]:
                    _join(group_of, int(one), int(other))
    groups = {id(group): group for group in group_of.values()}.values()
    return sorted(sorted(numbers.ids[order[list(group)]].tolist()) for group in groups)


def duplicates(numbers: Numbers) -> list[tuple[Track, ...]]:
    """Groups of tracks that are the same music, and tracks that several files hold."""
    groups = same_music(numbers)
    inside = {id_ for group in groups for id_ in group}
    copied = numbers.database.rows(
        "SELECT track FROM places WHERE missing IS NULL AND track IS NOT NULL "
        "GROUP BY track HAVING count(*) > 1"
    )
    groups += [[id_] for (id_,) in copied if id_ not in inside]
    found = (tuple(numbers.tracks(group)) for group in groups)
    return [group for group in found if sum(len(track.places) for track in group) > 1]


def _join(group_of: dict[int, set[int]], one: int, other: int) -> None:
    few, many = sorted((group_of.get(one, {one}), group_of.get(other, {other})), key=len)
    if few is not many:
        many |= few
        group_of |= dict.fromkeys((*few, one, other), many)
