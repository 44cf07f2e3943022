"""What a scan is asked for, what comes of each file, and how that is written down."""

import os
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from moodtheme import __version__
from moodtheme.audio import ScanAccount
from moodtheme.errors import AudioError, MissingAudioError, MoodthemeError
from moodtheme.files import FileState
from moodtheme.library.database import Database, now
from moodtheme.library.places import IN_DOUBT, UNKNOWN, Departed, Place
from moodtheme.library.results import Result, number_of, put_result
from moodtheme.tagging.bundle import Bundle

_COMMIT_EVERY_S = 1.0  # of changes that cost next to nothing to make again


class Why(StrEnum):
    """Why a file is looked at."""

    NEW = "new"
    CHANGED = "changed"
    STALE = "stale"
    AGAIN = "again"


@dataclass(frozen=True)
class ScannedFile:
    """A file to be looked at, and what came of that.

    Attributes
    ----------
    path, why
        Which file, and why it was looked at.
    audio
        Its audio's identity; None where it could not be told.
    result
        What the model said; None where that was known, or `error` says why not.
    error
        Why it cannot be used.
    state
        How the file was; None where that could not be told.
    """

    path: Path
    why: Why
    audio: str | None = None
    result: Result | None = field(default=None, repr=False)
    error: MoodthemeError | None = None
    state: FileState | None = field(default=None, repr=False)

    @property
    def is_unread(self) -> bool:
        """Whether the file could not be read at all, which says nothing of its audio."""
        return isinstance(self.error, MissingAudioError)

    @property
    def reason(self) -> str | None:
        """Why it cannot be used, without its name."""
        if self.error is None:
            return None
        return self.error.reason if isinstance(self.error, AudioError) else str(self.error)


@dataclass(frozen=True, kw_only=True)
class ScanOptions:
    """How a scan listens.

    Attributes
    ----------
    jobs
        Files at work at once.
    timeline, windows
        As for `moodtheme.Tagger.listen`.
    verify
        Whether to look into files whose size and time are as they were.
    retry
        Whether to try again what failed before and has not changed.
    """

    jobs: int = 1
    timeline: bool = False
    windows: int | None = None
    verify: bool = False
    retry: bool = False


@dataclass(kw_only=True)
class ScanReport:
    """What a scan found and did.

    Attributes
    ----------
    files
        Audio files that are there.
    unchanged
        Of these, not opened: as they were.
    scored
        Tracks the model listened to.
    recognised
        Files whose audio was known: moved, renamed, retagged, copied.
    failed
        Files that cannot be used, those known from before too.
    problems
        Paths that gave nothing.
    departed
        What is no longer there.
    account
        What the walk passed over.
    """

    files: int = 0
    unchanged: int = 0
    scored: int = 0
    recognised: int = 0
    failed: int = 0
    problems: tuple[AudioError, ...] = ()
    departed: Departed = field(default_factory=Departed)
    account: ScanAccount = field(default_factory=ScanAccount)


class Keeper:
    """Puts results of one model into a library, each on the disk before its successor.

    Attributes
    ----------
    model
        Its number in the library, which is opened for writing.
    audio
        Identities of tracks by their numbers.
    found
        Tracks that were given new places.
    """

    def __init__(self, database: Database, bundle: Bundle) -> None:
        self._database = database
        self.model = number_of(database, bundle)
        self.audio: dict[int, str] = dict(database.rows("SELECT id, audio FROM tracks"))
        self.found: set[int] = set()
        self._track = {audio: id_ for id_, audio in self.audio.items()}
        self._committed = time.monotonic()

    def keep(self, file: ScannedFile, place: Place | None) -> None:
        """Write down what came of a file, given what was known of it."""
        track = None
        if file.error is None and file.audio is not None:
            track = self.track_of(file.audio)
            if file.result is not None:
                put_result(self._database, track, self.model, file.result)
        elif file.is_unread and place is not None:
            track = place.track  # the drive may have failed; what was heard is as good as before
        state = file.state or UNKNOWN
        if track is not None and (place is None or place.track != track or place.missing):
            self.found.add(track)
        self._database.put(
            "places",
            "path",
            {
                "path": os.fsencode(file.path),
                "size": state.size,
                "mtime_ns": IN_DOUBT if file.is_unread else state.mtime_ns,
                "device": state.device,
                "track": track,
                "error": file.reason,
                "error_version": None if file.error is None else __version__,
                "missing": None,
            },
        )
        if file.result is not None or time.monotonic() - self._committed > _COMMIT_EVERY_S:
            self._database.commit()
            self._committed = time.monotonic()

    def track_of(self, audio: str) -> int:
        """The number of a track, which is new where nobody knew it."""
        if audio not in self._track:
            self._track[audio] = self._database.change(
                "INSERT INTO tracks (audio, added) VALUES (?, ?)", (audio, now())
            )
        return self._track[audio]
