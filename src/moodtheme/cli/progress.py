"""What long commands show of their progress."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from moodtheme.work import Display, Pace, Progress, in_words

_LINE_EVERY_S = 15.0


class TaggingProgress(Display):
    """Counts files and seconds of music, and says how fast it goes and how long it will take.

    Parameters
    ----------
    total
        Number of files.
    quiet
        Show nothing.

    Attributes
    ----------
    failed
        Files so far that could not be tagged.
    """

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        super().__init__("tagging", unit="files", line_every_s=_LINE_EVERY_S, shown=not quiet)
        self._total = total
        self._done = self.failed = 0
        self._music_s = 0.0
        self._start = time.monotonic()

    def add(self, *, duration_s: float | None, failed: bool) -> None:
        """Count one file."""
        self._done += 1
        self.failed += failed
        self._music_s += duration_s or 0.0
        elapsed = time.monotonic() - self._start
        left = in_words(elapsed / self._done * (self._total - self._done))
        if self._done < self._total:
            note = f"{self._rate():.0f}× real time, about {left} left"
            self.show(self._done, self._total, note=note)

    def summary(self) -> str:
        """What was done, in a line."""
        elapsed = time.monotonic() - self._start
        return (
            f"{self._done - self.failed} of {self._total} files tagged, "
            f"{self._music_s / 3600:.2f} h of music in {elapsed:.1f} s "
            f"({self._rate():.0f}× real time), {self.failed} failed"
        )

    def _rate(self) -> float:
        return self._music_s / max(time.monotonic() - self._start, 1e-6)


@contextmanager
def extraction_progress(track_s: float) -> Iterator[Progress]:
    """Say how far extracting is, how fast it goes and how long it will take.

    Yields what is to be called with tracks, of each of which `track_s` seconds are looked at.
    """
    pace = Pace()
    with Display("extracting", unit="tracks", line_every_s=_LINE_EVERY_S) as display:

        def tell(done: int, of: int | None) -> None:
            speed = pace.per_second(done)
            note = ""
            if speed is not None:
                note = f"{speed * track_s:.1f}× real time"
                if of is not None and done < of:
                    note += f", about {in_words((of - done) / speed)} left"
            display.show(done, of, note=note)

        yield tell


@contextmanager
def progress_bar(what: str, *, unit: str = "") -> Iterator[Progress]:
    """Draw a bar on a terminal and nothing in a pipe; words and unit as for `Display`."""
    if not sys.stderr.isatty():  # before anything is loaded for it
        yield lambda done, of: None
        return
    with Display(what, unit=unit) as display:
        yield display.show
