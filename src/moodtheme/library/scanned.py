"""What a scan is asked for, and what comes of it."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from moodtheme.audio import ScanAccount
from moodtheme.errors import AudioError, MissingAudioError, MoodthemeError
from moodtheme.files import FileState
from moodtheme.library.places import Departed
from moodtheme.library.results import Result


class Why(StrEnum):
    """Why a file is looked at."""

    NEW = "new"
    CHANGED = "changed"
    STALE = "stale"
    AGAIN = "again"


@dataclass(frozen=True)
class ScannedFile:
    """What came of a file that was looked at.

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
    departed: Departed = field(default_factory=lambda: Departed(0, 0, {}))
    account: ScanAccount = field(default_factory=ScanAccount)
