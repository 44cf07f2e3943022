"""Figures with their intervals, and differences of two systems with theirs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.evaluation.figures import Figures
from moodtheme.evaluation.intervals import NONE, difference_interval, holm, share_interval
from moodtheme.evaluation.results import Figure, PairedFigure


@dataclass(frozen=True)
class Spread:
    """All figures of one system on resamples, and with one unit after another left out."""

    drawn: Figures
    left_out: Figures


def summary_figures(point: Figures, spread: Spread | None) -> dict[str, Figure]:
    """Macro and micro figures, with intervals where there is a spread.

    Parameters
    ----------
    point
        On the set itself.
    spread
        None for no intervals.
    """
    drawn, left_out = (spread.drawn.summary, spread.left_out.summary) if spread else ({}, {})
    return _figures({key: values[0] for key, values in point.summary.items()}, drawn, left_out)


def tag_figures(point: Figures, spread: Spread | None, tag: int) -> dict[str, Figure]:
    """The same of one tag, by the number of its column."""

    def row(figures: Figures) -> dict[str, Float64Array]:
        return {key: values[tag] for key, values in figures.per_tag.items()}

    drawn, left_out = (row(spread.drawn), row(spread.left_out)) if spread else ({}, {})
    return _figures({key: values[0] for key, values in row(point).items()}, drawn, left_out)


def _figures(
    values: Mapping[str, float],
    drawn: Mapping[str, Float64Array],
    left_out: Mapping[str, Float64Array],
) -> dict[str, Figure]:
    figures = {}
    for key, value in values.items():
        found = share_interval(value, drawn[key], left_out[key]) if drawn else NONE
        figures[key] = Figure(value=_plain(value), low=_plain(found.low), high=_plain(found.high))
    return figures


def paired_figures(
    first: Figures, second: Figures, spreads: tuple[Spread, Spread] | None
) -> dict[str, PairedFigure]:
    """Macro and micro figures of one system minus another's, resample by resample.

    Parameters
    ----------
    first, second
        On the set itself.
    spreads
        Of the two, on the same resamples; None for no intervals.
    """
    figures = {}
    for key, values in first.summary.items():
        apart = float(values[0] - second.summary[key][0])
        found = NONE
        if spreads:
            one, two = spreads
            found = difference_interval(
                apart,
                one.drawn.summary[key] - two.drawn.summary[key],
                one.left_out.summary[key] - two.left_out.summary[key],
            )
        figures[key] = PairedFigure(
            value=_plain(apart), low=_plain(found.low), high=_plain(found.high), p=_plain(found.p)
        )
    return figures


def corrected(
    comparisons: Sequence[Mapping[str, PairedFigure]],
) -> list[dict[str, PairedFigure]]:
    """Fill in `PairedFigure.p_holm`: the p-values of all these comparisons, figure by figure."""
    found = [dict(comparison) for comparison in comparisons]
    for key in found[0] if found else ():
        raw = [comparison[key].p for comparison in found]
        p_values = holm(np.array([math.nan if p is None else p for p in raw], np.float64))
        for comparison, p in zip(found, p_values, strict=True):
            comparison[key] = replace(comparison[key], p_holm=_plain(float(p)))
    return found


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
