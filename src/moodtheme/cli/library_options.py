"""Options that the commands of a library share, and how they show tracks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.errors import UsageError
from moodtheme.work import counted

if TYPE_CHECKING:
    from moodtheme.library.playlists import Entry

LibraryFile = Annotated[
    Path | None,
    typer.Option(
        "--library",
        metavar="PATH",
        help="The library file; $MOODTHEME_LIBRARY, or one in your data folder, by default.",
    ),
]
Top = Annotated[int, typer.Option("--top", "-n", min=1, metavar="N", help="How many tracks.")]
M3u = Annotated[
    Path | None, typer.Option("--m3u", metavar="FILE", help="Write a playlist, in UTF-8.")
]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the tracks as CSV.")]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the tracks as JSON.")
]
Absolute = Annotated[
    bool,
    typer.Option(
        "--absolute", help="In a playlist, whole paths instead of those from where it lies."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no table.")]


def write_lists(
    entries: "Sequence[Entry]", files: Mapping[str, Path | None], *, absolute: bool
) -> None:
    """Write tracks to the files that were asked for, by their kinds, and say so.

    Raises
    ------
    UsageError, WriteError
        One cannot be written, or holds audio.
    """
    from moodtheme.cli.outputs import require_output
    from moodtheme.cli.streams import printable, say
    from moodtheme.library.playlists import ListKind, write_list

    for kind, file in files.items():
        if file is not None:
            require_output(file)
            write_list(file, entries, kind=ListKind(kind), relative=not absolute)
            say(f"{printable(file)}: {counted(len(entries), 'tracks')}")


def kept_file(files: Mapping[str, Path | None]) -> Path | None:
    """The one file of a playlist that is kept.

    Raises
    ------
    UsageError
        There are several.
    """
    named = [file for file in files.values() if file is not None]
    if len(named) > 1:
        raise UsageError("a playlist is kept in one file; name one of --m3u, --csv, --json")
    return named[0] if named else None
