"""What goes over time: each system's training, and the tags of example tracks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from moodtheme.reproduction.page.numbers import Axis, axis_over
from moodtheme.reproduction.results import ExampleTrack, Results, SystemRun
from moodtheme.training.history import Epoch, best_epoch

FEW = 12
"""Up to so many epochs each is marked with a point."""


@dataclass(frozen=True)
class TrainingCurve:
    """One system's curves, in a square of 100 by 100 with y downwards.

    Attributes
    ----------
    run
        The system.
    roc_auc, loss
        SVG paths.
    points
        Path of points, empty if there are many epochs.
    best_x, best_y
        The best epoch's place on the ROC-AUC curve.
    first, best, last
        The epochs themselves.
    stages
        Where a new stage begins.
    """

    run: SystemRun
    roc_auc: str
    points: str
    loss: str
    best_x: float
    best_y: float
    first: Epoch
    best: Epoch
    last: Epoch
    stages: tuple[float, ...]


def training_curves(
    runs: Sequence[SystemRun], histories: Mapping[str, Sequence[Epoch]]
) -> tuple[Axis, tuple[TrainingCurve, ...]]:
    """Lay out all curves on one axis of ROC-AUC; losses, which have no common scale, each alone."""
    there = [(run, histories[run.name]) for run in runs if histories.get(run.name)]
    axis = axis_over(
        (epoch.validation_roc_auc for _, epochs in there for epoch in epochs), floor=0, ceiling=1
    )
    return axis, tuple(_curve(run, epochs, axis) for run, epochs in there)


def _curve(run: SystemRun, epochs: Sequence[Epoch], axis: Axis) -> TrainingCurve:
    # A single epoch stands in the middle.
    across = Axis(0, len(epochs) - 1, 1) if len(epochs) > 1 else Axis(-1, 1, 1)
    places = [across.place(number) for number in range(len(epochs))]
    heights = [round(100 - axis.place(epoch.validation_roc_auc), 2) for epoch in epochs]
    losses = [epoch.train_loss for epoch in epochs]
    loss_axis = axis_over(losses, floor=0)
    best = best_epoch(epochs)
    index = epochs.index(best)
    return TrainingCurve(
        run=run,
        roc_auc=_path(places, heights),
        points="".join(f"M{x:g} {y:g}h0" for x, y in zip(places, heights, strict=True))
        if len(epochs) <= FEW
        else "",
        loss=_path(places, [round(100 - loss_axis.place(loss), 2) for loss in losses]),
        best_x=places[index],
        best_y=heights[index],
        first=epochs[0],
        best=best,
        last=epochs[-1],
        stages=tuple(
            round((places[i] + places[i + 1]) / 2, 2)
            for i, (one, other) in enumerate(pairwise(epochs))
            if one.stage != other.stage
        ),
    )


def _path(xs: Sequence[float], ys: Sequence[float]) -> str:
    places = [f"{x:g} {y:g}" for x, y in zip(xs, ys, strict=True)]
    return f"M{'L'.join(places)}"


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

    @property
    def verdict(self) -> str:
        """What the model and the label say of the tag, in a few words."""
        if self.is_decided:
            return "decided, labelled" if self.is_true else "decided, not labelled"
        return "labelled, not decided" if self.is_true else "neither"


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
