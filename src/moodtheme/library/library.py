"""The front door: one library file, what is in it, and what can be asked of it."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

from moodtheme.arrays import FloatArray
from moodtheme.errors import QueryError
from moodtheme.library.database import Database, default_place
from moodtheme.library.places import absolute, forget
from moodtheme.library.results import Model
from moodtheme.library.tracks import Track, find_track, models_of, read_tracks
from moodtheme.work import Report, no_report

if TYPE_CHECKING:
    from moodtheme.library.keeping import ScannedFile, ScanOptions, ScanReport
    from moodtheme.library.merging import Merged
    from moodtheme.library.neighbours import Neighbour
    from moodtheme.library.numbers import Numbers
    from moodtheme.library.overview import Stats
    from moodtheme.library.playlists import Playlist, Playlists
    from moodtheme.library.search import Among, SearchResult
    from moodtheme.tagging.bundle import Reference
    from moodtheme.tagging.tagger import Tagger


class Library:
    """Tracks with all that a model said of them, and the files that hold them.

    Use it in a ``with`` statement or close it; for one thread at a time. Any number may read while
    one writes. One model answers: that with the most results.

    Parameters
    ----------
    path
        The library file; None for `default_place`.
    write
        Whether to change it: made if it is not there, and kept to this process.

    Raises
    ------
    UsageError, LibraryError, BusyError, WriteError
        It is not there or cannot be written; it is damaged, no library, or of a later version;
        another process is writing it; the disk is full or fails.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, write: bool = False) -> None:
        self._database = Database(default_place() if path is None else Path(path), write=write)
        self._models: tuple[tuple[int, int], list[tuple[Model, int]]] | None = None
        self._numbers: tuple[tuple[int, int], bool, Numbers] | None = None

    @property
    def path(self) -> Path:
        """The library file."""
        return self._database.path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it; may be called twice."""
        self._database.close()

    # --- what is in it -------------------------------------------------------------------------

    @property
    def models(self) -> list[tuple[Model, int]]:
        """Models and how many tracks each has results of, the one that answers first."""
        state = self._database.state()
        if self._models is None or self._models[0] != state:
            self._models = state, models_of(self._database)
        return self._models[1]

    @property
    def model(self) -> Model:
        """The model that answers.

        Raises
        ------
        QueryError
            There are no results yet.
        """
        if not self.models:
            raise QueryError(
                f"{self.path} holds no results yet; fill it with: moodtheme library scan FOLDER"
            )
        return self.models[0][0]

    @property
    def roots(self) -> tuple[Path, ...]:
        """Folders that were scanned."""
        rows = self._database.rows("SELECT path FROM roots ORDER BY path")
        return tuple(Path(os.fsdecode(path)) for (path,) in rows)

    def __len__(self) -> int:
        return sum(count for model, count in self.models[:1])

    def tracks(self) -> Iterator[Track]:
        """All tracks that have files and a result, in the order they came; read as they are used.

        ``track.places`` are its files, ``track.tags()`` is what `Tagger.tag` would say of it.
        """
        if self.models:
            yield from read_tracks(self._database, self.model)

    def track(self, file: str | os.PathLike[str]) -> Track:
        """The track that a file holds, by its name, or by its audio where the name is new.

        Raises
        ------
        QueryError
            The library does not know it.
        AudioError
            The file cannot be read.
        """
        return find_track(self._database, self.model, absolute(file))

    # --- asking it -----------------------------------------------------------------------------

    def search(
        self, query: str, *, among: "Among | str | None" = None, most: int = 25
    ) -> "SearchResult":
        """Rank tracks by words such as ``sad -heavy valence<-0.2 longer>3:00``.

        Parameters
        ----------
        query
            See `moodtheme.library.query`.
        among
            ``reference``, the model's, or ``library``; by default the first where there is one.
        most
            Matches that are wanted.

        Raises
        ------
        QueryError
            A word is unknown, or there are no results yet.
        """
        from moodtheme.library.query import parse_query
        from moodtheme.library.search import Among, search

        understood = parse_query(query, self.model.bundle)
        chosen = None if among is None else Among(among)
        return search(self._numbers_of(embeddings=False), understood, among=chosen, most=most)

    def similar(
        self, to: str | os.PathLike[str] | FloatArray, *, most: int = 25
    ) -> "tuple[Neighbour, ...]":
        """The tracks that sound most like a file of the library, or an embedding of its model.

        Raises
        ------
        QueryError
            The library does not know the file, or its model has no embeddings.
        """
        from moodtheme.library.neighbours import nearest, require_embeddings

        require_embeddings(self.model)
        without: list[int] = []
        if isinstance(to, str | os.PathLike):
            track = self.track(to)
            to, without = track.embedding, [track.id]
        return nearest(self._numbers_of(embeddings=True), to, most=most, without=without)

    def path_between(
        self, first: str | os.PathLike[str], last: str | os.PathLike[str], *, length: int = 12
    ) -> "tuple[Neighbour, ...]":
        """Tracks that lead from one to another in steps that are alike, both included.

        Raises
        ------
        QueryError
            As `similar`, or the ends are one.
        """
        from moodtheme.library.neighbours import path_between

        numbers = self._numbers_of(embeddings=True)
        return path_between(numbers, self.track(first), self.track(last), length=length)

    def duplicates(self) -> list[tuple[Track, ...]]:
        """Groups of tracks that are the same music in different rips, and tracks with copies."""
        from moodtheme.library.neighbours import duplicates

        return duplicates(self._numbers_of(embeddings=True))

    def stats(self) -> "Stats":
        """What it holds, in numbers."""
        from moodtheme.library.overview import stats_of

        models = self.models
        numbers = self._numbers_of(embeddings=False) if models else None
        return stats_of(self._database, models, numbers)

    def reference(self) -> "Reference":
        """Its music as what others are ranked among: for `Tagger.load` and `Track.tags`.

        Raises
        ------
        ReferenceMusicError
            There are too few tracks.
        """
        from moodtheme.library.overview import reference_of_library

        return reference_of_library(self._numbers_of(embeddings=False))

    @property
    def playlists(self) -> "Playlists":
        """Searches that are kept: to be iterated over, kept, dropped and refreshed."""
        from moodtheme.library.playlists import Entry, Playlists

        def find(playlist: "Playlist") -> list[Entry]:
            found = self.search(playlist.query, among=playlist.among, most=playlist.most)
            return [(match.track, match.score) for match in found.matches]

        return Playlists(self._database, find)

    def _numbers_of(self, *, embeddings: bool) -> "Numbers":
        from moodtheme.library.numbers import read_numbers

        model = self.model
        key = self._database.state()
        if self._numbers is None or self._numbers[0] != key or self._numbers[1] < embeddings:
            found = read_numbers(self._database, model, embeddings=embeddings)
            self._numbers = key, embeddings, found
        return self._numbers[2]

    # --- bringing it up to date ----------------------------------------------------------------

    def scan(
        self,
        folders: Iterable[str | os.PathLike[str]],
        tagger: "Tagger",
        options: "ScanOptions | None" = None,
        *,
        whole: bool = True,
        begin: Callable[[int], None] = lambda count: None,
        tell: "Callable[[ScannedFile], None]" = lambda file: None,
        report: Report = no_report,
    ) -> "ScanReport":
        """Bring it up to date with the files that are there.

        Killed at any moment, the same scan goes on where it was.

        Parameters
        ----------
        folders
            Folders to walk, and files.
        tagger
            The model; what another one said is replaced.
        options
            How to listen.
        whole
            Whether the folders are remembered as the library's; off for parts of it.
        begin, tell, report
            Called with the number of files to look into, each of them, and lines for people.

        Raises
        ------
        WriteError
            The disk is full; what was finished stays.
        """
        from moodtheme.library.keeping import ScanOptions
        from moodtheme.library.numbers import make_blocks
        from moodtheme.library.scan import Scan

        options = options or ScanOptions()
        scan = Scan(self._database, tagger, options, begin=begin, tell=tell, report=report)
        found = scan.run(folders, whole=whole)
        for model, _ in self.models:
            make_blocks(self._database, model)
        return found

    def merge(self, files: "Iterable[Path]") -> "Merged":
        """Put other libraries, and files of `moodtheme tag`, into it; what is there stays."""
        from moodtheme.library.merging import merge_into

        return merge_into(self._database, files)

    def forget(self, paths: Iterable[str | os.PathLike[str]] = (), *, missing: bool = False) -> int:
        """Let go of files, those below folders, or all that are gone; return how many."""
        return forget(self._database, [absolute(path) for path in paths], missing=missing)
