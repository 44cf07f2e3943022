"""``moodtheme evaluate RUN``: a trained run, or several, on their own test tracks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from moodtheme.cli.artists import Group, artists_of
from moodtheme.cli.figure_tables import (
    figure_cell,
    print_figures,
    print_long,
    print_macro_averages,
    print_ratings,
    resampled,
)
from moodtheme.cli.systems import Scoring, Trained, evaluation_of, rated, row_as_json
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
    """Evaluate a run or a series, print the tables, return the JSON."""
    evaluate = _evaluate_series if Trained.SERIES.is_at(folder) else _evaluate_run
    drawn = RESAMPLES if resamples is None else resamples
    return evaluate(folder, scoring, resamples=drawn, group=group, seed=seed, long=long)


def _evaluate_run(
    folder: Path, scoring: Scoring, *, resamples: int, group: Group | None, seed: int, long: bool
) -> dict[str, Any]:
    """Evaluate a run with thresholds from its validation."""
    name = folder.resolve().name
    evaluation, ratings = _test(
        {name: folder}, scoring, resamples=resamples, group=group, seed=seed
    )
    row = evaluation.figures(name)
    (print_long if long else print_figures)([row])
    print_ratings(ratings, resampled(row))
    return {"over": evaluation.units.name, "rows": [row_as_json(row, ratings)]}


def _evaluate_series(
    folder: Path, scoring: Scoring, *, resamples: int, group: Group | None, seed: int, long: bool
) -> dict[str, Any]:
    """Evaluate all runs of a series, and their mean."""
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
        evaluation, its_ratings = _test(
            runs, scoring, resamples=resamples, group=group, seed=seed, fold=fold
        )
        rows += [evaluation.figures(name) for name in runs]
        repetitions += [evaluation.repetition(n, fold=fold, seed=seeds[n]) for n in runs]
        ratings |= its_ratings
        over.add(f"{evaluation.units.group}s")
    words = f"{len(series.seeds)} seeds" if len(series.seeds) > 1 else ""
    words += " on " * bool(words and series.folds) + f"{series.folds} folds" * bool(series.folds)
    note = f", 95 % intervals from {resamples} resamples of {' and '.join(sorted(over))}"
    note = f", ± deviation over seeds{note if resamples else ''}"
    means, mean = mean_figures(repetitions), f"mean of {words}"
    if long:
        print_long([*rows, SystemFigures(name=mean, resamples=resamples, figures=means, tags=())])
    else:
        named = [*((row.name, row.figures) for row in rows), (mean, means)]
        print_macro_averages(named, note, head="run")
    mean_ratings = _mean_ratings(ratings, seeds)
    mean_rows = [
        [mean, dimension, "", *map(figure_cell, figures.values())]
        for dimension, figures in mean_ratings.items()
    ]
    print_ratings(ratings, note, head="run", more=mean_rows)
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


def _test(
    runs: Mapping[str, Path],
    scoring: Scoring,
    *,
    resamples: int,
    group: Group | None,
    seed: int,
    fold: int = 0,
) -> tuple[Evaluation, dict[str, list[RatingFigures]]]:
    """Runs that share their test and validation tracks, and the ratings of those that rate."""
    scored = {name: scoring.scores_of(folder) for name, folder in runs.items()}
    first = next(iter(scored.values()))
    truth = first.test_truth
    known = ScoredSet(
        first.validation_truth.values, {name: one.validation.values for name, one in scored.items()}
    )
    over = artists_of(truth, table=None, group=group, resamples=resamples)
    evaluation = evaluation_of(
        truth,
        {name: one.test.values for name, one in scored.items()},
        over,
        resamples=resamples,
        seed=seed,
        fold=fold,
        validation=Evaluation(known, tags=truth.names.tags, part="validation"),
    )
    named = [replace(one.test, name=name) for name, one in scored.items()]
    return evaluation, rated(truth, named, over, resamples=resamples, seed=seed + fold)


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
