"""
Collections of any origin, as a table with a row a track.

A table is a CSV or TSV file in UTF-8 with a header. ``path`` is the file, relative to the table's
folder or absolute. The tags are either in the column ``tags``, separated by ``;``, ``|`` or
``,``, or in one column a tag that holds 0 or 1, 0.0 or 1.0, false or true. Listeners' ratings are
in columns that name their scale, such as ``valence [1..9]``, empty where there is none; a table
with ratings and no tags gets the tags ``high valence`` and ``low valence`` by the scale's middle.
``track`` (an identifier; the path by default), ``artist``, ``album``, ``split`` and ``duration``
(seconds) may be there. Case does not matter in these names. A column whose name begins with ``_``
is a note and is left alone; any other column is an error, so that a misspelt name cannot pass
unnoticed. Lists of the MTG-Jamendo dataset are recognised by their header.
"""

import difflib
import os
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from moodtheme.datasets import jamendo
from moodtheme.datasets.cells import (
    TAG_SEPARATORS,
    Spellings,
    duration_of,
    identifiers_of,
    paths_of,
    rating_of,
    read_text,
    rows_of,
    split_of,
    tags_of,
)
from moodtheme.datasets.table import TrackTable, label_matrix, sides
from moodtheme.errors import DatasetError
from moodtheme.files import csv_line, replacing
from moodtheme.scores.ratings import Dimension, dimension_of
from moodtheme.scores.vocabulary import bare_name, tag_key
from moodtheme.work import some_of, twice

COLUMNS = ("track", "path", "tags", "split", "artist", "album", "duration")
_RATED = ("valence", "arousal", "dominance", "energy", "tension")


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
    names = [_heading(name) for name in header]
    scales = {name: scale for name in names if (scale := dimension_of(name))}
    tag_columns = _check_header(path, names, scales)
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
    paths = paths_of(path, records)
    spellings = Spellings(path, tags)
    tag_sets = [
        tags_of(path, line, record, tag_columns=tag_columns, spellings=spellings)
        for line, record in records
    ]
    columns = tuple(tags or [bare_name(name) for name in tag_columns])
    columns = columns or tuple(sorted(set().union(*tag_sets)))
    dimensions = tuple(scales.values())
    ratings = np.array(
        [
            [rating_of(path, line, record[name], scale) for name, scale in scales.items()]
            for line, record in records
        ]
    )
    labels = label_matrix(tag_sets, columns)
    if not columns and dimensions:
        columns, labels = sides(dimensions, ratings)
    if not columns:
        raise DatasetError(f"{path}: no track has a tag; fill the column 'tags'")
    table = TrackTable(
        tracks=identifiers_of(path, records, paths),
        paths=paths,
        tags=columns,
        labels=labels,
        artists=tuple(record.get("artist", "") for _, record in records),
        albums=tuple(record.get("album", "") for _, record in records),
        splits=tuple(split_of(path, line, record) for line, record in records),
        durations=np.array([duration_of(path, line, record) for line, record in records]),
        root=path.parent,
        dimensions=dimensions,
        ratings=ratings,
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
    awkward = [tag for tag in table.tags if TAG_SEPARATORS.search(tag) or tag != tag.strip()]
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
    for dimension, ratings in zip(table.dimensions, table.ratings.T, strict=True):
        columns[str(dimension)] = [
            "" if np.isnan(value) else repr(float(value)) for value in ratings
        ]
    delimiter = "," if path.suffix.lower() == ".csv" else "\t"
    rows = [columns, *zip(*columns.values(), strict=True)]
    text = "".join(csv_line(row, delimiter=delimiter) for row in rows)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def _delimiter(path: Path, header: str) -> str:
    if path.suffix.lower() in {".tsv", ".tab"} or "\t" in header:
        return "\t"
    return ";" if ";" in header and "," not in header else ","


def _heading(cell: str) -> str:
    """A column's name; those that are known, in whatever case they are written."""
    name = unicodedata.normalize("NFC", cell.strip())
    return name.lower() if name.lower() in COLUMNS else name


def _check_header(path: Path, names: list[str], scales: Mapping[str, Dimension]) -> list[str]:
    """Return the tag columns, none if there is a column ``tags``; raise where a name is wrong."""
    if again := sorted({name for name in names if names.count(name) > 1}):
        raise DatasetError(f"{path}: the column {some_of(again)} is there twice; remove one")
    if "path" not in names:
        raise DatasetError(
            f"{path}: has no column 'path' (columns: {some_of(names, most=10)}); name the column "
            "of the files 'path'"
        )
    others = [n for n in names if n not in COLUMNS and n not in scales and not n.startswith("_")]
    if unscaled := [name for name in others if name.lower() in _RATED or "[" in name]:
        raise DatasetError(
            f"{path}: the column {unscaled[0]!r} looks like ratings; name it with the ends of "
            "their scale, such as 'valence [1..9]', or begin its name with _ to have it left alone"
        )
    # «Artits» beside «path», or «tag» for «tags»: one column a tag would swallow it.
    misspelt = {
        name: difflib.get_close_matches(name.lower(), COLUMNS, n=1, cutoff=0.8) for name in others
    }
    if "tags" not in names and others and not any(misspelt.values()):
        if pair := twice(map(tag_key, others)):
            one, other = (others[place] for place in pair)
            raise DatasetError(
                f"{path}: the columns {one!r} and {other!r} are one tag; make one of the two"
            )
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
    if "tags" not in names and not scales:
        raise DatasetError(
            f"{path}: has neither a column 'tags' nor one column a tag; add one of the two"
        )
    return []


def _relative(file: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(file, folder)).as_posix()
    except ValueError:  # another drive
        return file.resolve().as_posix()
