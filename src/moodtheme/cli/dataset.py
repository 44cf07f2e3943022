"""``moodtheme dataset``: fetch MTG-Jamendo, check it, look into and divide any collection."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.dataset_download import download, verify
from moodtheme.cli.options import Division, MetadataFolder, Part, Source, Tags, part_of
from moodtheme.cli.streams import report
from moodtheme.errors import UsageError
from moodtheme.work import some_of

if TYPE_CHECKING:
    from moodtheme.datasets import TrackTable

app = typer.Typer(
    name="dataset",
    help="Fetch MTG-Jamendo, check it, look into and divide any collection.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


for _command in (download, verify):
    app.command()(_command)


@app.command()
def info(
    source: Source,
    split: Division = 0,
    metadata: MetadataFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count tracks, hours and tags, and show what leaks between the splits."""
    from moodtheme.datasets import JAMENDO, Metadata, as_text, leaks, load_dataset, summarise

    table = load_dataset(source, metadata=Metadata(folder=metadata), split=split, check_files=False)
    summary = summarise(table)
    # The lists alone have no place where files could be.
    present = None if source == JAMENDO else len(table.present())
    if as_json:
        print(json.dumps({"source": source, **asdict(summary), "files_present": present}, indent=2))
    else:
        print(f"{source}: {as_text(summary, files_present=present)}")
    for warning in leaks(table, jobs=2, report=report) if present else []:
        report(warning)


@app.command()
def split(
    source: Source,
    output: Annotated[Path, typer.Option("--output", "-o", help="Table to write, .tsv or .csv.")],
    shares: Annotated[
        tuple[float, float, float],
        typer.Option("--shares", help="Shares of train, validation and test."),
    ] = (0.6, 0.2, 0.2),
    seed: Annotated[int, typer.Option("--seed", help="Decides between equal artists.")] = 0,
    metadata: MetadataFolder = None,
) -> None:
    """Divide a collection so that no artist is in two splits, and write it as a table."""
    from moodtheme.cli.outputs import require_output
    from moodtheme.datasets import (
        Metadata,
        Split,
        load_dataset,
        split_by_artist,
        summarise,
        write_table,
    )

    require_output(output, inputs=[source])
    table = load_dataset(source, metadata=Metadata(folder=metadata))
    require_output(output, inputs=table.files)
    divided = split_by_artist(table, fractions=dict(zip(Split, shares, strict=True)), seed=seed)
    write_table(divided, output)
    summary = summarise(divided)
    counts = ", ".join(f"{part.split} {part.tracks}" for part in summary.parts)
    print(f"{output}: {counts}")
    if summary.tracks_without_artist:
        report(
            f"the artist of {summary.tracks_without_artist} tracks is not known, so that one may "
            "be in two splits; add a column 'artist' to rule it out"
        )
    for name, tags in summary.tags_without_positives.items():
        report(f"no track of {name} has the tag {', '.join(tags)}; another --seed may do better")


@app.command()
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
    from moodtheme.scores.forms import MATRIX_SUFFIXES
    from moodtheme.scores.vocabulary import load_tags

    require_output(output, inputs=[source, tags, like], suffixes=MATRIX_SUFFIXES)
    if like is not None and tags is not None:
        raise UsageError("--like brings its own tags; give --tags or --like, not both")
    table = part_of(source, part, split, metadata)
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
