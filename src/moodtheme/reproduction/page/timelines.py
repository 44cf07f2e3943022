"""Example tracks: their tags over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from moodtheme.reproduction.page.axes import Axis, axis_over
from moodtheme.reproduction.results import ExampleTrack, Results

SHOWN = 6
"""Tags drawn of a track, unless more were decided or are true."""

HEADROOM = 1.25
"""A threshold never lies higher than its share of a tag's strip: 1 over this."""


@dataclass(frozen=True)
class Bar:
    """A stretch of time: its place and width in percent, its score's height in percent."""

    x: float
    width: float
    height: float
    above: bool


@dataclass(frozen=True)
class TagStrip:
    """One tag of a track.

    Attributes
    ----------
    tag
        Its name.
    is_true, is_decided
        Whether the track carries it and whether the model says so.
    score
        Of the whole track.
    threshold
        Its height in percent of the strip; None without one.
    bars
        Over time.
    """

    tag: str
    is_true: bool
    is_decided: bool
    score: float
    threshold: float | None
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class TrackTimeline:
    """A track's strips over one axis of seconds."""

    track: ExampleTrack
    strips: tuple[TagStrip, ...]
    axis: Axis


def timelines(results: Results) -> tuple[TrackTimeline, ...]:
    """Lay out every example track."""
    thresholds = {
        row.bundle: [tag.threshold_validation for tag in row.tags]
        for row in results.rows
        if row.bundle is not None
    }
    none = [None] * len(results.dataset.tags)
    return tuple(
        _timeline(track, results.dataset.tags, thresholds.get(track.model, none))
        for track in results.examples
        if track.windows
    )


def _timeline(
    track: ExampleTrack, tags: Sequence[str], thresholds: Sequence[float | None]
) -> TrackTimeline:
    end_s = max(track.windows[-1].end_s, track.duration_s or 0)
    times = axis_over([0.0, end_s], ticks=4)
    times = Axis(0.0, end_s, times.step)
    # What is true first, then what was decided, then what came nearest.
    order = sorted(
        range(len(tags)),
        key=lambda index: (
            tags[index] not in track.truth,
            tags[index] not in track.decided,
            -track.scores[index],
        ),
    )
    n_named = len({*track.truth, *track.decided} & set(tags))
    strips = (
        _strip(track, index, tags[index], thresholds[index], times)
        for index in order[: max(SHOWN, n_named)]
    )
    return TrackTimeline(track, tuple(strips), times)


def _strip(
    track: ExampleTrack, index: int, tag: str, threshold: float | None, times: Axis
) -> TagStrip:
    """Draw a tag on a scale of its own: scores compare within a tag, not between tags."""
    windows = track.windows
    top = max(*(window.scores[index] for window in windows), HEADROOM * (threshold or 0), 1e-9)
    heights = Axis(0, top, top)
    # Windows may overlap; each is drawn up to the next one's start.
    ends = [*(min(one.end_s, other.start_s) for one, other in pairwise(windows)), windows[-1].end_s]
    bars = []
    for window, end_s in zip(windows, ends, strict=True):
        left, score = times.place(window.start_s), window.scores[index]
        bars.append(
            Bar(
                x=left,
                width=round(times.place(end_s) - left, 2),
                height=heights.place(score),
                above=threshold is not None and score > threshold,
            )
        )
    return TagStrip(
        tag=tag,
        is_true=tag in track.truth,
        is_decided=tag in track.decided,
        score=track.scores[index],
        threshold=None if threshold is None else heights.place(threshold),
        bars=tuple(bars),
    )
