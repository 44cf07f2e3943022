"""``moodtheme evaluate``: score files against truth."""

import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from moodtheme.cli.artists import Artists, GroupBy, artists_of
from moodtheme.cli.options import (
    AllowSeen,
    Device,
    Jobs,
    Json,
    Offline,
    Seed,
    Tags,
    ThresholdsFrom,
)
from moodtheme.cli.progress import progress_bar
from moodtheme.cli.run_scores import Scoring, is_run, is_series
from moodtheme.cli.streams import warnings_as_lines
from moodtheme.errors import EvaluationError, EvaluationWarning, UsageError

if TYPE_CHECKING:
    from moodtheme.evaluation import ScoredSet, SystemFigures
    from moodtheme.evaluation.ratings import RatingFigures
    from moodtheme.evaluation.units import Group
    from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix, SystemScores
    from moodtheme.scores.matrices import Truth as TruthMatrix

POPULARITY = "popularity"
"""What the popularity baseline is called in tables."""


def evaluate(
    scores: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|SCORES",
            help="Folder of a trained run, which is tested on its own test tracks; of several, "
            "trained with --seeds or --folds; or score files: .npz with names, .csv, .parquet, "
            ".npy (tracks, tags), or .npz with a system a member; FILE.npz:MEMBER picks one.",
            show_default=False,
        ),
    ],
    *,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth",
            metavar="TRUTH",
            help="Labels of the score files' tracks, bool (tracks, tags), as `moodtheme dataset "
            "truth` writes them; without names (.npy) rows and columns must be in the scores' "
            "order.",
            show_default=False,
        ),
    ] = None,
    tags: Tags = None,
    thresholds_from: ThresholdsFrom = None,
    popularity: Annotated[
        Path | None,
        typer.Option(
            "--popularity",
            metavar="TRAINING_TRUTH.npy",
            help="Add the popularity baseline as a system: always the tag most frequent in "
            "these labels.",
            show_default=False,
        ),
    ] = None,
    bootstrap: Annotated[
        int | None,
        typer.Option(
            "--bootstrap",
            metavar="N",
            min=0,
            help="Resamples for 95 % intervals, of whole artists where they are known; 0 for none, "
            "as for score files by default; 1000 for runs.",
            show_default=False,
        ),
    ] = None,
    artists: Artists = None,
    group: GroupBy = None,
    seed: Seed = 0,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="NAME",
            help="Also compare every system with this one, paired resample by resample, corrected "
            "for the number of comparisons.",
            show_default=False,
        ),
    ] = None,
    long: Annotated[
        bool,
        typer.Option("--long", help="Print every figure, micro ones included, one a line."),
    ] = False,
    json: Json = None,
    allow_seen: AllowSeen = False,
    features: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Stored features of a run; by default those in its folder.",
            show_default=False,
        ),
    ] = None,
    device: Device = "auto",
    jobs: Jobs = 2,
    offline: Offline = False,
) -> None:
    """Evaluate a trained run, or score files against truth: ROC-AUC, PR-AUC, F1, with intervals.

    F1 "oracle" uses the official thresholds and "best" the best there are, both chosen on the very
    set that is scored. "validation" (with --thresholds-from) is what a user would get.
    """
    from moodtheme.cli.figure_tables import (
        print_compared,
        print_figures,
        print_long,
        print_ratings,
    )
    from moodtheme.cli.outputs import require_output
    from moodtheme.evaluation import ScoredSet, evaluate_systems
    from moodtheme.evaluation.intervals import LEVEL
    from moodtheme.evaluation.units import units_of
    from moodtheme.scores.matrices import match_systems, put_like, read_truth
    from moodtheme.scores.vocabulary import load_tags, tags_for

    require_output(json, inputs=[truth, *scores, tags, popularity, *(thresholds_from or ())])
    if any(is_run(path) or is_series(path) for path in scores):
        if len(scores) > 1 or truth or tags or thresholds_from or popularity or artists or against:
            raise UsageError(
                f"{scores[0]}: a run brings its own truth, tags, artists and thresholds and is "
                "evaluated alone; `moodtheme compare` compares several"
            )
        scoring = Scoring(device, jobs, features, offline)
        _evaluate_run(Path(scores[0]), scoring, bootstrap, group, seed, long=long, json=json)
        return
    if truth is None:
        raise UsageError("score files need --truth FILE: the labels of their tracks")
    bootstrap = bootstrap or 0
    with warnings_as_lines():
        vocabulary = load_tags(tags) if tags else None
        named = read_truth(truth, tags=vocabulary)
        labels = named.values
        names = named.names.tags or tags_for(labels.shape[1])
        failures: list[EvaluationError] = []
        systems = _usable(scores, named, vocabulary, names, failures, allow_seen)
        for failure in failures:
            print(f"moodtheme: {failure}", file=sys.stderr)
        tables = {system.name: system.values for system in systems}
        validation = None
        if thresholds_from is not None:
            known = put_like(read_truth(thresholds_from[0], tags=vocabulary), named, rows=False)
            matched = (
                match_systems(systems, thresholds_from[1], tags=vocabulary, like=known)
                if systems
                else []
            )
            validation = ScoredSet(
                known.values,
                {system.name: system.values for system in matched},
            )
        if popularity is not None:
            training = put_like(read_truth(popularity, tags=vocabulary), named, rows=False).values
            validation = _add_popularity(training, len(labels), tables, validation)
        over = artists_of(named, table=artists, group=group, resamples=bootstrap)
        units = units_of(len(labels), over)
        with progress_bar("Resampling") as progress:
            found = evaluate_systems(
                labels,
                tables,
                tags=names,
                validation=validation,
                artists=over,
                resamples=bootstrap,
                seed=seed,
                against=against,
                progress=progress,
            )
        rated = _rated(named, systems, over, resamples=bootstrap, seed=seed)
    if json is not None:
        _write_json(
            json,
            {
                "tracks": len(labels),
                "tags": list(names),
                "bootstrap": {
                    "resamples": bootstrap,
                    "seed": seed,
                    "level": LEVEL,
                    "over": units.group,
                    "units": units.count,
                }
                if bootstrap
                else None,
                "rows": [_as_json(system, rated) for system in found],
            },
        )
    if long:
        print_long(found)
    elif found:
        print_figures(found)
        print_compared(found)
        print_ratings(rated)
    if failures:
        raise typer.Exit(1)


