"""One system trained several times: with other seeds, or on other folds of a collection.

Seeds share a test set, so their figures are averaged resample by resample, and their deviation says
what the luck of a training run is worth. Folds have test sets of their own: each is resampled by
itself and the figures are averaged, not the scores, since scores of differently trained networks do
not rank together. With both, seeds are averaged within their fold first.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.evaluation.figures import Figures
from moodtheme.evaluation.intervals import FEWEST, NONE, difference_interval, share_interval
from moodtheme.evaluation.results import PairedFigure, RepeatedFigure
from moodtheme.evaluation.spread import Spread


@dataclass(frozen=True)
class Repetition:
    """One training's figures.

    Attributes
    ----------
    fold, seed
        Which it was; seeds of a fold share its test set.
    point
        On the test set.
    spread
        On its resamples, the same ones for all seeds of a fold; None without any.
    units
        Artists in the test set, or tracks.
    """

    fold: int
    seed: int
    point: Figures
    spread: Spread | None
    units: int


@dataclass(frozen=True)
class _Mean:
    """A figure's mean over trainings: on the test sets, on resamples, with each unit left out."""

    value: float
    drawn: Float64Array | None
    left_out: Float64Array | None


def mean_figures(repetitions: Sequence[Repetition]) -> dict[str, RepeatedFigure]:
    """Macro and micro figures, the mean over seeds and folds.

    Parameters
    ----------
    repetitions
        All of one system, every seed in every fold.
    """
    seeds = sorted({one.seed for one in repetitions})
    figures = {}
    for key in repetitions[0].point.summary:
        mean, found = _mean(key, repetitions), NONE
        if mean.drawn is not None and mean.left_out is not None:
            found = share_interval(mean.value, mean.drawn, mean.left_out)
        figures[key] = RepeatedFigure(
            value=_plain(mean.value),
            low=_plain(found.low),
            high=_plain(found.high),
            deviation=_deviation(key, repetitions, seeds),
        )
    return figures


def mean_difference(
    first: Sequence[Repetition], second: Sequence[Repetition]
) -> dict[str, PairedFigure]:
    """Macro and micro figures of one system minus another's, each the mean over its trainings.

    Parameters
    ----------
    first, second
        All of a system, every seed in every fold. Both have the same folds, drawn on the same
        resamples; seeds need not be the same.
    """
    figures = {}
    for key in first[0].point.summary:
        one, two = _mean(key, first), _mean(key, second)
        apart, found = one.value - two.value, NONE
        if one.drawn is not None and two.drawn is not None:
            assert one.left_out is not None and two.left_out is not None
            found = difference_interval(apart, one.drawn - two.drawn, one.left_out - two.left_out)
        figures[key] = PairedFigure(
            value=_plain(apart), low=_plain(found.low), high=_plain(found.high), p=_plain(found.p)
        )
    return figures


def repeated(of_seeds: Sequence[float]) -> RepeatedFigure:
    """Mean and deviation of a figure that each seed has once; no interval."""
    deviation = float(np.std(of_seeds, ddof=1)) if len(of_seeds) > 1 else math.nan
    return RepeatedFigure(value=_plain(float(np.mean(of_seeds))), deviation=_plain(deviation))


def _mean(key: str, repetitions: Sequence[Repetition]) -> _Mean:
    by_fold: dict[int, list[Repetition]] = {}
    for one in repetitions:
        by_fold.setdefault(one.fold, []).append(one)
    folds = [by_fold[number] for number in sorted(by_fold)]
    value = float(np.mean([_values(key, fold).mean() for fold in folds]))
    if not all(one.spread for one in repetitions) or not _enough(folds):
        return _Mean(value, None, None)
    drawn = np.asarray(np.mean([_drawn(key, fold) for fold in folds], axis=0))
    # What leaving out an artist does to its fold, the mean of all folds feels in part.
    effects = [_left_out(key, fold) - _values(key, fold).mean() for fold in folds]
    return _Mean(value, drawn, value + np.concatenate(effects) / len(folds))


def _deviation(key: str, repetitions: Sequence[Repetition], seeds: Sequence[int]) -> float | None:
    if len(seeds) < 2:
        return None
    of_seeds = [
        np.mean([one.point.summary[key][0] for one in repetitions if one.seed == seed])
        for seed in seeds
    ]
    return _plain(float(np.std(of_seeds, ddof=1)))


def _enough(folds: Sequence[Sequence[Repetition]]) -> bool:
    return all(fold[0].units >= FEWEST for fold in folds)


def _values(key: str, fold: Sequence[Repetition]) -> Float64Array:
    return np.array([one.point.summary[key][0] for one in fold])


def _drawn(key: str, fold: Sequence[Repetition]) -> Float64Array:
    many = [one.spread.drawn.summary[key] for one in fold if one.spread]
    return np.asarray(np.mean(many, axis=0))


def _left_out(key: str, fold: Sequence[Repetition]) -> Float64Array:
    many = [one.spread.left_out.summary[key] for one in fold if one.spread]
    return np.asarray(np.mean(many, axis=0))


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value
