"""Parts of a piece: stretches of time and a range of frequencies, and which of them to name."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.features.mel import hz_to_mel, mel_to_hz

LOWEST_HZ = 30.0
"""Where frequencies that count begin: below it hardly any music has anything, and the models here
hear nothing."""
FIRST_EDGE_HZ = 150.0
"""Upper end of the lowest band; those above are octaves. Below it kick drums and basses have their
fundamentals."""
MOST_SPANS = 3
"""Stretches of time in a region: as many as a sentence can name."""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a piece.

    Attributes
    ----------
    spans_s
        Stretches of time, first to last, each a start and an end in seconds.
    low_hz, high_hz
        The range of frequencies; `low_hz` 0 and `high_hz` infinite where it has no end.
    """

    spans_s: tuple[tuple[float, float], ...]
    low_hz: float
    high_hz: float

    @property
    def length_s(self) -> float:
        """Seconds in all its spans."""
        return sum(end - start for start, end in self.spans_s)


@dataclass(frozen=True, slots=True)
class Cells:
    """A piece divided into equal stretches of time and bands of frequencies.

    Attributes
    ----------
    edges_s
        Where the stretches begin and end, rising from 0 to the piece's length.
    edges_hz
        Where the bands begin and end, from 0 to infinity.
    top_hz
        Up to which frequency the model hears.
    """

    edges_s: tuple[float, ...]
    edges_hz: tuple[float, ...]
    top_hz: float

    @classmethod
    def of(cls, duration_s: float, top_hz: float, *, columns: int) -> "Cells":
        """Divide a piece into so many stretches of time, and octaves."""
        inner = []
        edge = FIRST_EDGE_HZ
        while 1.5 * edge <= top_hz:  # a last band of at least half an octave
            inner.append(edge)
            edge *= 2
        edges_s = np.linspace(0.0, duration_s, columns + 1).tolist()
        return cls(tuple(edges_s), (0.0, *inner, float("inf")), top_hz)

    @property
    def shape(self) -> tuple[int, int]:
        """Stretches, bands."""
        return len(self.edges_s) - 1, len(self.edges_hz) - 1

    def __iter__(self) -> Iterator[tuple[int, int, Region]]:
        """Each cell: its stretch, its band, and where it is."""
        for column, span in enumerate(zip(self.edges_s, self.edges_s[1:], strict=False)):
            for band, ends in enumerate(zip(self.edges_hz, self.edges_hz[1:], strict=False)):
                yield column, band, Region((span,), *ends)

    def share(self, region: Region) -> float:
        """Share of time × mel that a region covers."""
        low, high = _mel_ends(region, self.top_hz)
        whole = float(hz_to_mel(self.top_hz) - hz_to_mel(LOWEST_HZ))
        return region.length_s / self.edges_s[-1] * (high - low) / whole


def best_regions(effects: Float64Array, cells: Cells, *, share: float) -> list[Region]:
    """Regions of about one size whose cells have the largest effects together, best first.

    One for each range of neighbouring bands: up to `MOST_SPANS` spans of as many stretches as make
    the region cover `share` of time × mel. Ranges that would cover less than half of it with all
    stretches, or more than twice of it with one, are left out.

    Parameters
    ----------
    effects
        Of each cell, shape (stretches, bands).
    cells
        Where they are.
    share
        Of the piece, above 0 and at most 1.
    """
    columns, bands = cells.shape
    found = []
    for first in range(bands):
        for last in range(first + 1, bands + 1):
            low, high = cells.edges_hz[first], cells.edges_hz[last]
            width = cells.share(Region(((0.0, cells.edges_s[-1]),), low, high))
            if width < share / 2 or width / columns > share * 2:
                continue
            count = min(max(round(columns * share / width), 1), columns)
            total, runs = _best_runs(effects[:, first:last].sum(axis=1), count)
            spans = tuple((cells.edges_s[a], cells.edges_s[b]) for a, b in runs)
            found.append((total, Region(spans, low, high)))
    found.sort(key=lambda pair: -pair[0])
    return [region for _, region in found]


