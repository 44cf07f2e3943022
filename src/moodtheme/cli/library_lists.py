"""The commands for a library as a whole: numbers, copies, playlists, words, merging."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.options import LibraryFile
from moodtheme.cli.streams import printable, say
from moodtheme.errors import MoodthemeError, UsageError
from moodtheme.work import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from moodtheme.library.row_files import Row

Record = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Also write it as JSON.")
]


def stats(*, library: LibraryFile = None, json: Record = None) -> None:
    """Say what a library holds, in numbers."""
    from moodtheme.library import Library

    with Library(library) as opened:
        found = opened.stats()
        print(f"library   {printable(opened.path)}, {found.bytes / 1e6:.1f} MB")
        for root in opened.roots:
            print(f"folder    {printable(root)}")
    print(f"tracks    {found.tracks}, {found.hours:.1f} hours of music")
    for model, number in found.models.items():
        print(f"model     {model}: {counted(number, 'tracks')}")
    if found.stale:
        print(f"stale     {found.stale} tracks have results of another model alone; scan them")
    files = [f"{found.files}"]
    for count, what in (
        (found.copies, "of them copies"),
        (found.missing, "more are gone"),
        (found.failed, "more cannot be used"),
    ):
        if count:
            files.append(f"{count} {what}")
    print(f"files     {', '.join(files)}")
    for reason, number in found.reasons.items():
        print(f"          {number}: {printable(reason)}")
    for name, (low, middle, high) in found.dimensions.items():
        print(f"{name:<9} {middle:+.2f} in the middle, 80 % from {low:+.2f} to {high:+.2f}")
    out = [f"{tag} {number}" for tag, number in found.outstanding.items() if number]
    if out:
        print(f"tags      {', '.join(out[:12])}" + (", …" if len(out) > 12 else ""))
    _write(json, found)


def duplicates(*, library: LibraryFile = None, json: Record = None) -> None:
    """List music that is there more than once: copies, and different rips of one piece.

    Rips sound alike to the model and are equally long; listen before you delete anything.
    """
    from moodtheme.library import Library

    with Library(library) as opened:
        groups = opened.duplicates()
    for group in groups:
        print("one piece" if len(group) > 1 else "one track")
        for track in group:
            for place in track.places:
                print(f"  {printable(place)}")
    say(f"{len(groups)} pieces of music are there more than once")
    _write(json, [[[str(p) for p in track.places] for track in group] for group in groups])


def _write(json: Path | None, content: object) -> None:
    if json is not None:
        from moodtheme.cli.outputs import require_output
        from moodtheme.records import write_record

        require_output(json)
        write_record(json, content)


def playlists(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Which; all by default.")
    ] = None,
    *,
    library: LibraryFile = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Search again, and write their files.")
    ] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="Keep those named no longer; their files stay.")
    ] = False,
) -> None:
    """List the searches that are kept as playlists, write them anew, or drop them."""
    from moodtheme.library import Library

    if drop and not names:
        raise UsageError("nothing to drop; name playlists")
    failed = 0
    with Library(library, write=drop) as opened:
        kept = opened.playlists
        for playlist in map(kept.__getitem__, names) if names else list(kept):
            if drop:
                kept.drop(playlist.name)
                continue
            place = "" if playlist.file is None else f" -> {printable(playlist.file)}"
            print(f"{printable(playlist.name)}: {printable(playlist.query)}{place}")
            if refresh:
                try:
                    print(f"  {counted(kept.refresh(playlist), 'tracks')}")
                except MoodthemeError as error:
                    say(printable(str(error)))
                    failed += 1
    if failed:
        raise typer.Exit(1)


def words() -> None:
    """List the words that stand for tags and dimensions, with what each is taken for."""
    from moodtheme.library.words import words

    table = words()
    for word in sorted(table):
        print(f"{word}: {', '.join(table[word])}")


def merge(
    output: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="A library, made or added to; or a new .jsonl or .parquet file."
        ),
    ],
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="IN...",
            help="Libraries, and what `moodtheme tag --format jsonl` wrote, also as Parquet.",
        ),
    ],
) -> None:
    """Put together what was made in parts, without duplicates.

    A track is one by its audio; of several results the first stays, and a failure gives way to a
    result.
    """
    from moodtheme.cli.outputs import claimed, require_output
    from moodtheme.library import Library
    from moodtheme.library.row_files import SUFFIXES, merged_rows, write_rows

    for file in inputs:
        if not file.is_file():
            raise UsageError(f"{file}: no such file; name what is to be merged")
    if output.suffix.lower() in SUFFIXES:
        others = [file for file in inputs if file.suffix.lower() not in SUFFIXES]
        if others:
            raise UsageError(f"{others[0]} is no file of results; merge libraries into a library")
        require_output(output, inputs=inputs)
        with claimed(output):
            count = 0

            def rows() -> "Iterator[Row]":
                nonlocal count
                for row in merged_rows(inputs):
                    count += 1
                    yield row

            write_rows(output, rows())
        say(f"{printable(output)}: {count} rows of {len(inputs)} files")
        return
    with Library(output, write=True) as opened:
        found = opened.merge(inputs)
        parts = [f"{len(opened)} tracks", f"{found.taken} of them new", f"{found.known} known"]
        if found.others:
            parts.append(f"{found.others} kept the result of another model")
    say(f"{printable(output)}: {', '.join(parts)}; {found.files} new files")
