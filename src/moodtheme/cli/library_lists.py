"""The commands that say what is in a library: numbers, copies, playlists."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.library_options import LibraryFile
from moodtheme.cli.streams import printable, say
from moodtheme.errors import MoodthemeError, UsageError
from moodtheme.work import counted

if TYPE_CHECKING:
    from moodtheme.library.overview import Stats

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
    _show_stats(found)
    _write(json, found)


def _show_stats(found: "Stats") -> None:
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
