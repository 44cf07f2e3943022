"""``moodtheme evaluate RUN``: a trained run, or several, on their own test tracks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moodtheme.cli.artists import Group, artists_of
from moodtheme.cli.figure_tables import COLUMNS, print_figures, print_long
from moodtheme.cli.progress import progress_bar
from moodtheme.cli.run_scores import Scoring, is_series, scores_of
from moodtheme.cli.tables import print_table, with_interval
from moodtheme.evaluation import Evaluation, ScoredSet, SystemFigures
from moodtheme.evaluation.repeated import RepeatedFigure, Repetition, mean_figures

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
        return evaluate_series(folder, scoring, resamples=drawn, group=group, seed=seed)
    return evaluate_run(folder, scoring, resamples=drawn, group=group, seed=seed, long=long)


def evaluate_run(
    folder: Path, scoring: Scoring, *, resamples: int, group: Group | None, seed: int, long: bool
) -> dict[str, Any]:
    """Evaluate a run with thresholds from its validation, print the table, return the JSON."""
    name = folder.resolve().name
    with progress_bar("Resampling") as progress:
        evaluation = _evaluation(
            {name: folder}, scoring, resamples=resamples, group=group, seed=seed, progress=progress
        )
        rows = [evaluation.figures(name)]
    (print_long if long else print_figures)(rows)
    return {"over": evaluation.units.name, "rows": [row.as_json() for row in rows]}


def evaluate_series(
    folder: Path, scoring: Scoring, *, resamples: int, group: Group | None, seed: int
) -> dict[str, Any]:
    """Evaluate all runs of a series, print them and their mean, return the JSON."""
    from moodtheme.training.series import places, read_series

    series = read_series(folder)
    rows: list[SystemFigures] = []
    repetitions: list[Repetition] = []
    by_fold: dict[int, dict[str, Path]] = {}
    seeds = {member.folder: member.seed for member in series.members}
    for member, run, _ in places(folder, series):
        by_fold.setdefault(member.fold, {})[member.folder] = run
    for fold, runs in by_fold.items():
        with progress_bar(f"Resampling fold {fold}" if fold else "Resampling") as progress:
            evaluation = _evaluation(
                runs, scoring, resamples=resamples, group=group, seed=seed + fold, progress=progress
            )
            rows += [evaluation.figures(name) for name in runs]
            repetitions += [evaluation.repetition(n, fold=fold, seed=seeds[n]) for n in runs]
    means = mean_figures(repetitions)
    shown = [key for key in COLUMNS if key in means]
    words = f"{len(series.seeds)} seeds" if len(series.seeds) > 1 else ""
    words += " on " * bool(words and series.folds) + f"{series.folds} folds" * bool(series.folds)
    print_table(
        ["run", *(COLUMNS[key] for key in shown)],
        [
            *([row.name, *(_cell(row.figures[key]) for key in shown)] for row in rows),
            [f"mean of {words}", *(_cell(means[key]) for key in shown)],
        ],
        title="Macro averages over tags, ± deviation over seeds"
        + (f", 95 % intervals from {resamples} resamples of whole artists" if resamples else ""),
    )
    return {
        "folds": series.folds,
        "seeds": list(series.seeds),
        "rows": [row.as_json() for row in rows],
        "mean": {
            key: {
                "value": figure.value,
                "deviation": figure.deviation,
                "interval": [figure.low, figure.high],
            }
            for key, figure in means.items()
        },
    }


def _evaluation(
    runs: Mapping[str, Path],
    scoring: Scoring,
    *,
    resamples: int,
    group: Group | None,
    seed: int,
    progress: Any,
) -> Evaluation:
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
    return Evaluation(
        ScoredSet(
            first.test_truth.values,
            {name: one.test.values for name, one in scored.items()},
            artists_of(first.test_truth, table=None, group=group, resamples=resamples),
        ),
        tags=tags,
        validation=known,
        resamples=resamples,
        seed=seed,
        progress=progress,
    )


def _cell(figure: Any) -> str:
    text = with_interval(figure.value, (figure.low, figure.high), decimals=4)
    if isinstance(figure, RepeatedFigure) and figure.deviation is not None:
        value, space, ends = text.partition(" ")
        return f"{value} ± {figure.deviation:.4f}{space}{ends}"
    return text
