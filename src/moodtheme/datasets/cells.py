"""Text files of unknown origin: their rows, and what the cells of a table of tracks mean.

There is one encoding, and what means nothing is named with its line.
"""

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath, PureWindowsPath

from moodtheme.datasets.table import Split
from moodtheme.errors import DatasetError
from moodtheme.scores.ratings import Dimension
from moodtheme.scores.vocabulary import bare_name, tag_key
from moodtheme.work import twice

TAG_SEPARATORS = re.compile(r"[;|,]")
_SPLIT_NAMES = {
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    "validation": Split.VALIDATION,
    "valid": Split.VALIDATION,
    "val": Split.VALIDATION,
    "dev": Split.VALIDATION,
    "test": Split.TEST,
}
_TRUE_FALSE = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


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


def paths_of(table: Path, records: Sequence[tuple[int, Mapping[str, str]]]) -> tuple[str, ...]:
    """Paths with slashes, each file once.

    Raises
    ------
    DatasetError
        A path is empty, of a drive that is not here, or there twice.
    """
    paths = []
    for line, record in records:
        if not record["path"]:
            raise DatasetError(f"{table}, line {line}: the path is empty; fill it")
        paths.append(_posix(table, line, record["path"]))
    if pair := twice(map(os.path.normpath, paths)):
        before, line = (records[place][0] for place in pair)
        raise DatasetError(
            f"{table}, line {line}: {paths[pair[1]]} is in line {before} already; make one row of "
            "the two, with the tags of both"
        )
    return tuple(paths)


def _posix(table: Path, line: int, path: str) -> str:
    """A path with slashes, whichever system it was written on."""
    if "\\" not in path or os.name == "nt" or (table.parent / path).exists():
        return PurePath(path).as_posix()
    if _DRIVE.match(path) or path.startswith("\\\\"):
        raise DatasetError(
            f"{table}, line {line}: {path} is a path of a Windows drive, which is not here; write "
            "it relative to the table's folder"
        )
    return PureWindowsPath(path).as_posix()


def identifiers_of(
    table: Path, records: Sequence[tuple[int, Mapping[str, str]]], paths: tuple[str, ...]
) -> tuple[str, ...]:
    """The tracks' identifiers: the column ``track``, else the path.

    Raises
    ------
    DatasetError
        One is there twice.
    """
    tracks = tuple(
        record.get("track", path) or path for (_, record), path in zip(records, paths, strict=True)
    )
    if pair := twice(tracks):
        before, line = (records[place][0] for place in pair)
        raise DatasetError(
            f"{table}, line {line}: the track {tracks[pair[1]]!r} is in line {before} already; "
            "give each its own identifier"
        )
    return tracks


class Spellings:
    """How a table writes its tags, one spelling each.

    Parameters
    ----------
    table
        For messages.
    known
        Tags asked for; their spelling is taken. None takes the table's own.
    """

    def __init__(self, table: Path, known: Sequence[str] | None) -> None:
        self._table = table
        self._known = None if known is None else {tag_key(tag): tag for tag in known}
        self._first: dict[str, tuple[int, str]] = {}

    def of(self, line: int, cell: str) -> str:
        """A tag as it is called in the labels."""
        tag = bare_name(cell)
        if self._known is not None:
            if tag_key(tag) not in self._known:
                raise DatasetError(
                    f"{self._table}, line {line}: the tag {tag!r} is not among the "
                    f"{len(self._known)} tags asked for; correct it, or add it to them"
                )
            return self._known[tag_key(tag)]
        first, there = self._first.setdefault(tag_key(tag), (line, tag))
        if tag != there:
            raise DatasetError(
                f"{self._table}, line {line}: the tag {tag!r} is written {there!r} in line "
                f"{first}; write it alike everywhere"
            )
        return tag


def tags_of(
    table: Path,
    line: int,
    record: Mapping[str, str],
    *,
    tag_columns: Sequence[str],
    spellings: Spellings,
) -> set[str]:
    """A row's tags.

    Raises
    ------
    DatasetError
        A tag column holds something else than 0 and 1, or a tag is not asked for.
    """
    tags = set()
    for name in tag_columns:
        value = record[name].lower()
        if value not in _TRUE_FALSE:
            raise DatasetError(
                f"{table}, line {line}: {record[name]!r} in the column {name!r}, which counts as a "
                "tag, is neither 0 nor 1; correct it, or begin the column's name with _ to have "
                "it left alone"
            )
        if _TRUE_FALSE[value]:
            tags.add(name)
    if not tag_columns:
        tags = {tag.strip() for tag in TAG_SEPARATORS.split(record.get("tags", "")) if tag.strip()}
    return {spellings.of(line, tag) for tag in tags}


def rating_of(table: Path, line: int, cell: str, scale: Dimension) -> float:
    """A rating; NaN for an empty cell.

    Raises
    ------
    DatasetError
        It is no number on the scale.
    """
    if not cell:
        return float("nan")
    try:
        value = float(cell)
    except ValueError:
        value = float("inf")
    if not scale.lowest <= value <= scale.highest:
        raise DatasetError(
            f"{table}, line {line}: {cell!r} in the column {str(scale)!r} is no rating on this "
            "scale; correct it, leave the cell empty, or name the scale's ends otherwise"
        )
    return value


def split_of(table: Path, line: int, record: Mapping[str, str]) -> Split | None:
    """A row's part of the collection; None for an empty cell.

    Raises
    ------
    DatasetError
        It is none of the three.
    """
    name = record.get("split", "")
    if not name:
        return None
    if name.lower() not in _SPLIT_NAMES:
        raise DatasetError(
            f"{table}, line {line}: {name!r} is no split; write train, validation or test"
        )
    return _SPLIT_NAMES[name.lower()]


def duration_of(table: Path, line: int, record: Mapping[str, str]) -> float:
    """A row's duration in seconds; NaN for an empty cell.

    Raises
    ------
    DatasetError
        It is no duration.
    """
    value = record.get("duration", "")
    try:
        seconds = float(value) if value else float("nan")
    except ValueError:
        seconds = -1.0
    if seconds < 0 or seconds == float("inf"):
        raise DatasetError(
            f"{table}, line {line}: {value!r} is no duration; write seconds, such as 183.5"
        )
    return seconds
