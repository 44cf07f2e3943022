"""The commands that find tracks of a library: by words, by sound, on the way between two."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from moodtheme.cli.options import LibraryFile
from moodtheme.cli.streams import printable, say
from moodtheme.errors import UsageError
from moodtheme.work import clock, counted, limit_numpy_threads

if TYPE_CHECKING:
    from moodtheme.arrays import FloatArray
    from moodtheme.library import Library, Match, Neighbour, SearchResult
    from moodtheme.library.playlists import Entry
    from moodtheme.library.tracks import Track

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


def search(
    query: Annotated[
        str,
        typer.Argument(
            metavar="QUERY",
            help='Words and conditions in quotes, such as "sad -heavy valence<-0.2 longer>3:00".',
        ),
    ],
    *,
    library: LibraryFile = None,
    relative_to: Annotated[
        Literal["reference", "library"] | None,
        typer.Option(
            help="Which music tracks are ranked among: the model's reference, or your library; "
            "by default the first where there is one."
        ),
    ] = None,
    top: Top = 25,
    m3u: M3u = None,
    csv: Csv = None,
    json: Json = None,
    absolute: Absolute = False,
    save: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Keep the search as a playlist, written anew after each scan."
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Find tracks by words.

    A word is a tag or stands for some; a minus asks for little of it. Conditions are on a
    dimension's value, a tag's standing (0 to 1), the length (longer>3:00) and the path
    (path:live).
    """
    limit_numpy_threads()
    from moodtheme.library import Library, Playlist

    with Library(library, write=save is not None) as opened:
        found = opened.search(query, among=relative_to, most=top)
        entries = [(match.track, match.score) for match in found.matches]
        files = {"m3u": m3u, "csv": csv, "json": json}
        _write_lists(entries, files, absolute=absolute)
        if save is not None:
            named = [file for file in files.values() if file is not None]
            if len(named) > 1:
                raise UsageError("a playlist is kept in one file; name one of --m3u, --csv, --json")
            file = named[0] if named else None
            opened.playlists.keep(Playlist(save, query, relative_to, top, file, not absolute))
            then = "it is written anew after each scan"
            if file is None:
                then = "moodtheme library playlists lists it"
            say(f"kept as {printable(save)}; {then}")
        for line in found.query.explained():
            say(line)
        if not quiet:
            fits = ["" if one.score is None else f"{one.score:.2f}" for one in found.matches]
            whys = [_why(found, match) for match in found.matches]
            _show_tracks("FIT", [match.track for match in found.matches], fits, whys)
        say(_count(opened, found))


def _count(library: "Library", found: "SearchResult") -> str:
    from moodtheme.library import Among

    told = f"{len(found.matches)} of {found.found} tracks"
    if found.query.terms:
        music = "your library" if found.among is Among.LIBRARY else "the model's reference"
        told += f", ranked among {found.tracks} tracks of {music}"
    if stale := sum(count for _, count in library.models[1:]):
        told += f"; {stale} tracks have results of another model alone: scan them"
    return told


def similar(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Of the library, or any other audio file.")
    ],
    *,
    library: LibraryFile = None,
    top: Top = 25,
    m3u: M3u = None,
    csv: Csv = None,
    json: Json = None,
    absolute: Absolute = False,
    quiet: Quiet = False,
) -> None:
    """Find the tracks that sound most like a file.

    A file that the library does not hold is listened to.
    """
    limit_numpy_threads()
    from moodtheme.library import Library

    with Library(library) as opened:
        found = opened.similar(_sound_of(opened, file), most=top)
    files = {"m3u": m3u, "csv": csv, "json": json}
    _show_neighbours(found, files, absolute=absolute, quiet=quiet)


