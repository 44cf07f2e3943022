"""
Collections of any origin, as a table with a row a track.

A table is a CSV or TSV file in UTF-8 with a header. ``path`` is the file, relative to the table's
folder or absolute. The tags are either in the column ``tags``, separated by ``;``, ``|`` or
``,``, or in one column a tag that holds 0 or 1. ``track`` (an identifier; the path by default),
``artist``, ``album``, ``split`` and ``duration`` (seconds) may be there. A column whose name
begins with ``_`` is a note and is left alone; any other column is an error, so that a misspelt
name cannot pass unnoticed. Lists of the MTG-Jamendo dataset are recognised by their header.
"""

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

import numpy as np

from moodtheme.datasets import jamendo
from moodtheme.datasets.table import Split, TrackTable, label_matrix
from moodtheme.datasets.text import read_text, rows_of
from moodtheme.errors import DatasetError
from moodtheme.files import csv_line, replacing
from moodtheme.work import some_of

COLUMNS = ("track", "path", "tags", "split", "artist", "album", "duration")
_TAG_SEPARATORS = re.compile(r"[;|,]")
_SPLIT_NAMES = {
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    "validation": Split.VALIDATION,
    "valid": Split.VALIDATION,
    "val": Split.VALIDATION,
    "dev": Split.VALIDATION,
    "test": Split.TEST,
}
_TRUE_FALSE = {"1": True, "0": False}


def read_table(
    path: Path, *, tags: Sequence[str] | None = None, check_files: bool = True
) -> TrackTable:
    """
    Read a CSV or TSV file of tracks, in the form that this module describes.

    Parameters
    ----------
    path
        The table. ``.tsv`` and ``.tab`` are tab-separated; in any other file the header shows
        whether it is tabs, semicolons or commas.
    tags
        The columns of the label matrix, in this order; a tag that is not among them is an error.
        By default the tags that occur, sorted, or the tag columns in their order.
    check_files
        Whether every file must be there.

    Raises
    ------
    DatasetError
        The table is not of this form; the message names the file and the line.
    """
    text = read_text(path)
    header_line = text.partition("\n")[0]
    delimiter = _delimiter(path, header_line)
    rows = rows_of(path, text, delimiter)
    _, header = next(rows, (0, []))
    if not header:
        raise DatasetError(f"{path}: is empty; give a table with a header and a row a track")
    if header == jamendo.HEADER:
        return jamendo.read_list(path, tags=tags, root=path.parent)
    names = [name.strip() for name in header]
    tag_columns = _check_header(path, names)
    records: list[tuple[int, dict[str, str]]] = []
    for line, row in rows:
        if len(row) != len(names):
            raise DatasetError(
                f"{path}, line {line}: has {len(row)} cells where the header has {len(names)}; "
                "put quotation marks around cells that hold the separator"
            )
        records.append((line, dict(zip(names, (cell.strip() for cell in row), strict=True))))
    if not records:
        raise DatasetError(f"{path}: has a header and no track; add a row a track")
    paths = _paths(path, records)
    tag_sets = [
        _tags_of(path, line, record, tag_columns=tag_columns, known=tags)
        for line, record in records
    ]
    columns = tuple(tags or tag_columns or sorted(set().union(*tag_sets)))
    if not columns:
        raise DatasetError(f"{path}: no track has a tag; fill the column 'tags'")
    table = TrackTable(
        tracks=_identifiers(path, records, paths),
        paths=paths,
        tags=columns,
        labels=label_matrix(tag_sets, columns),
        artists=tuple(record.get("artist", "") for _, record in records),
        albums=tuple(record.get("album", "") for _, record in records),
        splits=tuple(_split_of(path, line, record) for line, record in records),
        durations=np.array([_duration_of(path, line, record) for line, record in records]),
        root=path.parent,
    )
    if check_files:
        missing = [str(file) for file in table.files if not file.is_file()]
        if missing:
            raise DatasetError(
                f"{path}: {len(missing)} of {len(table)} files are missing: {some_of(missing)}; "
                "paths are relative to the table's folder"
            )
    return table