def _add_popularity(
    training: "BoolMatrix",
    tracks: int,
    tables: "dict[str, ScoreMatrix]",
    validation: "ScoredSet | None",
) -> "ScoredSet | None":
    """Add the baseline to the systems; return the validation set with it."""
    from moodtheme.evaluation import ScoredSet
    from moodtheme.evaluation.popularity import popularity_scores

    if POPULARITY in tables:
        raise UsageError(f"a system is called {POPULARITY!r} already; rename its file")
    tables[POPULARITY] = popularity_scores(training, tracks)
    if validation is None:
        return None
    most = {POPULARITY: popularity_scores(training, len(validation.truth))}
    return ScoredSet(validation.truth, {**validation.scores, **most})


def _evaluate_run(
    folder: Path,
    scoring: Scoring,
    resamples: int | None,
    group: "Group | None",
    seed: int,
    *,
    long: bool,
    json: Path | None,
) -> None:
    from moodtheme.cli.evaluate_runs import evaluate_trained

    with warnings_as_lines():
        document = evaluate_trained(
            folder, scoring, resamples=resamples, group=group, seed=seed, long=long
        )
    if json is not None:
        _write_json(json, document)


def _usable(
    paths: Sequence[str],
    truth: "TruthMatrix",
    vocabulary: Sequence[str] | None,
    tags: Sequence[str],
    failures: list[EvaluationError],
    allow_seen: bool,
) -> "list[SystemScores]":
    """Load what fits the truth; what does not is a failure and does not stop the rest."""
    from moodtheme.evaluation.checks import check_scores, check_seen
    from moodtheme.scores.matrices import load_systems

    good = []
    for path in paths:
        try:
            with warnings.catch_warnings():
                # Said once, when the figures are computed.
                warnings.simplefilter("ignore", EvaluationWarning)
                for system in load_systems([path], tags=vocabulary, like=truth):
                    check_scores(system.values, truth.values, tags, name=system.source)
                    check_seen(system.names.seen, name=system.source, allow=allow_seen)
            good.append(path)
        except EvaluationError as error:
            failures.append(error)
    # Names depend on all files together, so they are loaded together once it is known which.
    systems = load_systems(good, tags=vocabulary, like=truth) if good else []
    return [
        replace(system, name=f"{system.name} (seen)")
        if check_seen(system.names.seen, name=system.source, allow=allow_seen)
        else system
        for system in systems
    ]


def _rated(
    truth: "TruthMatrix",
    systems: "Sequence[SystemScores]",
    artists: tuple[str, ...] | None,
    *,
    resamples: int,
    seed: int,
) -> "dict[str, list[RatingFigures]]":
    """Figures of the systems that rate valence and the like, if listeners did too."""
    from moodtheme.evaluation.ratings import evaluate_ratings

    return {
        system.name: evaluate_ratings(
            truth.ratings,
            system.ratings,
            source=system.source,
            artists=artists or (),
            resamples=resamples,
            seed=seed,
        )
        for system in systems
        if truth.ratings is not None and system.ratings is not None
    }


def _as_json(
    system: "SystemFigures", rated: "Mapping[str, Sequence[RatingFigures]]"
) -> dict[str, Any]:
    from moodtheme.cli.figure_tables import ratings_as_json

    row = system.as_json()
    if system.name in rated:
        row["ratings"] = [ratings_as_json(one) for one in rated[system.name]]
    return row


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    import json

    from moodtheme.files import replacing

    with replacing(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
