"""Reading small text files of unknown origin: one encoding, and errors that name the line."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from moodtheme.errors import DatasetError


def read_text(path: Path) -> str:
    """
    Return a file's text, which must be UTF-8; a byte-order mark is dropped.

    Raises
    ------
    DatasetError
        The file is missing, is not text, or is in another encoding.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    advice = "save it as UTF-8 (spreadsheets: «CSV UTF-8»)"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DatasetError(f"{path}: is UTF-16; {advice}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8; {advice}"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DatasetError(f"{path}, line {line}: holds a NUL character; {advice}")
    return text


def rows_of(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a table that are not blank, each with the number of its last line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise DatasetError(
            f"{path}, line {reader.line_num}: {error}; check the quotation marks"
        ) from error
