"""Files of results, a row a file: JSON Lines as `moodtheme tag` writes them, and Parquet.

Rows go through some at a time: however many there are, memory holds only their names.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from moodtheme.errors import LibraryError, needing_extra
from moodtheme.files import replacing

JSON_LINES = (".jsonl", ".ndjson")
PARQUET = ".parquet"
SUFFIXES = (*JSON_LINES, PARQUET)
_AT_ONCE = 1000

Row = dict[str, Any]


def read_rows(file: Path) -> Iterator[Row]:
    """Rows of a file, in order.

    Raises
    ------
    LibraryError
        It cannot be read, or a row is none; names the file and the line.
    MissingExtraError
        It is Parquet, and the extra is not installed.
    """
    try:
        found = _parquet_rows(file) if file.suffix.lower() == PARQUET else _json_rows(file)
        for number, row in enumerate(found, start=1):
            if not isinstance(row, dict) or not isinstance(row.get("path"), str):
                raise _no_row(file, number, "it names no path")
            yield row
    except OSError as error:
        raise LibraryError(
            f"{file}: cannot be read ({error.strerror or error}); name what `moodtheme tag "
            "--format jsonl` wrote"
        ) from error


def _json_rows(file: Path) -> Iterator[Any]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _no_row(file, number, str(error)) from None


def _no_row(file: Path, number: int, why: str) -> LibraryError:
    return LibraryError(
        f"{file}, line {number}: not a result of tagging ({why}); name what `moodtheme tag "
        "--format jsonl` wrote"
    )


def _parquet_rows(file: Path) -> Iterator[Any]:
    with needing_extra("reading Parquet", "parquet"):
        import pyarrow
        from pyarrow import parquet

    try:
        with parquet.ParquetFile(file) as content:
            for batch in content.iter_batches(_AT_ONCE):
                for row in batch.to_pylist():
                    yield {**row, "dimensions": json.loads(row.get("dimensions") or "{}")}
    except (pyarrow.ArrowException, ValueError, TypeError) as error:
        why = str(error).splitlines()[0]
        raise LibraryError(f"{file} holds no results ({why}); merge the parts again") from None


def write_rows(file: Path, rows: Iterable[Row]) -> None:
    """Write rows as the file's name says, whole or not at all.

    In Parquet a row has the fields of JSON Lines; tags are a list of structures, dimensions, whose
    names differ from model to model, JSON.

    Raises
    ------
    UsageError, WriteError
        It cannot be written.
    MissingExtraError
        It is Parquet, and the extra is not installed.
    """
    with replacing(file) as temporary:
        if file.suffix.lower() == PARQUET:
            _write_parquet(temporary, iter(rows))
            return
        with temporary.open("wb") as out:
            for row in rows:  # bytes of names that are not UTF-8 as escapes
                line = json.dumps(row, ensure_ascii=False)
                out.write(line.encode("utf-8", "backslashreplace") + b"\n")


def _write_parquet(file: Path, rows: Iterator[Row]) -> None:
    with needing_extra("writing Parquet", "parquet"):
        import pyarrow as pa
        from pyarrow import parquet

    score = pa.struct(
        [
            ("tag", pa.string()),
            ("score", pa.float64()),
            ("standing", pa.float64()),
            ("probability", pa.float64()),
            ("decision", pa.bool_()),
        ]
    )
    schema = pa.schema(
        [
            ("path", pa.string()),
            ("duration_s", pa.float64()),
            ("tags", pa.list_(score)),
            ("dimensions", pa.string()),
            ("notes", pa.list_(pa.string())),
            ("warnings", pa.list_(pa.string())),
            ("audio", pa.string()),
            ("model", pa.struct([("name", pa.string()), ("digest", pa.string())])),
            ("version", pa.string()),
            ("error", pa.string()),
            ("windows", pa.int64()),
        ]
    )
    with parquet.ParquetWriter(file, schema, compression="zstd") as out:
        while some := list(islice(rows, _AT_ONCE)):
            out.write_table(
                pa.Table.from_pylist([_flat(row, schema.names) for row in some], schema)
            )


def _flat(row: Row, names: Sequence[str]) -> Row:
    flat = {name: row.get(name) for name in names}
    path = str(row["path"]).encode("utf-8", "backslashreplace").decode()
    return {**flat, "path": path, "dimensions": json.dumps(row.get("dimensions") or {})}


def merged_rows(files: Sequence[Path]) -> Iterator[Row]:
    """Rows of files without duplicates, in their order.

    Of rows with one path and audio the first stays; a failure gives way to a result of its path.
    """
    results: set[tuple[str, str | None]] = set()
    answered: set[str] = set()
    for file in files:
        for row in read_rows(file):
            if row.get("error") is None:
                answered.add(row["path"])
    failed: set[str] = set()
    for file in files:
        for row in read_rows(file):
            path, key = row["path"], (row["path"], row.get("audio"))
            if row.get("error") is not None:
                if path not in answered and path not in failed:
                    failed.add(path)
                    yield row
            elif key not in results:
                results.add(key)
                yield row
