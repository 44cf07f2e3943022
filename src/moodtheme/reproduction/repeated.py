"""A reproduction done several times: with other seeds, on other folds, and what they say together.

Each training's reproduction is whole and has a folder of its own, as if it had been asked for
alone; decoded audio and features are shared. ``report.md`` in the folder above has the means of
every row, the deviation over seeds beside the interval over artists; ``means.json`` has all of it.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from moodtheme.datasets import Split
from moodtheme.errors import EvaluationWarning
from moodtheme.evaluation import Evaluation, ScoredSet
from moodtheme.evaluation.bootstrap import all_together
from moodtheme.evaluation.results import RepeatedFigure
from moodtheme.evaluation.spread import Repetition, mean_figures
from moodtheme.files import replacing
from moodtheme.records import write_record
from moodtheme.reproduction.collection import read_tracks
from moodtheme.reproduction.job import Console, Request
from moodtheme.reproduction.results import Results, read_results
from moodtheme.scores.matrices import load_systems, read_truth
from moodtheme.training.series import Series, places, plan_series

MEANS, PAGE = "means.json", "report.md"
_SHOWN = {
    "roc_auc_macro": "ROC-AUC",
    "pr_auc_macro": "PR-AUC",
    "f1_macro_validation": "F1, thresholds from validation",
}


@dataclass(frozen=True, kw_only=True)
class Means:
    """Every macro and micro figure of every row, the mean over the trainings.

    Attributes
    ----------
    series
        Which trainings.
    resamples, over
        Behind the intervals, and what was drawn: ``327 artists``, of all folds together.
    rows
        Figures by row: popularity, systems and fusions, those that every training has.
    """

    series: Series
    resamples: int
    over: str
    rows: Mapping[str, Mapping[str, RepeatedFigure]]


def reproduce_series(
    request: Request,
    folder: Path,
    console: Console,
    *,
    folds: int,
    seeds: int,
    once: Callable[[Request, Path], Results],
) -> Means:
    """Reproduce with every seed on every fold, and average.

    Parameters
    ----------
    request
        What each does; its seed is the first.
    folder
        For everything.
    console
        Is told which training comes next.
    folds, seeds
        How many; 0 folds keep the table's splits.
    once
        Does one reproduction in a folder.

    Raises
    ------
    TrainingError, DatasetError
        The folder holds another series, or the tracks cannot be divided so.
    """
    source, table = read_tracks(request, folder, console)
    wanted = range(request.seed, request.seed + seeds)
    series = plan_series(folder, source, table, folds=folds, seeds=wanted)
    shared = replace(request, cache=request.cache or folder / "cache")
    for number, (member, place, dataset) in enumerate(places(folder, series), start=1):
        console.say(f"{number} of {len(series.members)}: {member.folder}")
        once(replace(shared, source=dataset, seed=member.seed), place)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EvaluationWarning)  # every training has said them
        means = average(folder, series, resamples=request.resamples)
    write_record(folder / MEANS, means)
    with replacing(folder / PAGE) as temporary:
        temporary.write_text(as_markdown(means), encoding="utf-8")
    return means


def average(folder: Path, series: Series, *, resamples: int) -> Means:
    """Average what finished reproductions found, seeds on the same resamples."""
    found: dict[str, list[Repetition]] = {}
    drawn = []
    for fold, runs in groupby(places(folder, series), key=lambda run: run[0].fold):
        results = {member.seed: (place, read_results(place)) for member, place, _ in runs}
        known = _evaluation(results, Split.VALIDATION)
        evaluation = _evaluation(results, Split.TEST, known, resamples=resamples, seed=fold)
        drawn.append(evaluation.units)
        for seed, (_, one) in results.items():
            for row in one.rows:
                repetition = evaluation.repetition(_key(seed, row.name), fold=fold, seed=seed)
                found.setdefault(row.name, []).append(repetition)
    return Means(
        series=series,
        resamples=resamples,
        over=all_together(drawn),
        rows={name: mean_figures(many) for name, many in found.items()},
    )


def _evaluation(
    results: Mapping[int, tuple[Path, Results]],
    split: Split,
    known: Evaluation | None = None,
    *,
    resamples: int = 0,
    seed: int = 0,
) -> Evaluation:
    """Evaluate all seeds' rows on a part, which they share."""
    place, one = next(iter(results.values()))
    truth = read_truth(place / one.dataset.truth[split].path)
    scores = {}
    for trained_with, (place, one) in results.items():
        for row in one.rows:
            file = row.test_scores if split is Split.TEST else row.validation_scores
            (system,) = load_systems([place / file.path], like=truth)
            scores[_key(trained_with, row.name)] = system.values
    return Evaluation(
        ScoredSet(truth.values, scores, truth.names.artists or None),
        tags=one.dataset.tags,
        part="validation" if split is Split.VALIDATION else "",
        validation=known,
        resamples=resamples,
        seed=seed,
    )


def _key(seed: int, name: str) -> str:
    return f"{name}, seed {seed}"


def in_words(series: Series) -> str:
    """Which trainings: ``5 seeds on 3 folds``."""
    parts = [f"{len(series.seeds)} seeds"] * (len(series.seeds) > 1)
    parts += [f"{series.folds} folds"] * bool(series.folds)
    return " on ".join(parts)


def cell(figure: RepeatedFigure) -> str:
    """A figure in percent: ``86.1 ± 0.3 [84.2, 87.9]``."""
    if figure.value is None:
        return "–"
    text = f"{100 * figure.value:.1f}"
    if figure.deviation is not None:
        text += f" ± {100 * figure.deviation:.1f}"
    if figure.low is None or figure.high is None:
        return text
    return f"{text} [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"


def as_markdown(means: Means) -> str:
    """The table of means, and where each training's own report is."""
    shown = {key: head for key, head in _SHOWN.items() if key in next(iter(means.rows.values()))}
    said = f", in brackets 95 % intervals over {means.over}" if means.resamples else ""
    lines = [
        f"# Means of {in_words(means.series)}",
        "",
        f"{means.series.source}. Macro averages over tags on test, in percent; ± is the standard "
        f"deviation over seeds{said}.",
        "",
        f"| system | {' | '.join(shown.values())} |",
        f"|---|{'---|' * len(shown)}",
        *(
            f"| {name} | {' | '.join(cell(figures[key]) for key in shown)} |"
            for name, figures in means.rows.items()
        ),
        "",
        *(f"- [{m.folder}]({m.folder}/report.html)" for m in means.series.members),
    ]
    return "\n".join(lines) + "\n"
