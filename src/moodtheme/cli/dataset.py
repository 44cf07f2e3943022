"""``moodtheme dataset``: fetch MTG-Jamendo, check it, look into and divide any collection."""

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.options import Division, MetadataFolder, Source
from moodtheme.cli.streams import report
from moodtheme.cli.truth import truth
from moodtheme.errors import UsageError

if TYPE_CHECKING:
    from moodtheme.datasets.download import Archive

app = typer.Typer(
    name="dataset",
    help="Fetch MTG-Jamendo, check it, look into and divide any collection.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Published(StrEnum):
    """Datasets that can be fetched."""

    JAMENDO = "jamendo"


class PublishedType(StrEnum):
    """`moodtheme.datasets.jamendo.DataType`, here again so that --help imports nothing heavy."""

    AUDIO = "audio"
    AUDIO_LOW = "audio-low"
    MELSPECS = "melspecs"


NameArgument = Annotated[Published, typer.Argument(help="The dataset.")]
TypeOption = Annotated[
    PublishedType,
    typer.Option(
        "--type",
        help="audio: MP3 as uploaded, 152 GB; audio-low: low-quality MP3, 46 GB; melspecs: mel "
        "spectrograms, 68 GB.",
    ),
]
LimitOption = Annotated[
    int | None, typer.Option("--limit", min=1, help="Only the first so many of the 100 archives.")
]


@app.command()
def download(
    *,
    name: NameArgument,
    folder: Annotated[Path, typer.Argument(help="Where it goes.")],
    data_type: TypeOption = PublishedType.AUDIO,
    limit: LimitOption = None,
    metadata: MetadataFolder = None,
    mirror: Annotated[
        list[str] | None,
        typer.Option(
            "--mirror",
            help="Address to fetch from instead of the publisher's, up to and without "
            "/autotagging_moodtheme; may be repeated.",
        ),
    ] = None,
    keep_archives: Annotated[
        bool, typer.Option("--keep-archives", help="Keep each archive after unpacking it.")
    ] = False,
) -> None:
    """Fetch a dataset; run it again to go on after an interruption.

    Archives and tracks are verified by SHA-256. Before it starts, the room on the disk is
    checked. Each track's licence is its own; the lists are CC BY-NC-SA 4.0.
    """
    from rich.filesize import decimal

    from moodtheme.cli.transfers import TransferDisplay
    from moodtheme.datasets import download as downloads
    from moodtheme.datasets.jamendo import DataType
    from moodtheme.errors import DatasetError

    kind = DataType(data_type)
    mirrors = mirror or downloads.MIRRORS
    archives = _archives(metadata, data_type, limit)
    waiting = [archive for archive in archives if archive.absent(folder)]
    if waiting:
        report(f"{len(waiting)} of {len(archives)} archives to fetch; asking for their sizes")
        space = downloads.space_for(
            waiting, folder, kind, mirrors=mirrors, keep_archives=keep_archives
        )
        if space.needed > space.free:
            raise DatasetError(
                f"{folder}: needs {decimal(space.needed)} and has {decimal(space.free)} free; "
                "make room, choose another folder, or fetch less with --limit or --type audio-low"
            )
        if space.unstated:
            report(
                f"the size of {space.unstated} archives is not known; by the published total "
                f"about {decimal(space.guess)} are needed, {decimal(space.free)} are free"
            )
        else:
            report(f"needs {decimal(space.needed)}, {decimal(space.free)} are free")
    with TransferDisplay(len(waiting)) as display:
        failures = downloads.download(
            waiting,
            folder,
            kind,
            listener=display,
            mirrors=mirrors,
            keep_archives=keep_archives,
        )
    tracks = sum(len(archive.tracks) - len(archive.absent(folder)) for archive in archives)
    done = len(archives) - len(failures)
    print(f"{name} {data_type}: {done} of {len(archives)} archives, {tracks} tracks in {folder}")
    for archive, reason in failures:
        report(f"failed: {archive.name}: {reason}")
    if failures:
        raise typer.Exit(1)


@app.command()
def verify(
    *,
    name: NameArgument,
    folder: Annotated[Path, typer.Argument(help="Where it is.")],
    data_type: TypeOption = PublishedType.AUDIO,
    limit: LimitOption = None,
    metadata: MetadataFolder = None,
    remove_corrupt: Annotated[
        bool,
        typer.Option("--remove-corrupt", help="Delete corrupt tracks, so that they are fetched."),
    ] = False,
) -> None:
    """Read every track again and compare its SHA-256; list what is missing or corrupt."""
    from moodtheme.cli.progress import progress_bar
    from moodtheme.datasets.download import TrackState
    from moodtheme.datasets.download import verify as check

    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give the one the dataset was downloaded to")
    archives = _archives(metadata, data_type, limit)
    found = dict.fromkeys(TrackState, 0)
    total = sum(len(archive.tracks) for archive in archives)
    with progress_bar("verifying", unit="tracks") as progress:
        for done, (track, state) in enumerate(check(archives, folder), start=1):
            found[state] += 1
            progress(done, total)
            if state is TrackState.WHOLE:
                continue
            print(f"{state}\t{track}")
            if state is TrackState.CORRUPT and remove_corrupt:
                (folder / track).unlink()
    print(f"{name} {data_type}: " + ", ".join(f"{count} {state}" for state, count in found.items()))
    if found[TrackState.MISSING] or found[TrackState.CORRUPT]:
        removal = (
            ""
            if remove_corrupt or not found[TrackState.CORRUPT]
            else "delete the corrupt ones with --remove-corrupt, then "
        )
        report(f"{removal}run `moodtheme dataset download {name} {folder} --type {data_type}`")
        raise typer.Exit(1)


@app.command()
def info(
    source: Source,
    split: Division = 0,
    metadata: MetadataFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count tracks, hours and tags, and show what leaks between the splits."""
    from moodtheme.datasets import (
        JAMENDO,
        Metadata,
        as_text,
        leaks,
        load_dataset,
        summarise,
    )

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


app.command()(truth)


def _archives(
    metadata: Path | None, data_type: PublishedType, limit: int | None
) -> "tuple[Archive, ...]":
    from moodtheme.datasets.download import published_archives
    from moodtheme.datasets.jamendo import DataType, Metadata

    return published_archives(Metadata(folder=metadata), DataType(data_type))[:limit]
