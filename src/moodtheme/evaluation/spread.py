"""Figures with their intervals: of a system, two systems' difference, several trainings' mean.

A system can be trained several times, with other seeds or on other folds of a collection. Seeds
share a test set, so their figures are averaged resample by resample, and their deviation says what
the luck of a training run is worth. Folds have test sets of their own: each is resampled by itself
and the figures are averaged, not the scores, since scores of differently trained networks do not
rank together. With both, seeds are averaged within their fold first.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.evaluation.intervals import NONE, difference_interval, holm, share_interval
from moodtheme.evaluation.metrics import Figures
from moodtheme.evaluation.results import Figure, PairedFigure, RepeatedFigure, known


@dataclass(frozen=True)
class Spread:
    """One figure, or its mean over trainings, and how far it moves.

    Attributes
    ----------
    value
        On the set itself.
    moved
        On resamples, and with one unit after another left out; None for no interval.
    """

    value: float
    moved: tuple[Float64Array, Float64Array] | None = None

    def figure(self) -> Figure:
        """The figure, between 0 and 1, with its interval."""
        found = share_interval(self.value, *self.moved) if self.moved else NONE
        return Figure(value=known(self.value), low=known(found.low), high=known(found.high))

    def minus(self, other: "Spread") -> PairedFigure:
        """The difference from another figure on the same resamples."""
        apart, found = self.value - other.value, NONE
        if self.moved and other.moved:
            (drawn, left_out), (other_drawn, other_left_out) = self.moved, other.moved
            found = difference_interval(apart, drawn - other_drawn, left_out - other_left_out)
        return PairedFigure(
            value=known(apart), low=known(found.low), high=known(found.high), p=known(found.p)
        )


@dataclass(frozen=True)
class Sampled:
    """All figures of one system, on the set itself and moved as those of a `Spread`."""

    point: Figures
    moved: tuple[Figures, Figures] | None = None

    @property
    def summary(self) -> dict[str, Spread]:
        """Macro and micro figures."""
        return {
            key: Spread(
                float(values[0]),
                self.moved and (self.moved[0].summary[key], self.moved[1].summary[key]),
            )
            for key, values in self.point.summary.items()
        }

    def of_tag(self, tag: int, *, moves: bool) -> dict[str, Spread]:
        """Figures of a tag, by the number of its column; with or without what makes intervals."""
        moved = self.moved if moves else None
        return {
            key: Spread(
                float(values[tag, 0]),
                moved and (moved[0].per_tag[key][tag], moved[1].per_tag[key][tag]),
            )
            for key, values in self.point.per_tag.items()
        }


@dataclass(frozen=True)
class Repetition:
    """One training's figures.

    Attributes
    ----------
    fold, seed
        Which it was; seeds of a fold share its test set, and its resamples.
    sampled
        On the test set.
    """

    fold: int
    seed: int
    sampled: Sampled


def paired(first: Mapping[str, Spread], second: Mapping[str, Spread]) -> dict[str, PairedFigure]:
    """One system's figures minus another's, resample by resample."""
    return {key: one.minus(second[key]) for key, one in first.items()}


def corrected(
    comparisons: Sequence[Mapping[str, PairedFigure]],
) -> list[dict[str, PairedFigure]]:
    """Fill in `PairedFigure.p_holm`: the p-values of all these comparisons, figure by figure."""
    found = [dict(comparison) for comparison in comparisons]
    for key in found[0] if found else ():
        raw = [comparison[key].p for comparison in found]
        p_values = holm(np.array([math.nan if p is None else p for p in raw], np.float64))
        for comparison, p in zip(found, p_values, strict=True):
            comparison[key] = replace(comparison[key], p_holm=known(p))
    return found


def mean_figures(repetitions: Sequence[Repetition]) -> dict[str, RepeatedFigure]:
    """Macro and micro figures, the mean over seeds and folds.

    Parameters
    ----------
    repetitions
        All of one system, every seed in every fold.
    """
    by_seed: dict[int, list[dict[str, Spread]]] = {}
    for one in repetitions:
        by_seed.setdefault(one.seed, []).append(one.sampled.summary)
    figures = {}
    for key, mean in _means(repetitions).items():
        of_seeds = [
            float(np.mean([summary[key].value for summary in by_seed[seed]]))
            for seed in sorted(by_seed)
        ]
        found = mean.figure()
        figures[key] = replace(
            repeated(of_seeds), value=found.value, low=found.low, high=found.high
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
    return paired(_means(first), _means(second))


def repeated(of_seeds: Sequence[float]) -> RepeatedFigure:
    """Mean and deviation of a figure that each seed has once; no interval."""
    deviation = float(np.std(of_seeds, ddof=1)) if len(of_seeds) > 1 else math.nan
    return RepeatedFigure(value=known(float(np.mean(of_seeds))), deviation=known(deviation))


def _means(repetitions: Sequence[Repetition]) -> dict[str, Spread]:
    by_fold: dict[int, list[dict[str, Spread]]] = {}
    for one in sorted(repetitions, key=lambda one: one.fold):
        by_fold.setdefault(one.fold, []).append(one.sampled.summary)
    return {
        key: _mean([[seed[key] for seed in seeds] for seeds in by_fold.values()])
        for key in repetitions[0].sampled.point.summary
    }


def _mean(folds: Sequence[Sequence[Spread]]) -> Spread:
    """Mean of a figure over folds, in each over seeds."""
    of_folds = [np.mean([seed.value for seed in seeds]) for seeds in folds]
    value = float(np.mean(of_folds))
    drawn, effects = [], []
    for seeds, of_fold in zip(folds, of_folds, strict=True):
        moved = [seed.moved for seed in seeds if seed.moved]
        if len(moved) < len(seeds):
            return Spread(value)
        drawn.append(np.mean([on_resamples for on_resamples, _ in moved], axis=0))
        # What leaving out an artist does to its fold, the mean of all folds feels in part.
        effects.append(np.mean([left_out for _, left_out in moved], axis=0) - of_fold)
    left_out = value + np.concatenate(effects) / len(folds)
    return Spread(value, (np.asarray(np.mean(drawn, axis=0)), left_out))
