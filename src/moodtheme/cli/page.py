"""Text fitted to where it goes: how wide a line may be, which characters arrive, what is cut.

Widths are in cells of a terminal, of which Chinese, Japanese and Korean characters and most emoji
take two, and combining marks none.
"""

import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TextIO

from rich.cells import cell_len

from moodtheme.cli.streams import printable
from moodtheme.work import console_for

_NARROWEST = 28
"""Cells below which nothing is fitted any more: a mood in words needs so many."""
_FALLBACK = 80
"""Cells of a terminal that does not tell its width."""


@dataclass(frozen=True)
class Page:
    """Where text for people goes.

    Attributes
    ----------
    cells
        Width of a line; None for as wide as it gets.
    encoding
        Which characters arrive as they are.
    bold, colour
        Whether it shows such things; never needed to understand the text.
    """

    cells: int | None = None
    encoding: str = "utf-8"
    bold: bool = False
    colour: bool = False

    @classmethod
    def of(cls, stream: TextIO | None) -> Self:
        """The page that a stream is; None for a file.

        ``COLUMNS`` sets the width of any; otherwise a terminal has its own, and the lines of pipes
        and files are as long as they get.
        """
        columns = os.environ.get("COLUMNS", "")
        wanted = int(columns) if columns.isdecimal() and int(columns) else None
        if stream is None:
            return cls(_at_least(wanted))
        encoding = stream.encoding or "utf-8"
        if not stream.isatty():
            return cls(_at_least(wanted), encoding)
        console = console_for(stream)
        plain = console.is_dumb_terminal or console.legacy_windows
        return cls(
            _at_least(wanted or _cells_of(stream)),
            encoding,
            bold=not plain,
            colour=not plain and not console.no_color,
        )

    def shown(self, text: str | Path) -> str:
        """Text without what would steer a terminal, or does not arrive as one character."""
        return printable(text).encode(self.encoding, "backslashreplace").decode(self.encoding)

    def strong(self, text: str) -> str:
        """Text in bold where there is bold."""
        return f"\x1b[1m{text}\x1b[0m" if self.bold else text

    def alarming(self, text: str) -> str:
        """Text in red where there is colour."""
        return f"\x1b[31m{text}\x1b[0m" if self.colour else text

    def cut(self, text: str, cells: int, *, first: int = 0) -> str:
        """Text in no more cells: its end, behind `first` cells of its start and an ellipsis."""
        if cell_len(text) <= cells:
            return text
        ellipsis = self._ellipsis
        start = _start(text, first)
        return start + ellipsis + _end(text, cells - cell_len(start) - len(ellipsis))

    def cut_end(self, text: str, cells: int) -> str:
        """Text in no more cells: its start and an ellipsis."""
        if cell_len(text) <= cells:
            return text
        return _start(text, cells - len(self._ellipsis)) + self._ellipsis

    def prose(self, text: str, cells: int | None) -> list[str]:
        """Lines of a sentence; words that are longer than a line are continued on the next."""
        if cells is None:
            return [self.shown(text)]
        words: list[str] = []
        for word in self.shown(text).split(" "):
            rest = word
            while cell_len(rest) > cells:
                words.append(_start(rest, cells))
                rest = rest[len(words[-1]) :]
            words.append(rest)
        return flow(words, cells, joint=" ")

    @property
    def _ellipsis(self) -> str:
        return "…" if self.shown("…") == "…" else "..."


def flow(pieces: Iterable[str], cells: int | None, *, joint: str = ", ") -> list[str]:
    """Lines of pieces, none of which is broken; a joint at a line's end loses its space."""
    lines: list[str] = []
    for piece in pieces:
        longer = f"{lines[-1]}{joint}{piece}" if lines else ""
        # The joint behind it must have room as well.
        if lines and (cells is None or cell_len(longer) + len(joint.rstrip()) <= cells):
            lines[-1] = longer
            continue
        if lines:
            lines[-1] += joint.rstrip()
        lines.append(piece)
    return lines


def padded(text: str, cells: int, *, right: bool = False) -> str:
    """Text filled up with spaces to a number of cells, before it with `right`."""
    spaces = " " * (cells - cell_len(text))
    return spaces + text if right else text + spaces


def widest(texts: Iterable[str]) -> int:
    """Cells of the widest; 0 for none."""
    return max(map(cell_len, texts), default=0)


def short_names(
    paths: Sequence[Path | str], cells: int | None, page: Page
) -> tuple[str, dict[Path | str, str]]:
    """Names for files in a column, and the folder they are in where they do not say it.

    Parameters
    ----------
    paths
        All that will be named; texts where they are no paths but addresses.
    cells
        Of the column; None for as many as a name needs.
    page
        Where they go.

    Returns
    -------
    tuple
        The folder, empty if the names say all; and the name of each file. If the paths do not fit,
        the folder they have in common is left out; what still does not fit keeps its end, and if
        that would be the same for several, the start of their names too.
    """
    whole = {path: page.shown(path) for path in paths}
    if cells is None or widest(whole.values()) <= cells:
        return "", whole
    folder = _common_folder(paths)
    if folder:
        whole = {path: page.shown(Path(path).relative_to(folder)) for path in paths}
    own = {path: page.shown(Path(path).name) for path in paths}
    shortened: dict[Path | str, str] = {}
    left = list(whole)
    for names, first in ((whole, 0), (own, cells // 4), (own, cells // 2), (whole, cells // 2)):
        tried = {path: page.cut(names[path], cells, first=first) for path in left}
        counts = Counter(tried.values())
        left = [path for path in left if counts[tried[path]] > 1]
        shortened |= tried
    return page.shown(folder), shortened


def _common_folder(paths: Sequence[Path | str]) -> str:
    try:
        folder = os.path.commonpath([Path(path).parent for path in paths])
    except ValueError:  # some are absolute, or on different drives
        return ""
    return "" if folder == os.curdir else folder


def _cells_of(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or _FALLBACK
    except (OSError, ValueError):
        return _FALLBACK


def _at_least(cells: int | None) -> int | None:
    return None if cells is None else max(cells, _NARROWEST)


def _start(text: str, cells: int) -> str:
    """As much of a text's start as fits."""
    lengths = range(1, len(text) + 1)
    return text[: bisect_right(lengths, cells, key=lambda length: cell_len(text[:length]))]


def _end(text: str, cells: int) -> str:
    """As much of a text's end as fits, without marks whose letter is left out."""
    lengths = range(1, len(text) + 1)
    length = bisect_right(lengths, cells, key=lambda length: cell_len(text[-length:]))
    begin = len(text) - length
    while begin < len(text) and cell_len(text[begin]) == 0:
        begin += 1
    return text[begin:]
