"""``moodtheme predict``: a trained system's scores for a table of tracks."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.options import (
    Device,
    Division,
    ImageWeights,
    Jobs,
    Offline,
    Part,
)
from moodtheme.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from moodtheme.arrays import FloatArray
    from moodtheme.datasets import TrackTable
    from moodtheme.scores.names import Names


def predict(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="Folder of a finished run.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.npz",
            help="Scores with the names of tracks and tags; .csv and .parquet have them too, .npy "
            "has the numbers alone.",
            show_default=False,
        ),
    ],
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE",
            help="Tracks to score; by default the dataset that the run was trained on.",
            show_default=False,
        ),
    ] = None,
    part: Part = "test",
    split: Division = 0,
    evaluation: Annotated[
        str | None,
        typer.Option(
            metavar="centre|second-half|cover",
            help="Excerpts to score: by default the recipe's; cover averages the whole track.",
            show_default=False,
        ),
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Stored features, to which missing ones are added; by default those in the run's "
            "folder. For own-…: the folder of your own features.",
            show_default=False,
        ),
    ] = None,
    weights: ImageWeights = None,
    device: Device = "auto",
    jobs: Jobs = 2,
    offline: Offline = False,
) -> None:
    """Score every track of a split: float32 (tracks, tags), rows and columns as in the table.

    The file goes to `moodtheme evaluate`, `fuse` and `decide`, which match it by its names;
    `moodtheme dataset truth` writes the labels.
    """
    try:
        from moodtheme.models.networks import choose_device
        from moodtheme.training.trained import features_of, load_trained, score_files
    except ImportError as error:
        raise MissingExtraError("predicting with a trained system") from error
    from moodtheme.cli.outputs import require_output
    from moodtheme.cli.progress import progress_bar
    from moodtheme.cli.recipe_options import with_own_features
    from moodtheme.datasets import Split, load_dataset
    from moodtheme.recipes import with_values
    from moodtheme.scores.forms import MATRIX_SUFFIXES, write_matrix

    if part not in {*Split, "all"}:
        raise UsageError(f"--part {part}: is no split; choose train, validation, test or all")
    require_output(output, inputs=[dataset, weights], suffixes=MATRIX_SUFFIXES)
    system = load_trained(run)
    if evaluation is not None:
        recipe = with_values(system.run.recipe, {"evaluation": evaluation})
        system = replace(system, run=replace(system.run, recipe=recipe))
    recipe = with_own_features(system.run.recipe, features)
    system = replace(system, run=replace(system.run, recipe=recipe))
    table = load_dataset(dataset or system.run.dataset, split=split, check_files=False)
    if part != "all":
        table = table.part(Split(part))
    require_output(output, inputs=table.files)
    with progress_bar("scoring") as bar:
        scores, failures = score_files(
            system,
            table.files,
            device=choose_device(device),
            jobs=jobs,
            features=features or features_of(run),
            weights=weights,
            offline=offline,
            report=lambda line: print(line, file=sys.stderr),
            progress=bar,
        )
    for failure in failures:
        print(f"moodtheme: {failure}", file=sys.stderr)
    if failures:
        print(
            f"moodtheme: {len(failures)} of {len(table)} tracks cannot be scored, so {output} is "
            "not written; mend them or take them out of the table",
            file=sys.stderr,
        )
        raise typer.Exit(1)
    scores, names = _in_tables_order(scores, system.run.tags, table, output)
    write_matrix(output, scores, names)
    print(f"{output}: {len(table)} tracks, {scores.shape[1]} tags, {system.run.recipe.view.heard}")


def _in_tables_order(
    scores: "FloatArray", tags: Sequence[str], table: "TrackTable", output: Path
) -> "tuple[FloatArray, Names]":
    """Scores with their columns as in the table; as in the run where the table has other tags."""
    from moodtheme.scores.names import columns_like
    from moodtheme.scores.vocabulary import tag_key

    names = replace(table.names, tags=tuple(tags))
    if {*map(tag_key, tags)} == {*map(tag_key, table.tags)}:
        return columns_like(scores, names, table.names, source=str(output), like_source="the table")
    if output.suffix == ".npy":
        raise UsageError(
            f"{output}: the run's tags are not the table's, so columns without names would be "
            "taken for others; let the name end in .npz"
        )
    print(
        f"moodtheme: the run's {len(tags)} tags are not the table's {len(table.tags)}; the scores "
        f"have the run's, and `moodtheme dataset truth --like {output}` writes labels for them",
        file=sys.stderr,
    )
    return scores, names
