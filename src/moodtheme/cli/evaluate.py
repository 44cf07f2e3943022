"""``moodtheme evaluate``: score files against truth."""

from pathlib import Path
from typing import Annotated

import typer

from moodtheme.cli.artists import Artists, GroupBy, artists_of
from moodtheme.cli.options import (
    AllowSeen,
    Device,
    Jobs,
    Json,
    Offline,
    RunFeatures,
    Seed,
    Tags,
    ThresholdsFrom,
)
from moodtheme.cli.progress import progress_bar
from moodtheme.cli.streams import warnings_as_lines
from moodtheme.cli.systems import (
    Scoring,
    Trained,
    add_popularity,
    on_validation,
    rated,
    row_as_json,
    usable,
    write_json,
)
from moodtheme.errors import UsageError


def evaluate(
    scores: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|SCORES",
            help="Folder of a trained run, which is tested on its own test tracks; of several, "
            "trained with --seeds or --folds; or score files: .npz with names, .csv, .parquet, "
            ".npy (tracks, tags), or .npz with a system a member; FILE.npz:MEMBER picks one.",
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
        ),
    ] = None,
    long: Annotated[
        bool, typer.Option("--long", help="Print every figure, micro ones included, one a line.")
    ] = False,
    json: Json = None,
    allow_seen: AllowSeen = False,
    features: RunFeatures = None,
    device: Device = "auto",
    jobs: Jobs = 2,
    offline: Offline = False,
) -> None:
    """Evaluate a trained run, or score files against truth: ROC-AUC, PR-AUC, F1, with intervals.

    F1 "oracle" uses the official thresholds and "best" the best there are, both chosen on the very
    set that is scored. "validation" (with --thresholds-from) is what a user would get.
    """
    from moodtheme.cli.evaluate_runs import evaluate_trained
    from moodtheme.cli.figure_tables import (
        print_compared,
        print_figures,
        print_long,
        print_ratings,
        resampled,
    )
    from moodtheme.cli.outputs import require_output
    from moodtheme.evaluation import ScoredSet, evaluate_systems
    from moodtheme.evaluation.bootstrap import units_of
    from moodtheme.evaluation.intervals import LEVEL
    from moodtheme.scores.matrices import read_truth
    from moodtheme.scores.vocabulary import load_tags, tags_for

    require_output(json, inputs=[truth, *scores, tags, popularity, *(thresholds_from or ())])
    if any(kind.is_at(path) for path in scores for kind in Trained):
        if len(scores) > 1 or truth or tags or thresholds_from or popularity or artists or against:
            raise UsageError(
                f"{scores[0]}: a run brings its own truth, tags, artists and thresholds and is "
                "evaluated alone; `moodtheme compare` compares several"
            )
        scoring = Scoring(device, jobs, features, offline)
        with warnings_as_lines():
            document = evaluate_trained(
                Path(scores[0]), scoring, resamples=bootstrap, group=group, seed=seed, long=long
            )
        if json is not None:
            write_json(json, document)
        return
    if truth is None:
        raise UsageError("score files need --truth FILE: the labels of their tracks")
    bootstrap = bootstrap or 0
    with warnings_as_lines():
        vocabulary = load_tags(tags) if tags else None
        named = read_truth(truth, tags=vocabulary)
        labels = named.values
        names = named.names.tags or tags_for(labels.shape[1])
        systems, all_fit = usable(scores, named, vocabulary, names, allow_seen=allow_seen)
        tables = {system.name: system.values for system in systems}
        validation = None
        if thresholds_from is not None:
            known, matched = on_validation(systems, thresholds_from, vocabulary, named)
            validation = ScoredSet(known.values, {one.name: one.values for one in matched})
        if popularity is not None:
            validation = add_popularity(popularity, named, vocabulary, tables, validation)
        over = artists_of(named, table=artists, group=group, resamples=bootstrap)
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
        ratings = rated(named, systems, over, resamples=bootstrap, seed=seed)
    if json is not None:
        units = units_of(len(labels), over)
        write_json(
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
                "rows": [row_as_json(system, ratings) for system in found],
            },
        )
    if found:
        if long:
            print_long(found)
        else:
            print_figures(found)
            print_compared(found)
        print_ratings(ratings, resampled(found[0]))
    if not all_fit:
        raise typer.Exit(1)
