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
from moodtheme.evaluation.intervals import FEWEST, NONE, share_interval
from moodtheme.evaluation.results import Figure
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


@dataclass(frozen=True, kw_only=True)
class RepeatedFigure(Figure):
    """A mean over trainings.

    Attributes
    ----------
    deviation
        Standard deviation over seeds, each averaged over the folds; None with one seed.
    """

    deviation: float | None = None


def mean_figures(repetitions: Sequence[Repetition]) -> dict[str, RepeatedFigure]:
    """Macro and micro figures, the mean over seeds and folds.

    Parameters
    ----------
    repetitions
        All of one system, every seed in every fold.
    """
    folds: dict[int, list[Repetition]] = {}
    for one in repetitions:
        folds.setdefault(one.fold, []).append(one)
    seeds = sorted({one.seed for one in repetitions})
    return {
        key: _mean(key, list(folds.values()), _deviation(key, repetitions, seeds))
        for key in repetitions[0].point.summary
    }


def repeated(of_seeds: Sequence[float]) -> RepeatedFigure:
    """Mean and deviation of a figure that each seed has once; no interval."""
    deviation = float(np.std(of_seeds, ddof=1)) if len(of_seeds) > 1 else math.nan
    return RepeatedFigure(value=_plain(float(np.mean(of_seeds))), deviation=_plain(deviation))


def _mean(
    key: str, folds: Sequence[Sequence[Repetition]], deviation: float | None
) -> RepeatedFigure:
    value = float(np.mean([_values(key, fold).mean() for fold in folds]))
    found = NONE
    if all(one.spread for fold in folds for one in fold) and _enough(folds):
        drawn = np.mean([_drawn(key, fold) for fold in folds], axis=0)
        # What leaving out an artist does to its fold, the mean of all folds feels in part.
        effects = [_left_out(key, fold) - _values(key, fold).mean() for fold in folds]
        found = share_interval(value, drawn, value + np.concatenate(effects) / len(folds))
    return RepeatedFigure(
        value=_plain(value), low=_plain(found.low), high=_plain(found.high), deviation=deviation
    )


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
