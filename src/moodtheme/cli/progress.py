"""Progress of a long tagging run: a bar on a terminal, a line now and then in a pipe."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_EVERY_S = 15.0


class TaggingProgress:
    """Counts files and seconds of music, and says how fast it goes and how long it will take.

    Parameters
    ----------
    total
        Number of files.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = self._failed = 0
        self._music_s = 0.0
        self._start = self._last_line = time.monotonic()
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            # A table on the same terminal goes through the bar's console, so they do not mix.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._bar.add_task("tagging", total=total)

    def __enter__(self) -> Self:
        self._bar.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.__exit__(kind, error, trace)

    def add(self, *, duration_s: float | None, failed: bool) -> None:
        """Count one file."""
        self._done += 1
        self._failed += failed
        self._music_s += duration_s or 0.0
        self._bar.update(self._task, advance=1, description=f"{self._rate():.0f}× real time")
        now = time.monotonic()
        if self._bar.disable and now - self._last_line >= _LINE_EVERY_S:
            self._last_line = now
            left = (now - self._start) / self._done * (self._total - self._done)
            print(
                f"{self._done}/{self._total} files, {self._rate():.0f}× real time, "
                f"about {left:.0f} s left",
                file=sys.stderr,
            )

    def summary(self) -> str:
        """What was done, in a line."""
        elapsed = time.monotonic() - self._start
        return (
            f"{self._done} of {self._total} files, {self._music_s / 3600:.2f} h of music in "
            f"{elapsed:.1f} s ({self._rate():.0f}× real time), {self._failed} failed"
        )

    def _rate(self) -> float:
        return self._music_s / max(time.monotonic() - self._start, 1e-6)
