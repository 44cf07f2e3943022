"""Where a command's results go: standard output, or a file that is whole or not there."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from moodtheme.errors import UsageError


def partial_path(path: Path) -> Path:
    """Where a file's text is gathered until it is complete."""
    return path.with_name(path.name + ".partial")


@contextmanager
def result_file(path: Path | None) -> Iterator[TextIO]:
    """A text stream for results.

    A file is written under a temporary name and renamed at the end. After an interruption what was
    finished gets the name too, unless that would replace an older file; then it stays under the
    temporary name, which is printed.

    Parameters
    ----------
    path
        The file; None means standard output.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    partial = partial_path(path)
    try:
        # Names that are not UTF-8 come out as \udcXX, which JSON reads back as they were.
        stream = partial.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written ({error.strerror}); name a file in an existing folder"
        ) from error
    with stream:
        try:
            yield stream
        except BaseException:
            stream.flush()
            if path.exists():
                print(f"moodtheme: what was finished is in {partial}", file=sys.stderr)
            else:
                partial.replace(path)
            raise
    partial.replace(path)


def finished_lines(path: Path) -> dict[str, str]:
    """Lines of a JSON Lines file, and of its unfinished form, whose files were tagged, by path.

    Lines that are cut short or hold an error do not count.
    """
    lines = {}
    for file in (path, partial_path(path)):
        if not file.is_file():
            continue
        with file.open(encoding="utf-8", errors="replace") as stream:
            for line in stream:
                try:
                    entry = json.loads(line)
                    if entry["error"] is None and entry["tags"]:
                        lines[str(entry["path"])] = line.rstrip("\n") + "\n"
                except (json.JSONDecodeError, KeyError, TypeError):
                    continue
    return lines
