"""Tables of figures and of differences, as `moodtheme evaluate` and `compare` print them."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING

from moodtheme.cli.tables import Cell, print_table, with_interval
from moodtheme.evaluation.results import RepeatedFigure

if TYPE_CHECKING:
    from moodtheme.evaluation import Figure, PairedFigure, SystemFigures
    from moodtheme.evaluation.ratings import RatingDifference, RatingFigures

COLUMNS = {
    "roc_auc_macro": "ROC-AUC",
    "pr_auc_macro": "PR-AUC",
    "f1_macro_oracle": "F1 oracle",
    "f1_macro_best": "F1 best",
    "f1_macro_validation": "F1 validation",
    "f1_macro_fixed": "F1 at 0.5",
}
"""The figures of the tables, all macro; the others are in ``--long`` and ``--json``."""

RATING_COLUMNS = ("R2", "Pearson", "CCC")
"""How `moodtheme.evaluation.ratings.MEASURES` are called in tables."""

BEYOND_CHANCE = " *"


def print_figures(systems: "Sequence[SystemFigures]") -> None:
    """Print the chosen figures of every system."""
    named = [(system.name, system.figures) for system in systems]
    decimals = 4 if systems[0].resamples else 6
    print_macro_averages(named, resampled(systems[0]), head="system", decimals=decimals)


def print_macro_averages(
    named: "Sequence[tuple[str, Mapping[str, Figure]]]", note: str, *, head: str, decimals: int = 4
) -> None:
    """Print a row of chosen figures for each name; `note` is what the title says of intervals."""
    shown = _shown(named[0][1])
    print_table(
        [head, *shown.values()],
        [[name, *(figure_cell(of[key], decimals) for key in shown)] for name, of in named],
        title=f"Macro averages over tags{note}",
    )


def print_differences(
    gaps: "Sequence[tuple[str, Mapping[str, PairedFigure]]]", *, head: str, note: str
) -> None:
    """Print paired differences by name; those that survive the correction have a star.

    `head` is that of the first column, `note` what the title says of resamples.
    """
    shown = _shown(gaps[0][1])
    print()
    print_table(
        [head, *shown.values()],
        [[name, *(_signed(figures[key]) for key in shown)] for name, figures in gaps],
        title=f"Differences, paired{note}{_starred(note, len(gaps))}",
    )


def print_compared(systems: "Sequence[SystemFigures]") -> None:
    """Print the differences to the system that others were compared with, if they were."""
    gaps = [(s.name, s.difference) for s in systems if s.difference is not None]
    if gaps:
        against = next(system.against for system in systems if system.against)
        print_differences(gaps, head=f"minus {against}", note=resampled(systems[0]))


def print_ratings(
    systems: "Mapping[str, Sequence[RatingFigures]]",
    note: str,
    *,
    head: str = "system",
    more: Sequence[Sequence[Cell]] = (),
) -> None:
    """Print how near each system's ratings come to listeners', a line a dimension, if any rates.

    `more` are rows below; `note` and `head` as for `print_differences`.
    """
    if not systems:
        return
    rows: list[Sequence[Cell]] = []
    for name, dimensions in systems.items():
        for one in dimensions:
            cells = [
                with_interval(value, one.intervals.get(measure), decimals=4)
                for measure, value in one.figures.items()
            ]
            rows.append([name, one.dimension, one.tracks, *cells])
    print()
    print_table(
        [head, "dimension", "tracks", *RATING_COLUMNS],
        [*rows, *more],
        title=f"Ratings against listeners'{note}",
    )


def print_rating_differences(gaps: "Sequence[RatingDifference]", note: str) -> None:
    """Print which of two systems' ratings come nearer to listeners', a line a dimension."""
    if not gaps:
        return
    print()
    print_table(
        ["difference", "dimension", "tracks", *RATING_COLUMNS],
        [
            [
                f"{gap.name} minus {gap.against}",
                gap.dimension,
                gap.tracks,
                *(_signed(figure) for figure in gap.figures.values()),
            ]
            for gap in gaps
        ],
        title=f"Differences of ratings, paired{note}{_starred(note, len(gaps))}",
    )


def ratings_as_json(one: "RatingFigures") -> dict[str, object]:
    """A dimension's figures for programs; an undefined one is None."""
    return {
        "dimension": one.dimension,
        "tracks": one.tracks,
        **{name: None if isnan(value) else value for name, value in one.figures.items()},
        "intervals": {
            name: [None if isnan(end) else end for end in ends]
            for name, ends in one.intervals.items()
        },
    }


def rating_difference_as_json(gap: "RatingDifference") -> dict[str, object]:
    """A difference of ratings for programs."""
    return {
        "name": gap.name,
        "against": gap.against,
        "dimension": gap.dimension,
        "tracks": gap.tracks,
        **{key: figure.as_json(resampled=True) for key, figure in gap.figures.items()},
    }


def print_long(systems: "Sequence[SystemFigures]") -> None:
    """Print every figure, one a line."""
    print_table(
        ["system", "figure", "value", "low", "high"],
        [
            [system.name, key, figure.value, figure.low, figure.high]
            for system in systems
            for key, figure in system.figures.items()
        ],
    )


def _shown(figures: "Mapping[str, Figure]") -> dict[str, str]:
    return {key: head for key, head in COLUMNS.items() if key in figures}


def resampled(system: "SystemFigures") -> str:
    """What a title says of intervals, where there are any."""
    if not system.resamples:
        return ""
    return f", 95 % intervals from {system.resamples} bootstrap resamples of {system.over}"


def figure_cell(figure: "Figure", decimals: int = 4) -> str:
    """A figure with its interval, and its deviation over seeds: ``0.86 ± 0.01 [0.84, 0.88]``."""
    text = with_interval(figure.value, (figure.low, figure.high), decimals=decimals)
    if isinstance(figure, RepeatedFigure) and figure.deviation is not None:
        value, space, ends = text.partition(" ")
        return f"{value} ± {figure.deviation:.{decimals}f}{space}{ends}"
    return text


def _starred(note: str, comparisons: int) -> str:
    several = f" for {comparisons} comparisons" if comparisons > 1 else ""
    return f"; *: beyond chance, corrected{several}" if note else ""


def _signed(figure: "PairedFigure") -> str:
    text = figure_cell(figure)
    sign = "" if text[0] == "-" else "+"
    return f"{sign}{text}{BEYOND_CHANCE if figure.beyond_chance else ''}"
