"""Putting libraries, and results of tagging, into a library: each track once.

A track is one by its audio. Of several results the first stays; a file that could not be used gives
way to what was heard of it elsewhere.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from moodtheme.errors import BundleError, LibraryError
from moodtheme.files import FileState
from moodtheme.library.database import Database, now
from moodtheme.library.places import UNKNOWN, absolute, settled
from moodtheme.library.results import COLUMNS, Result, number_of, of_columns, put_result
from moodtheme.library.row_files import SUFFIXES, read_rows
from moodtheme.library.tracks import models_of
from moodtheme.tagging.bundle import Bundle
from moodtheme.tagging.own_music import ModelRow, ResultRow, numbers_of

_AT_ONCE = 500


@dataclass
class Merged:
    """What a merge did.

    Attributes
    ----------
    taken
        Tracks whose results were put in.
    known
        Tracks that had a result of the same model already.
    others
        Tracks that had one of another model, which stayed.
    files
        Files that are new to the library.
    """

    taken: int = 0
    known: int = 0
    others: int = 0
    files: int = 0


def merge_into(database: Database, files: Iterable[Path]) -> Merged:
    """Put libraries and files of results into one opened for writing, as `Library.merge`."""
    merger = _Merger(database)
    for file in files:
        if file.suffix.lower() in SUFFIXES:
            merger.add_rows(file)
        else:
            with closing(Database(file, write=False)) as other:
                merger.add_library(other)
    return merger.merged


class _Merger:
    """Puts others' content into a library; a `LibraryError` where that is damaged."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._model_of = dict(database.rows("SELECT track, model FROM results"))
        self._track = dict(database.rows("SELECT audio, id FROM tracks"))
        self._usable = dict(database.rows("SELECT path, error IS NULL FROM places"))
        self.merged = Merged()

    def add_library(self, other: Database) -> None:
        """Take over what another library holds."""
        for model, _ in models_of(other):
            number = number_of(self._database, model.bundle, renew=False)
            for _, audio, added, *values in _paged(
                other,
                f"SELECT tracks.id, audio, added, {', '.join(COLUMNS)} FROM results "
                "JOIN tracks ON tracks.id = track WHERE tracks.id > ? "
                f"AND model = {model.id:d} ORDER BY tracks.id",
            ):
                self._add_result(audio, added, number, of_columns(values, model, other.path))
        for _, path, audio, size, mtime_ns, device, *told in _paged(
            other,
            "SELECT places.id, path, audio, size, mtime_ns, device, error, error_version, missing "
            "FROM places LEFT JOIN tracks ON tracks.id = track WHERE places.id > ? "
            "ORDER BY places.id",
        ):
            self._add_place(path, audio, FileState(size, mtime_ns, device), *told)
        for path, scanned in other.rows("SELECT path, scanned FROM roots"):
            self._database.change("INSERT OR IGNORE INTO roots VALUES (?, ?)", (path, scanned))
        for row in other.rows("SELECT name, query, among, most, file, relative FROM playlists"):
            self._database.change(
                "INSERT OR IGNORE INTO playlists VALUES (?, ?, ?, ?, ?, ?)", tuple(row)
            )
        self._database.commit()

    def add_rows(self, file: Path) -> None:
        """Take over results of tagging; they have no embeddings, so nothing will be like them.

        All tags must be there, and the model that the rows name, which describes them.
        """
        bundles: dict[str, tuple[int, Bundle]] = {}
        for line, row in enumerate(read_rows(file), start=1):
            try:
                entry = msgspec.convert(row, ResultRow)
                if entry.error is not None or entry.audio is None or entry.model is None:
                    self._add_failure(entry)
                    continue
                digest = entry.model.digest
                if digest not in bundles:
                    bundle = _find(entry.model)
                    number = number_of(self._database, bundle, renew=False)
                    bundles[digest] = number, bundle
                model, bundle = bundles[digest]
                self._add_result(entry.audio, now(), model, _result(entry, bundle))
                self._add_place(os.fsencode(absolute(entry.path)), entry.audio, UNKNOWN)
            except (msgspec.ValidationError, BundleError, ValueError) as error:
                raise LibraryError(
                    f"{file}, line {line}: cannot be put into a library ({error}); name what "
                    "`moodtheme tag --format jsonl` wrote with all tags"
                ) from error
            if not line % _AT_ONCE:
                self._database.commit()
        self._database.commit()

    def _add_result(self, audio: str, added: int, model: int, result: Result) -> None:
        if audio not in self._track:
            self._track[audio] = self._database.change(
                "INSERT INTO tracks (audio, added) VALUES (?, ?)", (audio, added)
            )
        track = self._track[audio]
        before = self._model_of.setdefault(track, -1)
        if before != -1:
            self.merged.known += before == model
            self.merged.others += before != model
            return
        put_result(self._database, track, model, result)
        self._model_of[track] = model
        self.merged.taken += 1

    def _add_place(
        self,
        path: bytes,
        audio: str | None,
        state: FileState,
        error: str | None = None,
        error_version: str | None = None,
        missing: int | None = None,
    ) -> None:
        track = None if audio is None else self._track.get(audio)
        usable = error is None
        if path in self._usable and (self._usable[path] or not usable):
            return
        self.merged.files += path not in self._usable
        self._usable[path] = usable
        self._database.change(
            "INSERT OR REPLACE INTO places (path, track, size, mtime_ns, device, error, "
            "error_version, missing) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(path, track, state.size, state.mtime_ns, state.device),
                *(error, error_version, missing),
            ),
        )

    def _add_failure(self, entry: ResultRow) -> None:
        path = absolute(entry.path)
        try:
            state = settled(FileState.of(path))
        except OSError:
            state = UNKNOWN
        error = entry.error or "nothing is known of it"
        self._add_place(os.fsencode(path), None, state, error, entry.version)


def _result(entry: ResultRow, bundle: Bundle) -> Result:
    scores, dimensions = np.split(numbers_of(entry, bundle), [len(bundle.tags)])
    return Result(
        scores=scores,
        dimensions=dimensions if bundle.dimensions else None,
        duration_s=entry.duration_s,
        windows=entry.windows,
        notes=entry.notes,
        warnings=entry.warnings,
        version=entry.version,
    )


def _find(model: ModelRow) -> Bundle:
    """The description of a model that is here."""
    from moodtheme.tagging.bundle_files import read_manifest
    from moodtheme.tagging.models import find_model

    bundle = read_manifest(find_model(model.name))
    if bundle.digest != model.digest:
        raise BundleError(
            f"it was made by {model.name} {model.digest[:8]}, and the one here is "
            f"{bundle.digest[:8]}; get that model"
        )
    return bundle


def _paged(other: Database, sql: str) -> Iterator[Any]:
    """Rows of a query by a rising number, which is their first column, some at a time."""
    behind = -1
    while rows := other.rows(f"{sql} LIMIT {_AT_ONCE}", (behind,)):
        yield from rows
        behind = rows[-1][0]
