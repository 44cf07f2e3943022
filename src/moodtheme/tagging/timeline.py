"""Tags over time: curves, where they change for good, and where each tag peaks.

A model that hears windows of many seconds is given short ones, looped to its length: what it would
say of a file that held those seconds alone. The windows stand about the middle of each step, so
they overlap, and a change shows as a slope about as long as a window with its middle at the change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import overload

import numpy as np

from moodtheme.arrays import Float64Array, FloatArray
from moodtheme.scores.changes import change_points
from moodtheme.scores.decisions import logit
from moodtheme.scores.peaks import rise
from moodtheme.tagging.answers import (
    DimensionScore,
    TagScore,
    mean_of,
    place,
    rank,
    silent,
)
from moodtheme.tagging.bundle import Bundle, Reference
from moodtheme.tagging.listening import Listening
from moodtheme.tagging.session import fuse_systems
from moodtheme.tagging.windows import Steps

HOP_S = 2.0
SPAN_S = 6.0
"""What a window shows; chosen with `PRICE_S` by ``benchmarks/timeline.py --tune``."""
HOPS_S, SPANS_S = (0.25, 30.0), (1.0, 30.0)
"""What may be asked for."""
PRICE_S = 12.0
"""What a change must be worth: seconds of music times the mean over the tags of the squared
difference from the stretch's mean, in units of the tag's spread among the reference."""
SHORTEST_S = 10.0
"""Stretches between changes are at least so long."""
_NAMED = 3
"""Tags named that rose or fell at a change."""
_NAMEABLE = 0.5
"""Least change of a tag that is named, in units of its spread among the reference."""
_LEAST_SPREAD = 0.1  # of a logit; a tag that is the same everywhere must not decide
_IQR_OF_NORMAL = 1.349  # quartiles of a normal distribution lie so many deviations apart


@dataclass(frozen=True, slots=True)
class TimelineWindow:
    """The tags of a step of a track, ordered as a track's, and its dimensions."""

    start_s: float
    end_s: float
    tags: tuple[TagScore, ...]
    dimensions: tuple[DimensionScore, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch between two changes.

    Attributes
    ----------
    start_s, end_s
        Where it lies.
    tags, dimensions
        Means over its steps, as a track's.
    rose, fell
        The tags that changed most from the stretch before, most first, in units of their spread
        among the reference; none in the first.
    """

    start_s: float
    end_s: float
    tags: tuple[TagScore, ...]
    dimensions: tuple[DimensionScore, ...]
    rose: tuple[str, ...] = ()
    fell: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagPeak:
    """Where a track has most of a tag.

    Attributes
    ----------
    tag
        The tag with its score at the peak.
    moment_s
        The middle of the step that has most.
    start_s, end_s
        The stretch about it that has at least half of the rise above the track's median.
    """

    tag: TagScore
    moment_s: float
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Timeline(Sequence[TimelineWindow]):
    """A track's tags over time: a sequence of its steps, made when they are asked for.

    Attributes
    ----------
    bundle, reference
        Of the model, and the music that standings are among.
    steps
        Length of a step, and of the window that was heard about its middle.
    starts_s, ends_s
        Of the steps with sound, float64 ``(steps,)``. Steps do not overlap.
    scores
        Float32 in [0, 1], ``(steps, tags)``.
    dimensions
        Float32, ``(steps, dimensions)``; None where the model has none.
    sections
        Stretches between changes, in order; one where nothing changes for good.
    peaks
        One for each tag that rises anywhere, by falling standing or score.
    """

    bundle: Bundle
    reference: Reference | None
    steps: Steps
    starts_s: Float64Array
    ends_s: Float64Array
    scores: FloatArray
    dimensions: FloatArray | None
    sections: tuple[Section, ...]
    peaks: tuple[TagPeak, ...]

    @property
    def changes_s(self) -> tuple[float, ...]:
        """Where the mood changes for good, in seconds."""
        return tuple(section.start_s for section in self.sections[1:])

    @property
    def is_steady(self) -> bool:
        """Whether nothing changes for good."""
        return len(self.sections) == 1

    def __len__(self) -> int:
        return len(self.starts_s)

    @overload
    def __getitem__(self, index: int) -> TimelineWindow: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[TimelineWindow, ...]: ...
    def __getitem__(self, index: int | slice) -> TimelineWindow | tuple[TimelineWindow, ...]:
        """A step, or several."""
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        values = None if self.dimensions is None else self.dimensions[index]
        return TimelineWindow(
            float(self.starts_s[index]),
            float(self.ends_s[index]),
            rank(self.bundle, self.scores[index], self.reference),
            place(self.bundle, values, self.reference),
        )

    def __iter__(self) -> Iterator[TimelineWindow]:
        return (self[index] for index in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timeline) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash((self.bundle.digest, len(self), self.scores.tobytes()))


def over_time(listening: Listening) -> Timeline:
    """Tags over time, if the listening has steps; those without sound are left out.

    Raises
    ------
    SilentAudioError
        If a member heard nothing.
    ValueError
        If the track was not followed.
    """
    bundle, members, steps = listening.bundle, listening.members, listening.steps
    if steps is None:
        raise ValueError("nothing was heard over time; listen with timeline=True")
    shared = [n for n in members[0].steps if all(n in member.steps for member in members)]
    if not shared:
        raise silent(listening)
    windows = [[member.steps[number] for member in members] for number in shared]
    scores = np.stack(
        [fuse_systems(bundle, np.concatenate([w.scores for w in row])) for row in windows]
    )
    placed = [[w.dimensions for w in row if w.dimensions is not None] for row in windows]
    dimensions = np.stack([mean_of(row) for row in placed]) if placed[0] else None
    starts = np.array(shared) * steps.hop_s
    ends = starts + steps.hop_s
    duration_s = listening.duration_s
    if duration_s is not None and shared[-1] == max(int(duration_s / steps.hop_s + 0.5), 1) - 1:
        ends[-1] = duration_s
    reference = listening.reference
    return Timeline(
        bundle,
        reference,
        steps,
        starts,
        ends,
        scores,
        dimensions,
        _sections(bundle, reference, steps, starts, ends, scores, dimensions),
        _peaks(bundle, reference, starts, ends, scores),
    )


def change_steps(
    bundle: Bundle, scores: FloatArray, *, hop_s: float, price_s: float = PRICE_S
) -> tuple[int, ...]:
    """Steps at which the tags change for good.

    The change points (`moodtheme.scores.changes`) of the tags' logits, each in units of its spread
    among the bundle's reference, or as they are without one.

    Parameters
    ----------
    bundle
        The model's.
    scores
        In [0, 1], shape (steps, tags).
    hop_s
        Length of a step.
    price_s
        As `PRICE_S`.
    """
    curves = logit(scores) / _spreads(bundle)
    shortest = max(round(SHORTEST_S / hop_s), 1)
    return change_points(curves, price=price_s / hop_s, shortest=shortest)


def _sections(
    bundle: Bundle,
    reference: Reference | None,
    steps: Steps,
    starts: Float64Array,
    ends: Float64Array,
    scores: FloatArray,
    dimensions: FloatArray | None,
) -> tuple[Section, ...]:
    curves = logit(scores) / _spreads(bundle)
    cuts = change_steps(bundle, scores, hop_s=steps.hop_s)
    sections = []
    before = None
    for first, behind in pairwise((0, *cuts, len(scores))):
        part = slice(first, behind)
        level = curves[part].mean(axis=0)
        change = np.zeros_like(level) if before is None else level - before
        before = level
        rose = [i for i in np.argsort(-change, kind="stable")[:_NAMED] if change[i] >= _NAMEABLE]
        fell = [i for i in np.argsort(change, kind="stable")[:_NAMED] if -change[i] >= _NAMEABLE]
        values = None if dimensions is None else mean_of(dimensions[part])
        sections.append(
            Section(
                float(starts[first]),
                float(ends[behind - 1]),
                rank(bundle, mean_of(scores[part]), reference),
                place(bundle, values, reference),
                tuple(bundle.tags[i] for i in rose),
                tuple(bundle.tags[i] for i in fell),
            )
        )
    return tuple(sections)


def _spreads(bundle: Bundle) -> Float64Array:
    """How far the tags' logits spread among the bundle's reference; 1 without one."""
    if bundle.reference is None:
        return np.ones(len(bundle.tags))
    levels = np.array(bundle.reference.levels)
    rows = logit(np.array(bundle.reference.tags))
    low, high = (
        np.array([np.interp(share, levels, row) for row in rows]) for share in (0.25, 0.75)
    )
    return np.asarray(np.maximum((high - low) / _IQR_OF_NORMAL, _LEAST_SPREAD))


def _peaks(
    bundle: Bundle,
    reference: Reference | None,
    starts: Float64Array,
    ends: Float64Array,
    scores: FloatArray,
) -> tuple[TagPeak, ...]:
    peaks = []
    for index, name in enumerate(bundle.tags):
        if (found := rise(scores[:, index])) is None:
            continue
        ranked = {tag.name: tag for tag in rank(bundle, scores[found.top], reference)}
        peaks.append(
            TagPeak(
                ranked[name],
                float(starts[found.top] + ends[found.top]) / 2,
                float(starts[found.first]),
                float(ends[found.last]),
            )
        )
    return tuple(sorted(peaks, key=lambda peak: (-(peak.tag.standing or 0.0), -peak.tag.score)))
