"""How a download shows itself: moving bars on a terminal, a line an event in a pipe."""

from contextlib import ExitStack
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from moodtheme.datasets.download import Archive


class TransferDisplay:
    """
    Shows what `moodtheme.datasets.download.download` does, on standard error.

    Parameters
    ----------
    archives
        Number of archives in this run.
    """

    def __init__(self, archives: int) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._archives = archives
        self._done = 0
        self._name = ""
        self._quarter = 0
        self._open = ExitStack()
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._task = self._bars.add_task("", total=None, visible=False)

    def __enter__(self) -> Self:
        self._open.enter_context(self._bars)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _say(self, text: str) -> None:
        self._console.print(f"[{self._done}/{self._archives}] {self._name}: {text}", markup=False)

    def started(self, archive: Archive) -> None:
        """Begin a bar, or say that the archive is under way."""
        self._done += 1
        self._quarter = 0
        self._name = archive.name
        self._bars.reset(
            self._task,
            description=f"{self._done}/{self._archives} {archive.name}",
            visible=True,
        )
        if self._bars.disable:
            self._say("fetching")

    def received(self, done: int, total: int | None) -> None:
        """Move the bar, or say each quarter."""
        self._bars.update(self._task, completed=done, total=total)
        if self._bars.disable and total and done * 4 // total > self._quarter:
            self._quarter = done * 4 // total
            self._say(f"{self._quarter * 25} % of {decimal(total)}")

    def unpacked(self, done: int, total: int) -> None:
        """Say on the bar how far unpacking is."""
        self._bars.update(self._task, description=f"{self._name}: unpacking {done}/{total}")

    def finished(self, archive: Archive) -> None:
        """Say that the archive is done."""
        self._say(f"{len(archive.tracks)} tracks verified and in place")

    def failed(self, archive: Archive, reason: str) -> None:
        """Say that the archive is given up for now; the reasons are listed at the end."""
        self._say("failed")
