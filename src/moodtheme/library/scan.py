"""Bringing a library up to date with the files that are there.

Files whose size and time are as they were are not opened. Of others the audio decides: what a
library has heard under whatever name is not heard again. Each result is in the file before its
successor is asked for, so a scan that is killed goes on where it was.
"""

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from moodtheme import __version__
from moodtheme.audio import audio_identity, find_audio_files
from moodtheme.errors import AudioError, MissingAudioError, MoodthemeError
from moodtheme.files import FileState
from moodtheme.library.database import Database, now
from moodtheme.library.keeping import Keeper, ScannedFile, ScanOptions, ScanReport, Why
from moodtheme.library.places import (
    UNKNOWN,
    Place,
    absolute,
    forget_orphans,
    known_places,
    rename_same_files,
    settle,
    settled,
)
from moodtheme.library.results import result_of
from moodtheme.tagging.tagger import Tagger
from moodtheme.work import Report, read_ahead


class Scan:
    """One scan into a database opened for writing; `run` does it, as `moodtheme.Library.scan`."""

    def __init__(
        self,
        database: Database,
        tagger: Tagger,
        options: ScanOptions,
        *,
        begin: Callable[[int], None],
        tell: Callable[[ScannedFile], None],
        report: Report,
    ) -> None:
        self._database, self._tagger, self._options = database, tagger, options
        self._begin, self._tell, self._report = begin, tell, report
        self._keeper = Keeper(database, tagger.bundle)
        self._current = self._current_tracks()
        self._heard = {self._keeper.audio[id_] for id_ in self._current}
        self._turn = threading.Lock()
        self._claimed = set(self._heard)
        self._failed: dict[str, MoodthemeError] = {}

    def run(self, folders: Iterable[str | os.PathLike[str]], *, whole: bool) -> ScanReport:
        """Scan folders and files.

        Those that are the `whole` of the library are remembered, and not believed to be empty;
        others are parts of it in which something changed.
        """
        roots = [absolute(folder) for folder in folders]
        report = ScanReport()
        files, problems = find_audio_files(roots, report.account)
        report.files, report.problems = len(files), tuple(problems)
        found = {os.fsencode(path): path for path in files}
        known = known_places(self._database)
        rename_same_files(self._database, known, found.keys())
        self._do(self._plan(found, known, report), known, report)
        report.departed = settle(
            self._database,
            known,
            found.keys(),
            roots,
            unreachable=[
                Path(problem.path)
                for problem in problems
                if whole or not os.access(problem.path, os.R_OK)
            ],
            new=self._keeper.found,
        )
        forget_orphans(self._database)
        for root in roots:
            if whole and root.is_dir():
                self._database.change(
                    "INSERT OR REPLACE INTO roots VALUES (?, ?)", (os.fsencode(root), now())
                )
        self._database.commit()
        return report

    # --- what is to be done ------------------------------------------------------------------

    def _current_tracks(self) -> set[int]:
        """Tracks that need not be heard: scored by this model, in the way that is asked for."""

        def ids(condition: str, *values: int) -> set[int]:
            rows = self._database.rows(f"SELECT track FROM results WHERE {condition}", values)
            return {row[0] for row in rows}

        current = ids("model = ?", self._keeper.model)
        if self._options.timeline:
            current &= ids("timeline IS NOT NULL")
        if self._options.windows is None:  # else whole tracks are as good
            current -= ids("windows IS NOT NULL")
        return current

    def _plan(
        self, found: dict[bytes, Path], known: dict[bytes, Place], report: ScanReport
    ) -> list[ScannedFile]:
        """The files to look at, with their audio where it is known that they are as they were."""
        work = []
        for name, path in found.items():
            place = known.get(name)
            if place is None:
                work.append(ScannedFile(path, Why.NEW))
            elif self._options.verify or not place.state.is_of(path):
                work.append(ScannedFile(path, Why.CHANGED))
            elif place.error is not None:
                if self._options.retry or place.error_version != __version__:
                    work.append(ScannedFile(path, Why.AGAIN))
                else:
                    report.failed += 1
                    report.unchanged += 1
            elif place.track not in self._current:
                audio = None if place.track is None else self._keeper.audio[place.track]
                work.append(ScannedFile(path, Why.STALE, audio))
            else:
                report.unchanged += 1
                if place.missing:  # it is back
                    self._database.change(
                        "UPDATE places SET missing = NULL WHERE id = ?", (place.id,)
                    )
        return work

    # --- doing it --------------------------------------------------------------------------------

    def _do(self, work: list[ScannedFile], known: dict[bytes, Place], report: ScanReport) -> None:
        if stale := {item.audio for item in work if item.why is Why.STALE}:
            bundle = self._tagger.bundle
            self._report(
                f"{len(stale)} tracks have results of another model or with other options; "
                f"{bundle.name} {bundle.digest[:8]} hears them again"
            )
        self._begin(len(work))
        copies: list[ScannedFile] = []
        jobs = self._options.jobs
        with closing(read_ahead(self._look, work, jobs=jobs, ahead=4 * jobs)) as outcomes:
            for item, file in zip(work, outcomes, strict=True):
                is_copy = file.error is None and file.result is None
                if is_copy and file.audio not in self._heard:
                    copies.append(item)  # of audio that may yet fail
                else:
                    self._finish(file, known, report)
        for item in copies:
            self._finish(self._look(item), known, report)

    def _look(self, file: ScannedFile) -> ScannedFile:
        """Look into a file, in any thread; another claim on its audio goes first."""
        path, audio, options = file.path, file.audio, self._options
        state = None
        try:
            try:
                state = FileState.of(path)
            except OSError as error:
                reason = f"cannot be read ({error.strerror}); check its name and permissions"
                raise MissingAudioError(path, reason) from error
            audio = audio or audio_identity(path)
            if audio in self._failed:
                raise _of(path, self._failed[audio])
            if not self._claim(audio):
                return replace(file, audio=audio, state=settled(state))
            heard = self._tagger.listen(path, timeline=options.timeline, windows=options.windows)
            result = result_of(heard, timeline=options.timeline)
        except MoodthemeError as error:
            if audio is not None:
                self._give_up(audio, error)
            kept = None if state is None else settled(state)
            return replace(file, audio=audio, error=error, state=kept)
        kept = settled(state) if state.is_of(path) else UNKNOWN
        return replace(file, audio=heard.audio, result=result, state=kept)

    def _claim(self, audio: str) -> bool:
        """Whether this audio is to be heard, and nobody else does."""
        with self._turn:
            if audio in self._claimed:
                return False
            self._claimed.add(audio)
            return True

    def _give_up(self, audio: str, error: MoodthemeError) -> None:
        with self._turn:
            if isinstance(error, MissingAudioError):  # a copy may be readable
                self._claimed.discard(audio)
            else:
                self._failed[audio] = error

    def _finish(self, file: ScannedFile, known: dict[bytes, Place], report: ScanReport) -> None:
        self._keeper.keep(file, known.get(os.fsencode(file.path)))
        report.failed += file.error is not None
        report.scored += file.result is not None
        report.recognised += file.error is None and file.result is None
        self._tell(file)


def _of(path: Path, error: MoodthemeError) -> MoodthemeError:
    """An error of another file with the same audio, as this one's."""
    return type(error)(path, error.reason) if isinstance(error, AudioError) else error
