"""The command that puts together what was made in parts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from moodtheme.cli.streams import printable, say
from moodtheme.errors import UsageError


def merge(
    output: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="A library, made or added to; or a new .jsonl or .parquet file."
        ),
    ],
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="IN...",
            help="Libraries, and what `moodtheme tag --format jsonl` wrote, also as Parquet.",
        ),
    ],
) -> None:
    """Put together what was made in parts, without duplicates.

    A track is one by its audio; of several results the first stays, and a failure gives way to a
    result.
    """
    from moodtheme.cli.outputs import claimed, require_output
    from moodtheme.library import Library
    from moodtheme.library.row_files import SUFFIXES, merged_rows, write_rows

    for file in inputs:
        if not file.is_file():
            raise UsageError(f"{file}: no such file; name what is to be merged")
    if output.suffix.lower() in SUFFIXES:
        others = [file for file in inputs if file.suffix.lower() not in SUFFIXES]
        if others:
            raise UsageError(f"{others[0]} is no file of results; merge libraries into a library")
        require_output(output, inputs=inputs)
        with claimed(output):
            count = 0

            def counted() -> Iterator[dict[str, Any]]:
                nonlocal count
                for row in merged_rows(inputs):
                    count += 1
                    yield row

            write_rows(output, counted())
        say(f"{printable(output)}: {count} rows of {len(inputs)} files")
        return
    with Library(output, write=True) as opened:
        found = opened.merge(inputs)
        parts = [f"{len(opened)} tracks", f"{found.taken} of them new", f"{found.known} known"]
        if found.others:
            parts.append(f"{found.others} kept the result of another model")
    say(f"{printable(output)}: {', '.join(parts)}; {found.files} new files")
