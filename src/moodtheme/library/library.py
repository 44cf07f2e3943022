"""The front door: one library file, what is in it, and what can be asked of it."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

from moodtheme.errors import QueryError
from moodtheme.library.database import Database, default_place
from moodtheme.library.places import absolute
from moodtheme.library.results import Model
from moodtheme.library.scanned import ScannedFile, ScanOptions, ScanReport
from moodtheme.library.tracks import Track, models_of, read_tracks
from moodtheme.work import Report, no_report

if TYPE_CHECKING:
    from moodtheme.tagging.tagger import Tagger


class Library:
    """Tracks with all that a model said of them, and the files that hold them.

    Use it in a ``with`` statement or close it; for one thread at a time. Any number may read while
    one writes. The answers are those of one model: that with the most results.

    Parameters
    ----------
    path
        The library file; None for `default_place`.
    write
        Whether to change it: made if it is not there, and kept to this process.

    Raises
    ------
    UsageError
        There is no such file, or it cannot be written.
    LibraryError
        It is damaged, no library, or of a later version.
    BusyError
        Another process is writing it.
    WriteError
        The disk is full or fails.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, write: bool = False) -> None:
        self._database = Database(default_place() if path is None else Path(path), write=write)
        self._models: tuple[tuple[int, int], list[tuple[Model, int]]] | None = None

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

        A track has its ``places`` (one for each copy) and, by ``track.tags()``, what
        `Tagger.tag` would say of it.
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
        path = absolute(file)
        sql = "SELECT track FROM places WHERE path = ? AND track IS NOT NULL"
        found = self._database.row(sql, (os.fsencode(path),))
        if found is None and path.is_file():
            from moodtheme.audio import audio_identity

            sql = "SELECT id FROM tracks WHERE audio = ?"
            found = self._database.row(sql, (audio_identity(path),))
        tracks = [] if found is None else list(read_tracks(self._database, self.model, [found[0]]))
        if not tracks:
            raise QueryError(
                f"{path} is not in {self.path}; scan it first with: moodtheme library scan {path}"
            )
        return tracks[0]

    # --- bringing it up to date ----------------------------------------------------------------

    def scan(
        self,
        folders: Iterable[str | os.PathLike[str]],
        tagger: "Tagger",
        options: ScanOptions = ScanOptions(),  # noqa: B008 - frozen
        *,
        begin: Callable[[int], None] = lambda count: None,
        tell: Callable[[ScannedFile], None] = lambda file: None,
        report: Report = no_report,
    ) -> ScanReport:
        """Bring it up to date with the files that are there.

        Each result is on the disk before its successor; killed at any moment, the same scan goes
        on where it was.

        Parameters
        ----------
        folders
            Folders to walk, and files.
        tagger
            The model; what another one said is replaced.
        options
            How to listen.
        begin, tell, report
            Called with the number of files to look into, with each of them, and with lines about
            what is to be done.

        Raises
        ------
        WriteError
            The disk is full or fails; what was finished stays.
        """
        from moodtheme.library.scan import Scan

        scan = Scan(self._database, tagger, options, begin=begin, tell=tell, report=report)
        return scan.run(folders)