def write_table(table: TrackTable, path: Path) -> None:
    """
    Write a table that `read_table` reads back: tab-separated, or CSV where the name ends so.

    Paths are written relative to the new file's folder where that is possible. Columns that
    nothing is known of are left out.

    Raises
    ------
    DatasetError
        A tag has a separator in its name.
    UsageError
        The file cannot be written.
    """
    awkward = [tag for tag in table.tags if _TAG_SEPARATORS.search(tag) or tag != tag.strip()]
    if awkward:
        raise DatasetError(
            f"{path}: the tags {some_of(awkward)} cannot be written to one cell; rename them"
        )
    columns: dict[str, Sequence[str]] = {
        "path": [_relative(file, path.parent) for file in table.files],
        "tags": [";".join(np.array(table.tags)[row]) for row in table.labels],
    }
    if table.tracks != table.paths:
        columns = {"track": table.tracks, **columns}
    known = {
        "split": [split or "" for split in table.splits],
        "artist": table.artists,
        "album": table.albums,
        "duration": ["" if np.isnan(value) else repr(float(value)) for value in table.durations],
    }
    columns |= {name: values for name, values in known.items() if any(values)}
    delimiter = "," if path.suffix.lower() == ".csv" else "\t"
    rows = [columns, *zip(*columns.values(), strict=True)]
    text = "".join(csv_line(row, delimiter=delimiter) for row in rows)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def _delimiter(path: Path, header: str) -> str:
    if path.suffix.lower() in {".tsv", ".tab"} or "\t" in header:
        return "\t"
    return ";" if ";" in header and "," not in header else ","


def _check_header(path: Path, names: list[str]) -> list[str]:
    """Return the tag columns, none if there is a column ``tags``; raise where a name is wrong."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DatasetError(f"{path}: the column {some_of(twice)} is there twice; remove one")
    if "path" not in names:
        raise DatasetError(
            f"{path}: has no column 'path' (columns: {some_of(names, most=10)}); name the column "
            "of the files 'path'"
        )
    others = [name for name in names if name not in COLUMNS and not name.startswith("_")]
    # «Artist» beside «path», or «tag» for «tags»: one column a tag would swallow it.
    misspelt = {
        name: difflib.get_close_matches(name.lower(), COLUMNS, n=1, cutoff=0.8) for name in others
    }
    if "tags" not in names and others and not any(misspelt.values()):
        return others
    if others:
        guesses = [
            f"{name!r}" + (f" ({near[0]}?)" if near else "")
            for name, near in misspelt.items()
            if near or "tags" in names
        ]
        raise DatasetError(
            f"{path}: unknown column {some_of(guesses)}; known are {', '.join(COLUMNS)}; correct "
            "the name, remove the column, or begin its name with _ to have it left alone"
        )
    if "tags" not in names:
        raise DatasetError(
            f"{path}: has neither a column 'tags' nor one column a tag; add one of the two"
        )
    return []


def _paths(table: Path, records: Sequence[tuple[int, Mapping[str, str]]]) -> tuple[str, ...]:
    first_line: dict[str, int] = {}
    paths = []
    for line, record in records:
        if not record["path"]:
            raise DatasetError(f"{table}, line {line}: the path is empty; fill it")
        path = PurePath(record["path"]).as_posix()
        same = os.path.normpath(path)
        if same in first_line:
            raise DatasetError(
                f"{table}, line {line}: {path} is in line {first_line[same]} already; make one "
                "row of the two, with the tags of both"
            )
        first_line[same] = line
        paths.append(path)
    return tuple(paths)


def _identifiers(
    table: Path, records: Sequence[tuple[int, Mapping[str, str]]], paths: tuple[str, ...]
) -> tuple[str, ...]:
    tracks = []
    first_line: dict[str, int] = {}
    for (line, record), path in zip(records, paths, strict=True):
        track = record.get("track", path) or path
        if track in first_line:
            raise DatasetError(
                f"{table}, line {line}: the track {track!r} is in line {first_line[track]} "
                "already; give each its own identifier"
            )
        first_line[track] = line
        tracks.append(track)
    return tuple(tracks)


def _tags_of(
    table: Path,
    line: int,
    record: Mapping[str, str],
    *,
    tag_columns: Sequence[str],
    known: Sequence[str] | None,
) -> set[str]:
    tags = set()
    for name in tag_columns:
        value = record[name]
        if value not in _TRUE_FALSE:
            raise DatasetError(
                f"{table}, line {line}: {value!r} in the column {name!r}, which counts as a tag, "
                "is neither 0 nor 1; correct it, or begin the column's name with _ to have it "
                "left alone"
            )
        if _TRUE_FALSE[value]:
            tags.add(name)
    if not tag_columns:
        tags = {tag.strip() for tag in _TAG_SEPARATORS.split(record["tags"]) if tag.strip()}
    if known is not None and (unknown := tags.difference(known)):
        raise DatasetError(
            f"{table}, line {line}: the tag {min(unknown)!r} is not among the {len(known)} tags "
            "asked for; correct it, or add it to them"
        )
    return tags


def _split_of(table: Path, line: int, record: Mapping[str, str]) -> Split | None:
    name = record.get("split", "")
    if not name:
        return None
    if name.lower() not in _SPLIT_NAMES:
        raise DatasetError(
            f"{table}, line {line}: {name!r} is no split; write train, validation or test"
        )
    return _SPLIT_NAMES[name.lower()]


def _duration_of(table: Path, line: int, record: Mapping[str, str]) -> float:
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


def _relative(file: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(file, folder)).as_posix()
    except ValueError:  # another drive
        return file.resolve().as_posix()