def elsewhere(region: Region, cells: Cells, rng: np.random.Generator) -> Region:
    """A region of the same shape at a random place: as many seconds, as wide in mel.

    Spans are moved together around the piece, whose end is followed by its beginning, and the
    range of frequencies up or down; any place is as likely as any other.
    """
    duration_s = cells.edges_s[-1]
    low, high = _mel_ends(region, cells.top_hz)
    lowest, top = float(hz_to_mel(LOWEST_HZ)), float(hz_to_mel(cells.top_hz))
    start = rng.uniform(lowest, top - (high - low)) if high - low < top - lowest else lowest
    moved_s = rng.uniform(0.0, duration_s)
    spans: list[tuple[float, float]] = []
    for first, last in region.spans_s:
        begin = (first + moved_s) % duration_s
        end = begin + last - first
        spans.append((begin, min(end, duration_s)))
        if end > duration_s:
            spans.append((0.0, end - duration_s))
    low_hz, high_hz = mel_to_hz([start, start + high - low]).tolist()
    return Region(tuple(sorted(spans)), low_hz, high_hz)


def overlap(one: Region, other: Region, cells: Cells) -> float:
    """How much two regions are one: what they share, of all that is in either, in time × mel."""
    low, high = _mel_ends(one, cells.top_hz)
    low2, high2 = _mel_ends(other, cells.top_hz)
    common_mel = max(min(high, high2) - max(low, low2), 0.0)
    common_s = sum(
        max(min(b, d) - max(a, c), 0.0) for a, b in one.spans_s for c, d in other.spans_s
    )
    common = common_s * common_mel
    either = one.length_s * (high - low) + other.length_s * (high2 - low2) - common
    return common / either if either > 0 else 0.0


def _mel_ends(region: Region, top_hz: float) -> tuple[float, float]:
    low, high = hz_to_mel([max(region.low_hz, LOWEST_HZ), min(region.high_hz, top_hz)]).tolist()
    return low, high


def _best_runs(values: Float64Array, count: int) -> tuple[float, list[tuple[int, int]]]:
    """Up to `MOST_SPANS` runs of `count` values in all with the greatest sum, and that sum.

    Exact, by dynamic programming over the values: the best sum with so many runs begun and so many
    values taken, the last value taken or not.
    """
    worst = -np.inf
    left = np.full((MOST_SPANS + 1, count + 1), worst)  # the last value was left
    left[0, 0] = 0.0
    taken = np.full_like(left, worst)
    was_taken: list[tuple[np.ndarray, np.ndarray]] = []  # before this value: if left, if taken
    for value in values:
        goes_on = taken
        begins = np.full_like(left, worst)
        begins[1:] = left[:-1]
        more = np.full_like(taken, worst)
        more[:, 1:] = np.maximum(goes_on, begins)[:, :-1] + value
        from_taken = np.zeros_like(taken, bool)
        from_taken[:, 1:] = (goes_on >= begins)[:, :-1]
        was_taken.append((taken > left, from_taken))
        left, taken = np.maximum(left, taken), more
    best = np.maximum(left, taken)[:, count]
    runs = int(np.argmax(best))
    total, is_taken = float(best[runs]), bool(taken[runs, count] >= left[runs, count])
    chosen = np.zeros(len(values) + 2, int)
    rest = count
    for place in range(len(values) - 1, -1, -1):
        if_left, if_taken = was_taken[place]
        if not is_taken:
            is_taken = bool(if_left[runs, rest])
            continue
        chosen[place + 1] = 1
        is_taken = bool(if_taken[runs, rest])
        rest -= 1
        runs -= not is_taken
    edges = np.flatnonzero(np.diff(chosen)).tolist()
    return total, list(zip(edges[::2], edges[1::2], strict=True))
