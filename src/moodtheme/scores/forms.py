"""The forms of a score or truth file, each read into matrices with their names.

The form that moodtheme writes is a ``.npz`` with these members, none of them pickled:

========== ===================== ==========================================================
member     shape                 holds
========== ===================== ==========================================================
scores     (tracks, tags)        float32 or float64: one system, called by the file's stem
truth      (tracks, tags)        bool
decisions  (tracks, tags)        bool
tags       (tags,)               text: what the columns are called
ids        (tracks,)             text: the tracks' identifiers in their table
artists    (tracks,)             text, optional; ``""`` where it is not known
seen       (tracks,)             text, optional: what the system saw of the recording in
                                 training, see `moodtheme.scores.names.Seen`
dimensions (dimensions,)         text, optional: such as ``valence [1..9]``, with the scale's ends
ratings    (tracks, dimensions)  float, optional: listeners' beside truth, a system's beside
                                 scores; NaN where there is none
========== ===================== ==========================================================

Any other member is one more system's scores, called by its name. ``.csv`` and ``.parquet``
(`moodtheme.scores.tables`) hold the same. A ``.npy`` is a matrix without names.

float16 and float32 are read as float32, float64 stays: both steps are exact, so two scores are
tied after reading if and only if they were tied in the file. Files are never unpickled.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from moodtheme.errors import EvaluationError, UsageError
from moodtheme.files import destination, replacing
from moodtheme.scores.names import Names, names_from
from moodtheme.scores.ratings import Ratings, dimension_of
from moodtheme.scores.tables import load_csv, load_parquet, write_csv, write_parquet

MAX_BYTES = 8 * 1024**3
"""Largest matrix read: 8 GiB hold the scores of 56 tags for 38 million tracks."""

MATRIX_SUFFIXES = (".npz", ".csv", ".parquet", ".npy")
"""What the name of a written matrix may end in."""

_MAGIC = b"\x93NUMPY"
"""What a ``.npy`` begins with."""

_NAMES = ("tags", "ids", "artists", "seen")
_NOT_TAGS = (*_NAMES, "ratings", "dimensions")


class Content(StrEnum):
    """What a matrix holds, and the member it is in."""

    SCORES = "scores"
    TRUTH = "truth"
    DECISIONS = "decisions"


@dataclass(frozen=True)
class FileContent:
    """What a file holds.

    Attributes
    ----------
    matrices
        By member's name; a matrix of a file that does not say what it is, is under ``""``.
    names
        Of their rows and columns.
    ratings
        On dimensions such as valence, where there are any.
    """

    matrices: Mapping[str, npt.NDArray[Any]]
    names: Names
    ratings: Ratings | None = None


def read_file(path: Path) -> FileContent:
    """Read every matrix of a file.

    Raises
    ------
    EvaluationError
        The file cannot be read, holds no matrix, or its names do not fit.
    """
    if path.suffix == ".npz":
        return _read_archive(path)
    ratings = None
    if path.suffix.lower() == ".csv":
        matrix, names, ratings = load_csv(path)
    elif path.suffix.lower() == ".parquet":
        matrix, names, ratings = load_parquet(path)
    else:
        matrix, names = _read_array(path), Names()
    require_matrix(matrix, str(path))
    return FileContent({"": matrix}, names.check(matrix.shape, str(path)), ratings)


def write_matrix(
    path: Path,
    matrix: npt.NDArray[Any],
    names: Names,
    *,
    content: Content = Content.SCORES,
    ratings: Ratings | None = None,
) -> None:
    """Write a matrix with its names and ratings, whole or not at all, in the form of the suffix.

    A ``.npy`` holds the matrix alone.

    Raises
    ------
    EvaluationError
        The names do not fit the matrix.
    MissingExtraError
        A Parquet file is wanted and pyarrow is not installed.
    UsageError
        The path ends in none of `MATRIX_SUFFIXES`, cannot be written to, or is to be a table and
        the tags are not known.
    """
    suffix = path.suffix.lower()
    if suffix not in MATRIX_SUFFIXES and not path.is_dir() and not destination(path)[1]:
        raise UsageError(
            f"{path}: let the name of this output end in .npz (with names), .csv, .parquet, or "
            ".npy (numbers alone)"
        )
    names.check(matrix.shape, str(path))
    if suffix in {".csv", ".parquet"} and not names.tags:
        raise UsageError(
            f"{path}: a table needs the columns' names; give them with --tags, or write .npy"
        )
    with replacing(path) as temporary:
        if suffix == ".npz":
            _write_archive(temporary, matrix, names, content, ratings)
        elif suffix == ".csv":
            write_csv(temporary, matrix, names, ratings)
        elif suffix == ".parquet":
            write_parquet(temporary, matrix, names, ratings)
        else:
            with temporary.open("wb") as file:
                np.save(file, np.ascontiguousarray(matrix), allow_pickle=False)


def require_matrix(array: npt.NDArray[Any], source: str) -> None:
    """See that an array is (tracks, tags) with at least one of each.

    Raises
    ------
    EvaluationError
        It is not.
    """
    if array.ndim != 2 or 0 in array.shape:
        raise EvaluationError(
            f"{source}: has shape {array.shape}; expected (tracks, tags) with at least one of each"
        )


def _write_archive(
    path: Path,
    matrix: npt.NDArray[Any],
    names: Names,
    content: Content,
    ratings: Ratings | None,
) -> None:
    members: dict[str, npt.NDArray[Any]] = {str(content): matrix}
    members |= {
        name: np.array(getattr(names, name), dtype=np.str_)
        for name in _NAMES
        if getattr(names, name)
    }
    if ratings is not None:
        members["dimensions"] = np.array(list(map(str, ratings.dimensions)), dtype=np.str_)
        members["ratings"] = ratings.values
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **members)


def _read_archive(path: Path) -> FileContent:
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise unreadable(path, ValueError("not a .npz file"))
        with np.load(path, allow_pickle=False) as archive:
            if sum(info.file_size for info in archive.zip.infolist()) > MAX_BYTES:
                raise EvaluationError(f"{path}: unpacks to more than 8 GiB; split it")
            members = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise unreadable(path, error) from error
    names = _names_of(path, members)
    ratings = _ratings_of(path, members)
    matrices = {name: array for name, array in members.items() if name not in _NOT_TAGS}
    for name, array in matrices.items():
        require_matrix(array, f"{path}:{name}")
        names.check(array.shape, f"{path}:{name}")
        if ratings is not None and len(ratings.values) != len(array):
            raise EvaluationError(
                f"{path}: has ratings of {len(ratings.values)} tracks and {name} of {len(array)}; "
                "write both for the same tracks"
            )
    return FileContent(matrices, names, ratings)


def _ratings_of(path: Path, members: Mapping[str, npt.NDArray[Any]]) -> Ratings | None:
    if "ratings" not in members or "dimensions" not in members:
        return None
    values, heads = members["ratings"], members["dimensions"]
    dimensions = [dimension_of(str(head)) for head in heads.reshape(-1)]
    known = tuple(dimension for dimension in dimensions if dimension is not None)
    if values.dtype.kind != "f" or values.ndim != 2 or values.shape[1:] != (len(known),):
        raise EvaluationError(
            f"{path}: its ratings, {values.dtype} of shape {values.shape}, do not fit its "
            f"dimensions, {', '.join(map(str, heads.reshape(-1)))}; write a float column for each, "
            "named such as valence [1..9]"
        )
    return Ratings(known, values.astype(np.float64))


def _names_of(path: Path, members: Mapping[str, npt.NDArray[Any]]) -> Names:
    for name in (*_NAMES, "dimensions"):
        array = members.get(name)
        if array is not None and (array.ndim != 1 or array.dtype.kind != "U"):
            raise EvaluationError(
                f"{path}: its member {name} must be one row of text (found {array.dtype}, shape "
                f"{array.shape}); write the names again, or call a system's scores otherwise"
            )
    found = {name: members[name].tolist() for name in _NAMES if name in members}
    return names_from(found, source=str(path))


def _read_array(path: Path) -> npt.NDArray[Any]:
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise unreadable(path, ValueError("not a .npy file"))
        # Mapping compares the header's shape with the file's size before anything is allocated.
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(path, error) from error
    if mapped.nbytes > MAX_BYTES:
        raise EvaluationError(f"{path}: larger than 8 GiB; split it")
    require_matrix(mapped, str(path))
    return np.array(mapped)


def unreadable(path: Path, error: Exception) -> EvaluationError:
    """An error for a file that is no score file, with the reason's first line."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return EvaluationError(
        f"{path}: cannot be read as a NumPy array ({reason}); give a .npy that numpy.save wrote, "
        "without pickled objects, or a .csv with a line of tags and a line of numbers a track"
    )
