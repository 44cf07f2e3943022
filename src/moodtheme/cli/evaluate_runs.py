"""``moodtheme evaluate RUN``: a trained run, or several, on their own test tracks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from moodtheme.cli.artists import Group, artists_of
from moodtheme.cli.figure_tables import (
    COLUMNS,
    RATING_COLUMNS,
    figure_cell,
    print_figures,
    print_long,
    print_ratings,
    rating_rows,
    resampled,
)
from moodtheme.cli.progress import progress_bar
from moodtheme.cli.run_scores import Scoring, is_series, scores_of
from moodtheme.cli.score_files import rated, row_as_json
from moodtheme.cli.tables import print_table
from moodtheme.evaluation import Evaluation, RatingFigures, ScoredSet, SystemFigures
from moodtheme.evaluation.results import RepeatedFigure
from moodtheme.evaluation.spread import Repetition, mean_figures, repeated

RESAMPLES = 1000
"""Unless ``--bootstrap`` says otherwise: a run is evaluated in full."""


def evaluate_trained(
    folder: Path,
    scoring: Scoring,
    *,
    resamples: int | None,
    group: Group | None,
    seed: int,
    long: bool,
) -> dict[str, Any]:
    """Evaluate a run or a series; see `evaluate_run` and `evaluate_series`."""
    drawn = RESAMPLES if resamples is None else resamples
    if is_series(str(folder)):
        return evaluate_series(folder, scoring, resamples=drawn, group=group, seed=seed, long=long)
    return evaluate_run(folder, scoring, resamples=drawn, group=group, seed=seed, long=long)


def evaluate_run(
    folder: Path, scoring: Scoring, *, resamples: int, group: Group | None, seed: int, long: bool
) -> dict[str, Any]:
    """Evaluate a run with thresholds from its validation, print the tables, return the JSON."""
    name = folder.resolve().name
    tested = _test({name: folder}, scoring, resamples=resamples, group=group, seed=seed)
    rows = [tested.evaluation.figures(name)]
    (print_long if long else print_figures)(rows)
    print_ratings(tested.ratings, resampled(rows[0]))
    return {
        "over": tested.evaluation.units.name,
        "rows": [row_as_json(row, tested.ratings) for row in rows],
    }


def evaluate_series(
    folder: Path, scoring: Scoring, *, resamples: int, group: Group | None, seed: int, long: bool
) -> dict[str, Any]:
    """Evaluate all runs of a series, print them and their mean, return the JSON."""
    from moodtheme.training.series import places, read_series

    series = read_series(folder)
    rows: list[SystemFigures] = []
    ratings: dict[str, list[RatingFigures]] = {}
    repetitions: list[Repetition] = []
    by_fold: dict[int, dict[str, Path]] = {}
    seeds = {member.folder: member.seed for member in series.members}
    for member, run, _ in places(folder, series):
        by_fold.setdefault(member.fold, {})[member.folder] = run
    over = set()
    for fold, runs in by_fold.items():
        bar = f"Resampling fold {fold}" if fold else "Resampling"
        tested = _test(runs, scoring, resamples=resamples, group=group, seed=seed + fold, bar=bar)
        rows += [tested.evaluation.figures(name) for name in runs]
        repetitions += [tested.evaluation.repetition(n, fold=fold, seed=seeds[n]) for n in runs]
        ratings |= tested.ratings
        over.add(f"{tested.evaluation.units.group}s")
    words = f"{len(series.seeds)} seeds" if len(series.seeds) > 1 else ""
    words += " on " * bool(words and series.folds) + f"{series.folds} folds" * bool(series.folds)
    note = f", 95 % intervals from {resamples} resamples of {' and '.join(sorted(over))}"
    note = f", ± deviation over seeds{note if resamples else ''}"
    means, mean = mean_figures(repetitions), f"mean of {words}"
    if long:
        print_long([*rows, SystemFigures(name=mean, resamples=resamples, figures=means, tags=())])
    else:
        shown = [key for key in COLUMNS if key in means]
        print_table(
            ["run", *(COLUMNS[key] for key in shown)],
            [
                [name, *(figure_cell(figures[key]) for key in shown)]
                for name, figures in [*((row.name, row.figures) for row in rows), (mean, means)]
            ],
            title=f"Macro averages over tags{note}",
        )
    mean_ratings = _mean_ratings(ratings, seeds)
    if ratings:
        print()
        print_table(
            ["run", "dimension", "tracks", *RATING_COLUMNS],
            [
                *rating_rows(ratings),
                *(
                    [mean, dimension, "", *map(figure_cell, figures.values())]
                    for dimension, figures in mean_ratings.items()
                ),
            ],
            title=f"Ratings against listeners'{note}",
        )
    return {
        "folds": series.folds,
        "seeds": list(series.seeds),
        "rows": [row_as_json(row, ratings) for row in rows],
        "mean": {key: _as_json(figure) for key, figure in means.items()},
        "mean_ratings": {
            dimension: {key: _as_json(figure) for key, figure in figures.items()}
            for dimension, figures in mean_ratings.items()
        },
    }


@dataclass(frozen=True)
class _Tested:
    """Runs on the test tracks that they share; ratings of those that rate."""

    evaluation: Evaluation
    ratings: dict[str, list[RatingFigures]]


def _test(
    runs: Mapping[str, Path],
    scoring: Scoring,
    *,
    resamples: int,
    group: Group | None,
    seed: int,
    bar: str = "Resampling",
) -> _Tested:
    """Runs that share their test and validation tracks."""
    scored = {name: scores_of(folder, scoring) for name, folder in runs.items()}
    first = next(iter(scored.values()))
    tags = first.test_truth.names.tags
    known = Evaluation(
        ScoredSet(
            first.validation_truth.values,
            {name: one.validation.values for name, one in scored.items()},
        ),
        tags=tags,
        part="validation",
    )
    over = artists_of(first.test_truth, table=None, group=group, resamples=resamples)
    systems = {name: one.test.values for name, one in scored.items()}
    with progress_bar(bar) as progress:
        evaluation = Evaluation(
            ScoredSet(first.test_truth.values, systems, over),
            tags=tags,
            validation=known,
            resamples=resamples,
            seed=seed,
            progress=progress,
        )
        for name in runs:
            evaluation.figures(name)  # draws, while the bar is shown
    named = [replace(one.test, name=name) for name, one in scored.items()]
    ratings = rated(first.test_truth, named, over, resamples=resamples, seed=seed)
    return _Tested(evaluation, ratings)


def _mean_ratings(
    ratings: Mapping[str, Sequence[RatingFigures]], seeds: Mapping[str, int]
) -> dict[str, dict[str, RepeatedFigure]]:
    """Means over runs by dimension, with the deviation over seeds, each averaged over folds."""
    values: dict[str, dict[str, dict[int, list[float]]]] = {}
    for name, dimensions in ratings.items():
        for one in dimensions:
            for measure, value in one.figures.items():
                of_seeds = values.setdefault(one.dimension, {}).setdefault(measure, {})
                of_seeds.setdefault(seeds[name], []).append(value)
    return {
        dimension: {key: repeated([fmean(v) for v in of.values()]) for key, of in measures.items()}
        for dimension, measures in values.items()
    }


def _as_json(figure: RepeatedFigure) -> dict[str, Any]:
    ends = [figure.low, figure.high]
    return {"value": figure.value, "deviation": figure.deviation, "interval": ends}
