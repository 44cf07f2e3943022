"""What a timeline is: curves, the stretches between changes, and where each tag peaks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from moodtheme.arrays import Float64Array, FloatArray
from moodtheme.tagging.answers import DimensionScore, TagScore, place, rank
from moodtheme.tagging.bundle import Bundle, Reference
from moodtheme.tagging.windows import Steps


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
    """A track's tags over time: a sequence of its steps, which are made when they are asked for.

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
    sections: tuple[Section, ...] = ()
    peaks: tuple[TagPeak, ...] = ()

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
