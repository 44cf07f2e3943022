"""Tables on standard output: drawn on a terminal, tab-separated in a pipe."""

import sys
from collections.abc import Sequence

Cell = str | float | int | None
"""Numbers keep their own precision until a column is printed; None is an undefined figure."""

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
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=title or None, title_justify="left", title_style="", box=box.SIMPLE, pad_edge=False
    )
    for index, column in enumerate(columns):
        table.add_column(
            Text(column), justify="right" if index else "left", no_wrap=index > 0, overflow="fold"
        )
    for line in written:
        # As Text: a file called "[red].npy" is a name, not a colour.
        table.add_row(*(Text(cell) for cell in line))
    Console().print(table)


def with_interval(
    value: float | None, ends: Sequence[float | None] | None, *, decimals: int, scale: float = 1
) -> str:
    """Write a figure with its interval: ``0.7425 [0.7360, 0.7497]``.

    Parameters
    ----------
    value
        The figure.
    ends
        The interval; without one the figure stands alone.
    decimals
        Places after the point.
    scale
        What to multiply by; 100 for percent.
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
