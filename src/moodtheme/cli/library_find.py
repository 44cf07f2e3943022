"""The commands that find tracks of a library: by words, by sound, on the way between two."""

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.library_options import (
    Absolute,
    Csv,
    Json,
    LibraryFile,
    M3u,
    Quiet,
    Top,
    kept_file,
    write_lists,
)
from moodtheme.cli.streams import printable, say
from moodtheme.work import limit_numpy_threads

if TYPE_CHECKING:
    from moodtheme.arrays import FloatArray
    from moodtheme.library import Library, Match, Neighbour, SearchResult


class AmongName(StrEnum):
    """`moodtheme.library.Among`, here again so that --help imports nothing heavy."""

    REFERENCE = "reference"
    LIBRARY = "library"


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
        AmongName | None,
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
        write_lists(entries, files, absolute=absolute)
        if save is not None:
            file = kept_file(files)
            opened.playlists.keep(Playlist(save, query, relative_to, top, file, not absolute))
            then = "it is written anew after each scan"
            if file is None:
                then = "moodtheme library playlists lists it"
            say(f"kept as {printable(save)}; {then}")
        for line in found.query.explained():
            say(line)
        if not quiet:
            _show_search(found)
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


def words() -> None:
    """List the words that stand for tags and dimensions, with what each is taken for."""
    from moodtheme.library.words import words

    table = words()
    for word in sorted(table):
        print(f"{word}: {', '.join(table[word])}")


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
    write_lists([(one.track, one.likeness) for one in found], files, absolute=absolute)
    if not quiet:
        show_tracks("ALIKE", [(one.track.path, one.track.result.duration_s, f"{one.likeness:.3f}",
                               len(one.track.places) - 1, "") for one in found])  # fmt: skip


def _show_search(found: "SearchResult") -> None:
    show_tracks(
        "FIT",
        [
            (
                match.track.path,
                match.track.result.duration_s,
                "" if match.score is None else f"{match.score:.2f}",
                len(match.track.places) - 1,
                _why(found, match),
            )
            for match in found.matches
        ],
    )


def _why(found: "SearchResult", match: "Match") -> str:
    """Such as ``more sad than 97 of 100, less heavy than 88``."""
    parts: list[str] = []
    for term, standing in zip(found.query.terms, match.standings, strict=True):
        number = f"{min(int(100 * standing), 99)}"
        parts.append(
            f"{'less' if term.less else 'more'} {term.word} than {number}" + " of 100" * (not parts)
        )
    return ", ".join(parts)


def show_tracks(number: str, tracks: Sequence[tuple[Path, float | None, str, int, str]]) -> None:
    """Print tracks for people: a number, the length, the file, and below it what else there is."""
    from moodtheme.cli.page import Page, flow, padded, short_names, widest
    from moodtheme.work import clock

    if not tracks:
        return
    page = Page.of(sys.stdout)
    width = max(len(number), widest(told for _, _, told, _, _ in tracks))
    room = None if page.cells is None else page.cells - width - 11
    folder, names = short_names([path for path, *_ in tracks], room, page)
    if folder:
        print(f"FILES IN {folder}")
    print(page.strong(f"{padded(number, width)}   LENGTH  FILE"))
    for path, seconds, told, copies, why in tracks:
        print(f"{padded(told, width)}  {padded(clock(seconds), 7, right=True)}  {names[path]}")
        more = [why] if why else []
        if copies:
            more.append("and a copy" if copies == 1 else f"and {copies} copies")
        for line in flow(", ".join(more).split(", ") if more else [], room):
            print(f"{'':<{width + 11}}{line}")
