"""Lists of tracks for players and other programs, and searches that are kept with theirs."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from moodtheme.errors import QueryError, UsageError
from moodtheme.files import csv_line, replacing
from moodtheme.library.database import Database
from moodtheme.library.tracks import Track


class ListKind(StrEnum):
    """Forms of lists."""

    M3U = "m3u"
    CSV = "csv"
    JSON = "json"


_KINDS = {**{f".{kind}": kind for kind in ListKind}, ".m3u8": ListKind.M3U}


Entry = tuple[Track, float | None]
"""A track in a list, with what was asked for as a number: how well it fits, or how alike."""


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

    In an M3U paths are `relative` to the folder of the file, but for those on another drive.

    Raises
    ------
    UsageError, WriteError
        It cannot be written.
    """
    if kind is ListKind.M3U:
        content = _m3u(entries, file.absolute().parent if relative else None)
    else:
        text = _csv(entries) if kind is ListKind.CSV else _json(entries)
        # Bytes of names that are not UTF-8 become escapes, as in the results of `moodtheme tag`.
        content = text.encode("utf-8", "backslashreplace")
    with replacing(file) as temporary:
        temporary.write_bytes(content)


def _m3u(entries: Sequence[Entry], folder: Path | None) -> bytes:
    """Extended M3U in UTF-8; bytes of names that are not UTF-8 stay as they are."""
    lines = [b"#EXTM3U"]
    for track, _ in entries:
        path = os.fspath(track.path)
        if "\n" in path or "\r" in path:
            continue  # no player could read it
        if folder is not None:
            with suppress(ValueError):  # on another drive
                path = os.path.relpath(path, folder)
        seconds = track.result.duration_s
        lines += [
            f"#EXTINF:{-1 if seconds is None else round(seconds)},".encode()
            + os.fsencode(track.path.stem),
            os.fsencode("./" + path if path.startswith("#") else path),
        ]
    return b"\n".join(lines) + b"\n"


def _row(track: Track, number: float | None) -> dict[str, Any]:
    return {
        "path": str(track.path),
        "number": None if number is None else round(number, 4),
        "duration_s": track.result.duration_s,
        "audio": track.audio,
        "copies": [str(path) for path in track.places[1:]],
    }


def _json(entries: Sequence[Entry]) -> str:
    return json.dumps([_row(*entry) for entry in entries], ensure_ascii=False, indent=1) + "\n"


def _csv(entries: Sequence[Entry]) -> str:
    rows = [_row(*entry) for entry in entries]
    values = [{**row, "copies": "; ".join(row["copies"])}.values() for row in rows]
    header = ("path", "number", "duration_s", "audio", "copies")
    return "".join(map(csv_line, (header, *values)))


class Playlists:
    """The searches that a library keeps; `find` searches it."""

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
