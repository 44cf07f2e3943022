"""Score and truth matrices as tables of other programs: CSV, and Parquet with its extra.

A row a track. The columns ``track`` (or ``path``), ``artist`` and ``seen`` hold what
`moodtheme.scores.names.Names` has under these names, a column called such as ``valence [1..9]``
holds ratings, and every other column is a tag. In CSV each number has the fewest digits that give
it back.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array
from moodtheme.errors import EvaluationError, needing_extra
from moodtheme.files import csv_line
from moodtheme.scores.names import Names, names_from
from moodtheme.scores.ratings import Dimension, Ratings, dimension_of
from moodtheme.scores.vocabulary import bare_name

MAX_CSV_BYTES = 1024**3
"""Largest file read: 1 GiB of text holds the scores of 56 tags for about two million tracks."""

_ROW_NAMES = {"track": "ids", "path": "ids", "artist": "artists", "seen": "seen"}
_WRITTEN = {"ids": "track", "artists": "artist", "seen": "seen"}


def load_csv(path: Path) -> tuple[Float64Array, Names, Ratings | None]:
    """Read a matrix and its names.

    Parameters
    ----------
    path
        UTF-8 text, separated by commas.

    Returns
    -------
    float64 (tracks, tags), Names, Ratings
        Not checked for range, NaN or infinity. An empty rating is NaN.

    Raises
    ------
    EvaluationError
        The file cannot be read, has no line of tags, or a cell is no number.
    """
    try:
        if path.stat().st_size > MAX_CSV_BYTES:
            raise EvaluationError(f"{path}: larger than 1 GiB; give scores of this size as .npz")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(
            f"{path}: cannot be read as CSV ({error}); write a line of tags, then a line of "
            "numbers for each track"
        ) from error
    heads = [bare_name(head) for head in rows[0]] if rows else []
    kept, named, rated = _told_apart(heads)
    tags = [heads[index] for index in kept]
    if not tags or any(_number(tag) is not None for tag in tags):
        raise EvaluationError(
            f"{path}: the first line must name each column's tag once (found "
            f"{', '.join(heads[:3]) or 'nothing'}{', …' if len(heads) > 3 else ''}); put one tag a "
            "column there"
        )
    matrix = np.empty((len(rows) - 1, len(tags)))
    for place, row in enumerate(rows[1:]):
        numbers = [_number(row[index]) for index in kept] if len(row) == len(heads) else [None]
        if None in numbers:
            raise EvaluationError(
                f"{path}: row {place + 1} below the tags does not hold a number for each of the "
                f"{len(tags)} tags; mend the row, or leave the track out of truth and scores alike"
            )
        matrix[place] = numbers
    columns = {head: [row[index] for row in rows[1:]] for head, index in named.items()}
    ratings = {
        scale: [_number(row[index] or "nan") for row in rows[1:]] for scale, index in rated.items()
    }
    return matrix, _names(path, tags, columns), _ratings(path, ratings)


def load_parquet(path: Path) -> tuple[npt.NDArray[Any], Names, Ratings | None]:
    """Read a matrix and its names; as `load_csv`, with the numbers' own type.

    Raises
    ------
    EvaluationError
        The file cannot be read.
    MissingExtraError
        pyarrow is not installed.
    """
    with needing_extra("reading Parquet files", "parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq
    try:
        with path.open("rb") as file:
            table = pq.read_table(file)
        heads = [bare_name(head) for head in table.column_names]
        kept, named, rated = _told_apart(heads)
        tags = [heads[place] for place in kept]
        columns = [table.column(place).to_numpy() for place in kept]
        row_names = {head: table.column(place).to_pylist() for head, place in named.items()}
        ratings = {scale: table.column(place).to_pylist() for scale, place in rated.items()}
    except (OSError, pa.ArrowException) as error:
        raise EvaluationError(
            f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]}); give a file with a "
            "column a tag"
        ) from error
    if not tags:
        raise EvaluationError(f"{path}: has no column of a tag; put one tag a column there")
    return np.column_stack(columns), _names(path, tags, row_names), _ratings(path, ratings)


def write_csv(
    path: Path, values: npt.NDArray[Any], names: Names, ratings: Ratings | None = None
) -> None:
    """Write what `load_csv` reads; decisions and truth as 0 and 1."""
    numbers = values.astype(np.uint8) if values.dtype == np.bool_ else values
    row_names = _columns(names)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(csv_line([*row_names, *names.tags, *(ratings.dimensions if ratings else ())]))
        for place, row in enumerate(numbers):
            cells = (str(column[place]) for column in row_names.values())
            rated = ratings.values[place].astype(str) if ratings else ()
            file.write(csv_line([*cells, *row.astype(str), *rated]))


def write_parquet(
    path: Path, values: npt.NDArray[Any], names: Names, ratings: Ratings | None = None
) -> None:
    """Write what `load_parquet` reads.

    Raises
    ------
    MissingExtraError
        pyarrow is not installed.
    """
    with needing_extra("writing Parquet files", "parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq
    columns: dict[str, Any] = {name: list(column) for name, column in _columns(names).items()}
    columns |= {tag: values[:, place] for place, tag in enumerate(names.tags)}
    if ratings is not None:
        columns |= dict(zip(map(str, ratings.dimensions), ratings.values.T, strict=True))
    pq.write_table(pa.table(columns), path)


def _told_apart(
    heads: Sequence[str],
) -> tuple[list[int], dict[str, int], dict[Dimension, int]]:
    """Places of the columns of tags, of those that name rows, and of those of ratings."""
    tags: list[int] = []
    named: dict[str, int] = {}
    rated: dict[Dimension, int] = {}
    for place, head in enumerate(heads):
        if head.lower() in _ROW_NAMES:
            named[head.lower()] = place
        elif scale := dimension_of(head):
            rated[scale] = place
        else:
            tags.append(place)
    return tags, named, rated


def _columns(names: Names) -> dict[str, Sequence[object]]:
    """The names of the rows as columns, those that there are."""
    held = {"ids": names.ids, "artists": names.artists, "seen": names.seen}
    return {_WRITTEN[field]: column for field, column in held.items() if column}


def _names(path: Path, tags: Sequence[str], columns: Mapping[str, Sequence[object]]) -> Names:
    # An identifier wins over a path.
    fields = {_ROW_NAMES[head]: column for head, column in sorted(columns.items())}
    return names_from({"tags": tags, **fields}, source=str(path))


def _ratings(path: Path, columns: Mapping[Dimension, Sequence[float | None]]) -> Ratings | None:
    if not columns:
        return None
    try:
        values = np.array(list(columns.values()), dtype=np.float64).T
    except TypeError as error:
        raise EvaluationError(
            f"{path}: a rating is not a number; mend it, or leave its cell empty"
        ) from error
    return Ratings(tuple(columns), values)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
