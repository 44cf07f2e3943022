"""``moodtheme dataset truth``: a collection's labels as a matrix with names."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.options import Division, MetadataFolder, Part, Source, Tags
from moodtheme.errors import UsageError
from moodtheme.work import some_of

if TYPE_CHECKING:
    from moodtheme.datasets import TrackTable


def truth(
    source: Source,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.npz",
            help="File to write: .npz with names, .csv, .parquet, or .npy (numbers alone).",
        ),
    ],
    part: Part = "test",
    tags: Tags = None,
    like: Annotated[
        Path | None,
        typer.Option(
            "--like",
            metavar="SCORES.npz",
            help="Write the tracks and tags of this score file, in its order.",
        ),
    ] = None,
    split: Division = 0,
    metadata: MetadataFolder = None,
) -> None:
    """Write the label matrix of a split, as `moodtheme evaluate --truth` takes it.

    Rows are the tracks in the collection's order, columns its tags in theirs, or in the order of
    --tags. A tag that no track has is a column of zeros.
    """
    from moodtheme.cli.outputs import require_output
    from moodtheme.datasets import Metadata, Split, load_dataset
    from moodtheme.scores.forms import MATRIX_SUFFIXES
    from moodtheme.scores.vocabulary import load_tags

    if part not in {*Split, "all"}:
        raise UsageError(f"--part {part}: is no split; choose train, validation, test or all")
    require_output(output, inputs=[source, tags, like], suffixes=MATRIX_SUFFIXES)
    if like is not None and tags is not None:
        raise UsageError("--like brings its own tags; give --tags or --like, not both")
    table = load_dataset(source, metadata=Metadata(folder=metadata), split=split, check_files=False)
    if part != "all":
        table = table.part(Split(part))
    if tags is not None:
        table = table.with_tags(load_tags(tags), whose=str(tags))
    elif like is not None:
        table = _like(table, like)
    table.write_truth(output)
    print(f"{output}: {len(table)} tracks, {len(table.tags)} tags")


def _like(table: "TrackTable", scores: Path) -> "TrackTable":
    """The tracks and tags of a score file."""
    from moodtheme.scores.matrices import load_systems

    names = load_systems([scores])[0].names
    if not names.ids or not names.tags:
        raise UsageError(f"{scores}: has no names of tracks and tags; give --like a .npz with them")
    place = {track: row for row, track in enumerate(table.tracks)}
    if unknown := [track for track in names.ids if track not in place]:
        raise UsageError(
            f"{scores}: {len(unknown)} of its {len(names.ids)} tracks are not in the table: "
            f"{some_of(unknown)}; name the table and the --part that were scored"
        )
    return table.select([place[track] for track in names.ids]).with_tags(
        names.tags, whose=str(scores)
    )