def path(
    first: Annotated[Path, typer.Argument(metavar="FROM", help="Where it begins.")],
    last: Annotated[Path, typer.Argument(metavar="TO", help="Where it ends.")],
    *,
    library: LibraryFile = None,
    length: Annotated[
        int, typer.Option(min=2, metavar="N", help="Tracks, both ends included.")
    ] = 12,
    m3u: M3u = None,
    csv: Csv = None,
    json: Json = None,
    absolute: Absolute = False,
    quiet: Quiet = False,
) -> None:
    """Find tracks that lead from one file of the library to another in small steps."""
    limit_numpy_threads()
    from moodtheme.library import Library

    with Library(library) as opened:
        found = opened.path_between(first, last, length=length)
    files = {"m3u": m3u, "csv": csv, "json": json}
    _show_neighbours(found, files, absolute=absolute, quiet=quiet)


def _sound_of(library: "Library", file: Path) -> "Path | FloatArray":
    from moodtheme.errors import QueryError

    try:
        library.track(file)
    except QueryError:
        if not file.is_file():
            raise
    else:
        return file
    from moodtheme.tagging.answers import track_embedding
    from moodtheme.tagging.tagger import Tagger

    model = library.model
    tagger = Tagger.load(model.bundle.name)
    if tagger.bundle.digest != model.bundle.digest:
        raise QueryError(
            f"{file} is not in the library, whose model {model.name} is not here to listen to it; "
            "scan it"
        )
    say(f"{printable(file)} is not in the library, so it is listened to")
    embedding = track_embedding(tagger.listen(file))
    assert embedding is not None
    return embedding


def _show_neighbours(
    found: "Sequence[Neighbour]", files: Mapping[str, Path | None], *, absolute: bool, quiet: bool
) -> None:
    _write_lists([(one.track, one.likeness) for one in found], files, absolute=absolute)
    if not quiet:
        alike = [f"{one.likeness:.3f}" for one in found]
        _show_tracks("ALIKE", [one.track for one in found], alike, [""] * len(found))


def _write_lists(
    entries: "Sequence[Entry]", files: Mapping[str, Path | None], *, absolute: bool
) -> None:
    """Write tracks to the files that were asked for, by their kinds, and say so."""
    from moodtheme.cli.outputs import require_output
    from moodtheme.library.playlists import ListKind, write_list

    for kind, file in files.items():
        if file is not None:
            require_output(file)
            write_list(file, entries, kind=ListKind(kind), relative=not absolute)
            say(f"{printable(file)}: {counted(len(entries), 'tracks')}")


def _why(found: "SearchResult", match: "Match") -> str:
    """Such as ``more sad than 97 of 100, less heavy than 88``."""
    parts: list[str] = []
    for term, standing in zip(found.query.terms, match.standings, strict=True):
        number = f"{min(int(100 * standing), 99)}"
        parts.append(
            f"{'less' if term.less else 'more'} {term.word} than {number}" + " of 100" * (not parts)
        )
    return ", ".join(parts)


def _show_tracks(
    head: str, tracks: "Sequence[Track]", told: Sequence[str], whys: Sequence[str]
) -> None:
    """Print tracks for people: what is told of each, the length, the file, and below it why."""
    from moodtheme.cli.page import Page, flow, padded, short_names, widest

    if not tracks:
        return
    page = Page.of(sys.stdout)
    width = max(len(head), widest(told))
    room = None if page.cells is None else page.cells - width - 11
    folder, names = short_names([track.path for track in tracks], room, page)
    if folder:
        print(f"FILES IN {folder}")
    print(page.strong(f"{padded(head, width)}   LENGTH  FILE"))
    for track, figure, why in zip(tracks, told, whys, strict=True):
        length = padded(clock(track.result.duration_s), 7, right=True)
        print(f"{padded(figure, width)}  {length}  {names[track.path]}")
        more = why.split(", ") if why else []
        if copies := len(track.places) - 1:
            more.append("and a copy" if copies == 1 else f"and {copies} copies")
        for line in flow(more, room):
            print(f"{'':<{width + 11}}{line}")
