"""Lists of tracks for players and other programs, and searches that are kept with theirs."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from moodtheme.errors import QueryError, UsageError
from moodtheme.files import csv_line, replacing
from moodtheme.library.database import Database
from moodtheme.library.tracks import Track


class ListKind(StrEnum):
    """Forms of lists."""

    M3U = "m3u"
    CSV = "csv"
    JSON = "json"


_KINDS = {
    ".m3u": ListKind.M3U,
    ".m3u8": ListKind.M3U,
    ".csv": ListKind.CSV,
    ".json": ListKind.JSON,
}


@dataclass(frozen=True)
class Entry:
    """A track in a list, with what was asked for as a number: how well it fits, or how alike."""

    track: Track
    number: float | None = None


@dataclass(frozen=True)
class Playlist:
    """A search that is kept.

    Attributes
    ----------
    name
        Of the user's choice.
    query, among, most
        As for `Library.search`.
    file
        Where it is written to; None for nowhere.
    relative
        Whether the file names tracks from where it lies.
    """

    name: str
    query: str
    among: str | None = None
    most: int = 25
    file: Path | None = None
    relative: bool = True


def write_list(
    file: Path, entries: Sequence[Entry], *, kind: ListKind, relative: bool = True
) -> None:
    """Write tracks to a file, whole or not at all.

    Parameters
    ----------
    file
        The file, or a device or pipe.
    entries
        The tracks, in order.
    kind
        The form.
    relative
        In an M3U, whether paths go from the folder of the file; where they cannot, on another
        drive, they are absolute.

    Raises
    ------
    UsageError, WriteError
        It cannot be written.
    """
    match kind:
        case ListKind.CSV:
            content = _csv(entries)
        case ListKind.JSON:
            content = _json(entries)
        case ListKind.M3U:
            content = _m3u(entries, file.absolute().parent if relative else None)
    with replacing(file) as temporary:
        temporary.write_bytes(content)


def _m3u(entries: Sequence[Entry], folder: Path | None) -> bytes:
    """Extended M3U in UTF-8; bytes of names that are not UTF-8 stay as they are."""
    lines = [b"#EXTM3U"]
    for entry in entries:
        path = os.fspath(entry.track.path)
        if "\n" in path or "\r" in path:
            continue  # no player could read it
        if folder is not None:
            with suppress(ValueError):  # on another drive
                path = os.path.relpath(path, folder)
        seconds = entry.track.result.duration_s
        lines += [
            f"#EXTINF:{-1 if seconds is None else round(seconds)},".encode()
            + os.fsencode(entry.track.path.stem),
            os.fsencode("./" + path if path.startswith("#") else path),
        ]
    return b"\n".join(lines) + b"\n"


def rows(entries: Sequence[Entry]) -> list[dict[str, object]]:
    """Tracks as rows of plain values."""
    return [
        {
            "path": str(entry.track.path),
            "number": None if entry.number is None else round(entry.number, 4),
            "duration_s": entry.track.result.duration_s,
            "audio": entry.track.audio,
            "copies": [str(path) for path in entry.track.places[1:]],
        }
        for entry in entries
    ]


def _json(entries: Sequence[Entry]) -> bytes:
    # Bytes of names that are not UTF-8 become escapes, as in the results of `moodtheme tag`.
    text = json.dumps(rows(entries), ensure_ascii=False, indent=1)
    return (text + "\n").encode("utf-8", "backslashreplace")


def _csv(entries: Sequence[Entry]) -> bytes:
    header = ("path", "number", "duration_s", "audio", "copies")
    lines = [csv_line(header)]
    for row in rows(entries):
        copies = "; ".join(map(str, row["copies"])) if isinstance(row["copies"], list) else ""
        lines.append(csv_line([*(row[name] for name in header[:-1]), copies]))
    return "".join(lines).encode("utf-8", "backslashreplace")


class Playlists:
    """The searches that a library keeps.

    Parameters
    ----------
    database
        The library.
    find
        Searches it.
    """

    def __init__(self, database: Database, find: Callable[[Playlist], list[Entry]]) -> None:
        self._database, self._find = database, find

    def __iter__(self) -> Iterator[Playlist]:
        """By their names."""
        for name, query, among, most, file, relative in self._database.rows(
            "SELECT name, query, among, most, file, relative FROM playlists ORDER BY name"
        ):
            place = None if file is None else Path(os.fsdecode(file))
            yield Playlist(name, query, among or None, most, place, bool(relative))

    def keep(self, playlist: Playlist) -> None:
        """Keep a search, in place of one of the same name.

        Raises
        ------
        UsageError
            Its file's name is that of no list, or the library was opened for reading.
        """
        file = playlist.file
        if file is not None and file.suffix.lower() not in _KINDS:
            raise UsageError(f"{file}: let the name of this list end in {', '.join(_KINDS)}")
        with self._database.changing():
            self._database.change(
                "INSERT OR REPLACE INTO playlists VALUES (?, ?, ?, ?, ?, ?)",
                (
                    playlist.name,
                    playlist.query,
                    playlist.among or "",
                    playlist.most,
                    None if file is None else os.fsencode(file.absolute()),
                    playlist.relative,
                ),
            )

    def __getitem__(self, name: str) -> Playlist:
        """The one of a name.

        Raises
        ------
        QueryError
            There is none.
        """
        for playlist in self:
            if playlist.name == name:
                return playlist
        raise QueryError(f"no playlist is called {name!r}; moodtheme library playlists lists them")

    def drop(self, name: str) -> None:
        """Keep a search no longer; its file stays. Raises as indexing does."""
        with self._database.changing():
            self._database.change("DELETE FROM playlists WHERE name = ?", (self[name].name,))

    def refresh(self, playlist: Playlist) -> int:
        """Search again and write the playlist's file; return how many tracks it has.

        Raises
        ------
        QueryError
            The model that answers does not know what is searched for.
        UsageError, WriteError
            The file cannot be written.
        """
        entries = self._find(playlist)
        if playlist.file is not None:
            kind = _KINDS[playlist.file.suffix.lower()]
            write_list(playlist.file, entries, kind=kind, relative=playlist.relative)
        return len(entries)
