"""Tables on standard output: drawn on a terminal, tab-separated in a pipe."""

import sys
from collections.abc import Sequence

from moodtheme.work import console_for

Cell = str | float | int | None
"""Numbers keep their own precision until a column is printed; None is an undefined figure."""

PADDING = 3
"""Columns of the terminal that a cell takes beside its text."""

UNDEFINED = "-"
"""How an undefined figure is printed."""


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, decimals: int = 6, title: str = ""
) -> None:
    """Print rows under column heads.

    Parameters
    ----------
    columns
        Heads. The first column is text and left-aligned, the others are right-aligned.
    rows
        Cells, one a column.
    decimals
        Places after the point of floating-point cells.
    title
        Stands above the table on a terminal; left out of a pipe.
    """
    written = [[_text(cell, decimals) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for line in (columns, *written):
            print("\t".join(line))
        return
    _draw(list(columns), written, title)


def _draw(columns: list[str], rows: list[list[str]], title: str) -> None:
    """Draw on a terminal; where it is too narrow, as several tables that all name the rows."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = console_for(sys.stdout, highlight=False)
    if title:
        console.print(Text(title))
    widths = [max(map(len, cells)) + PADDING for cells in zip(columns, *rows, strict=True)]
    first_width = min(widths[0], console.width // 2)
    for group in _groups(widths[1:], console.width - first_width):
        table = Table(box=box.SIMPLE, header_style="", padding=(0, PADDING - 1, 0, 0))
        for index in (0, *group):
            # As Text: a file called "[red].npy" is a name, not a colour.
            table.add_column(
                Text(columns[index]),
                justify="right" if index else "left",
                no_wrap=index > 0,
                overflow="fold",
                max_width=None if index else first_width - PADDING,
            )
        for row in rows:
            table.add_row(*(Text(row[index]) for index in (0, *group)))
        console.print(table)


def _groups(widths: Sequence[int], available: int) -> list[list[int]]:
    """Divide the columns after the first, by number, into groups no wider than there is room."""
    groups: list[list[int]] = [[]]
    used = 0
    for number, width in enumerate(widths, start=1):
        if groups[-1] and used + width > available:
            groups.append([])
            used = 0
        groups[-1].append(number)
        used += width
    return groups


def with_interval(
    value: float | None, ends: Sequence[float | None] | None, *, decimals: int, scale: float = 1
) -> str:
    """Write a figure with its interval, if it has one: ``0.7425 [0.7360, 0.7497]``.

    Both are multiplied by `scale` (100 for percent) and have so many decimals.
    """
    if value is None:
        return UNDEFINED
    text = f"{value * scale:.{decimals}f}"
    if ends is None or ends[0] is None or ends[1] is None:
        return text
    return f"{text} [{ends[0] * scale:.{decimals}f}, {ends[1] * scale:.{decimals}f}]"


def _text(cell: Cell, decimals: int) -> str:
    if cell is None:
        return UNDEFINED
    return f"{cell:.{decimals}f}" if isinstance(cell, float) else str(cell)
