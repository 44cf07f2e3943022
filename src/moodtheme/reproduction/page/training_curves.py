"""How each system's validation figure and loss went, as paths to draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from moodtheme.reproduction.page.axes import Axis, axis_over
from moodtheme.reproduction.results import SystemRun
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
    best, best_epoch
        Its ROC-AUC and number.
    stages
        Where a new stage begins.
    last
        The number of the last epoch.
    losses
        First and last training loss.
    """

    run: SystemRun
    roc_auc: str
    points: str
    loss: str
    best_x: float
    best_y: float
    best: float
    best_epoch: int
    stages: tuple[float, ...]
    last: int
    losses: tuple[float, float]


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
    across = axis_of_epochs(len(epochs))
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
        best=best.validation_roc_auc,
        best_epoch=best.epoch,
        stages=tuple(
            round((places[i] + places[i + 1]) / 2, 2)
            for i, (one, other) in enumerate(pairwise(epochs))
            if one.stage != other.stage
        ),
        last=epochs[-1].epoch,
        losses=(losses[0], losses[-1]),
    )


def axis_of_epochs(n_epochs: int) -> Axis:
    """Epochs from the first to the last; a single one stands in the middle."""
    return Axis(0, n_epochs - 1, 1) if n_epochs > 1 else Axis(-1, 1, 1)


def _path(xs: Sequence[float], ys: Sequence[float]) -> str:
    places = [f"{x:g} {y:g}" for x, y in zip(xs, ys, strict=True)]
    return f"M{'L'.join(places)}"
