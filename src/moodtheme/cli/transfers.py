"""How a download shows itself: a moving bar on a terminal, a line an event in a pipe."""

import sys
from typing import Self

from rich.filesize import decimal

from moodtheme.datasets.download import Archive
from moodtheme.work import Display


class TransferDisplay:
    """
    Shows what `moodtheme.datasets.download.download` does, on standard error.

    Parameters
    ----------
    archives
        Number of archives in this run.
    """

    def __init__(self, archives: int) -> None:
        self._archives = archives
        self._done = 0
        self._name = ""
        self._quarter = 0
        self._display = Display("", unit="bytes")

    def __enter__(self) -> Self:
        self._display.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._display.__exit__()

    def _say(self, text: str) -> None:
        print(f"[{self._done}/{self._archives}] {self._name}: {text}", file=sys.stderr, flush=True)

    def started(self, archive: Archive) -> None:
        """Begin a bar, or say that the archive is under way."""
        self._done += 1
        self._quarter = 0
        self._name = archive.name
        self._display.begin(f"{self._done}/{self._archives} {archive.name}")
        if not self._display.is_drawn:
            self._say("fetching")

    def received(self, done: int, total: int | None) -> None:
        """Move the bar, or say each quarter."""
        self._display.show(done, total)
        if not self._display.is_drawn and total and done * 4 // total > self._quarter:
            self._quarter = done * 4 // total
            self._say(f"{self._quarter * 25} % of {decimal(total)}")

    def unpacked(self, done: int, total: int) -> None:
        """Say on the bar how far unpacking is."""
        self._display.begin(f"{self._name}: unpacking {done}/{total}")

    def finished(self, archive: Archive) -> None:
        """Say that the archive is done."""
        self._say(f"{len(archive.tracks)} tracks verified and in place")

    def failed(self, archive: Archive, reason: str) -> None:
        """Say that the archive is given up for now; the reasons are listed at the end."""
        self._say("failed")
