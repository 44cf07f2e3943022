"""``moodtheme predict``: a trained system's scores for a table of tracks."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from moodtheme.cli.options import (
    AllowSeen,
    Device,
    Division,
    ImageWeights,
    Jobs,
    Offline,
    Part,
    SkipUnreadable,
    Threads,
    part_of,
    with_own_features,
)
from moodtheme.cli.streams import report, say
from moodtheme.errors import UsageError, needing_extra


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.npz",
            help="Scores with the names of tracks and tags; .csv and .parquet have them too, .npy "
            "has the numbers alone.",
        ),
    ],
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE",
            help="Tracks to score; by default the dataset that the run was trained on.",
        ),
    ] = None,
    part: Part = "test",
    split: Division = 0,
    evaluation: Annotated[
        str | None,
        typer.Option(
            metavar="centre|second-half|cover",
            help="Excerpts to score: by default the recipe's; cover averages the whole track.",
        ),
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Stored features, to which missing ones are added; by default those in the run's "
            "folder. For own-…: the folder of your own features.",
        ),
    ] = None,
    weights: ImageWeights = None,
    device: Device = "auto",
    jobs: Jobs = 2,
    offline: Offline = False,
    threads: Threads = None,
    skip_unreadable: SkipUnreadable = False,
    allow_seen: AllowSeen = False,
) -> None:
    """Score every track of a split: float32 (tracks, tags), rows and columns as in the table.

    The file goes to `moodtheme evaluate`, `fuse` and `decide`, which match it by its names;
    `moodtheme dataset truth` writes the labels. Recordings that the run was trained or chosen on,
    known by their audio whatever they are called, are refused as a test.
    """
    with needing_extra("predicting with a trained system"):
        import torch

        from moodtheme.models.networks import choose_device
        from moodtheme.training.prediction import predict_table
        from moodtheme.training.seen import require_unseen
        from moodtheme.training.trained import dataset_of, features_of, load_trained
    from moodtheme.cli.outputs import require_output
    from moodtheme.cli.progress import progress_bar
    from moodtheme.recipes import with_values
    from moodtheme.scores.forms import MATRIX_SUFFIXES, write_matrix

    require_output(output, inputs=[dataset, weights], suffixes=MATRIX_SUFFIXES)
    if threads is not None:
        torch.set_num_threads(threads)
    system = load_trained(run)
    chosen = {} if evaluation is None else {"evaluation": evaluation}
    recipe = with_own_features(with_values(system.run.recipe, chosen), features)
    system = replace(system, run=replace(system.run, recipe=recipe))
    table = part_of(dataset or dataset_of(run, system.run), part, split)
    require_output(output, inputs=table.files)
    known = output.suffix != ".npy" or _same_tags(system.run.tags, table.tags)
    if not known:
        raise UsageError(
            f"{output}: the run's tags are not the table's, so columns without names would be "
            "taken for others; let the name end in .npz"
        )
    seen = require_unseen(run, table, allow_seen=allow_seen, jobs=jobs, report=report)
    with progress_bar("scoring") as bar:
        predicted = predict_table(
            system,
            table,
            seen,
            device=choose_device(device),
            jobs=jobs,
            features=features or features_of(run),
            weights=weights,
            offline=offline,
            report=report,
            progress=bar,
        )
    for failure in predicted.failures:
        say(str(failure))
    if predicted.failures and (not skip_unreadable or not len(predicted.scores)):
        say(
            f"{len(predicted.failures)} of {len(table)} tracks cannot be scored, so "
            f"{output} is not written; mend them, take them out of the table, or leave them out "
            "with --skip-unreadable"
        )
        raise typer.Exit(1)
    if predicted.failures:
        say(f"{len(predicted.failures)} of {len(table)} tracks are left out")
    write_matrix(output, predicted.scores, predicted.names, ratings=predicted.ratings)
    tracks, tags = predicted.scores.shape
    print(f"{output}: {tracks} tracks, {tags} tags, {system.run.recipe.view.heard}")
    if predicted.failures or not _same_tags(system.run.tags, table.tags):
        report(
            f"`moodtheme dataset truth --like {output}` writes labels for exactly these tracks and "
            "tags"
        )


def _same_tags(first: Sequence[str], second: Sequence[str]) -> bool:
    from moodtheme.scores.vocabulary import tag_key

    return {*map(tag_key, first)} == {*map(tag_key, second)}
