"""Score and truth files: matrices of shape (tracks, tags) on disk.

A score file is a ``.npy`` or ``.csv`` (`moodtheme.scores.csv_matrices`) with one system's scores,
named by the file's stem, or a ``.npz`` with several systems, each named by its member.
``FILE.npz:MEMBER`` picks one member. Where two systems would share a name, both are called by their
path (``FILE.npz:MEMBER`` for members).

float16 and float32 are read as float32, float64 stays: both steps are exact, so two scores are
tied after reading if and only if they were tied in the file. Files are never unpickled.
"""

import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from moodtheme.errors import EvaluationError, UsageError
from moodtheme.files import destination, replacing
from moodtheme.scores.csv_matrices import load_csv

ScoreMatrix: TypeAlias = npt.NDArray[np.floating[Any]]
BoolMatrix: TypeAlias = npt.NDArray[np.bool_]

_MAGIC = b"\x93NUMPY"
"""What a ``.npy`` begins with."""

MAX_BYTES = 8 * 1024**3
"""Largest matrix read: 8 GiB hold the scores of 56 tags for 38 million tracks."""


@dataclass(frozen=True)
class SystemScores:
    """The scores of one system.

    Attributes
    ----------
    name
        What tables call it.
    source
        The file it came from, with ``:MEMBER`` for a member of an ``.npz``.
    values
        float32 or float64 (tracks, tags).
    """

    name: str
    source: str
    values: ScoreMatrix


def load_truth(path: Path, *, tags: Sequence[str] | None = None) -> BoolMatrix:
    """Read a label matrix.

    Parameters
    ----------
    path
        A ``.npy`` of shape (tracks, tags): booleans, or numbers that are all 0 or 1. Or a
        ``.csv`` of such numbers.
    tags
        The columns wanted of a ``.csv``, in order.

    Raises
    ------
    EvaluationError
        The file cannot be read, is no matrix, or holds anything but 0 and 1.
    """
    matrix = _load_matrix(path, tags)
    if matrix.dtype == np.bool_:
        return matrix.astype(np.bool_)
    if matrix.dtype.kind not in "iuf" or not np.isin(matrix, (0, 1)).all():
        raise EvaluationError(
            f"{path}: truth must be booleans, or numbers that are all 0 or 1 "
            f"(found {matrix.dtype}); are truth and scores swapped?"
        )
    return matrix.astype(np.bool_)


def load_systems(
    paths: Sequence[str | Path], *, tags: Sequence[str] | None = None
) -> list[SystemScores]:
    """Read score files; the order is that of the paths, then of the members.

    Parameters
    ----------
    paths
        ``.npy``, ``.csv``, ``.npz`` or ``FILE.npz:MEMBER``.
    tags
        The columns wanted of a ``.csv``, in order.

    Raises
    ------
    EvaluationError
        A file cannot be read or does not hold floating-point matrices.
    UsageError
        No path was given, or the same system twice.
    """
    if not paths:
        raise UsageError("no score files; name at least one .npy, .csv or .npz file")
    systems = [system for path in paths for system in _load_file(str(path), tags)]
    uses = Counter(system.name for system in systems)
    named = [
        replace(system, name=system.source) if uses[system.name] > 1 else system
        for system in systems
    ]
    repeated = [name for name, count in Counter(s.name for s in named).items() if count > 1]
    if repeated:
        raise UsageError(f"{repeated[0]}: given twice; name each system once")
    return named


def match_systems(
    systems: Sequence[SystemScores], where: Path, *, tags: Sequence[str] | None = None
) -> list[SystemScores]:
    """Find the scores that the same systems gave on another set, such as validation.

    Parameters
    ----------
    systems
        The systems to look for.
    where
        A folder with a ``.npy`` or ``.csv`` of the same stem for each; an ``.npz`` with a member
        of the same name for each; or, for a single system, one file whatever its name.
    tags
        The columns wanted of a ``.csv``, in order.

    Raises
    ------
    EvaluationError
        A system has no counterpart.
    """
    if where.is_dir():
        files = [*where.glob("*.csv"), *where.glob("*.npy")]
        candidates = {path.stem: str(path) for path in files}
    else:
        members = _load_file(str(where), tags)
        if len(systems) == 1 and len(members) == 1:
            return [replace(members[0], name=systems[0].name)]
        candidates = {_own_name(member.source): member.source for member in members}
    wanted = [_own_name(system.source) for system in systems]
    for name in wanted:
        if name not in candidates:
            raise EvaluationError(
                f"{where}: holds no scores called {name!r}; for several systems give a folder of "
                ".npy files of the same stems, or an .npz of the same members"
            )
        if wanted.count(name) > 1:
            raise EvaluationError(
                f"{where}: several of the score files are called {name!r}, so their counterparts "
                "cannot be told apart; rename them or take them one by one"
            )
    found = [_load_file(candidates[name], tags)[0] for name in wanted]
    return [replace(other, name=system.name) for system, other in zip(systems, found, strict=True)]


def as_scores(scores: npt.NDArray[Any]) -> ScoreMatrix:
    """Widen half precision; the step is exact, so ties stay ties."""
    return scores.astype(np.float32) if scores.dtype == np.float16 else scores


def save_matrix(path: Path, matrix: npt.NDArray[Any]) -> None:
    """Write a ``.npy`` so that the file is either whole or not there.

    Raises
    ------
    UsageError
        The path does not end in ``.npy`` or cannot be written to.
    """
    if path.suffix != ".npy" and not path.is_dir() and not destination(path)[1]:
        raise UsageError(f"{path}: the output is a NumPy array; let its name end in .npy")
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.ascontiguousarray(matrix), allow_pickle=False)


def _load_file(source: str, tags: Sequence[str] | None) -> list[SystemScores]:
    path, member = _split_member(source)
    if path.suffix != ".npz":
        return [SystemScores(path.stem, str(path), _floating(_load_matrix(path, tags), source))]
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise _unreadable(path, ValueError("not a .npz file"))
        with np.load(path, allow_pickle=False) as archive:
            if sum(info.file_size for info in archive.zip.infolist()) > MAX_BYTES:
                raise EvaluationError(f"{path}: unpacks to more than 8 GiB; split it")
            if not archive.files or (member is not None and member not in archive.files):
                raise EvaluationError(
                    f"{path}: has no member {member or ''}; its members are: "
                    f"{', '.join(archive.files) or 'none'}"
                )
            return [
                SystemScores(name, f"{path}:{name}", _floating(archive[name], f"{path}:{name}"))
                for name in (archive.files if member is None else [member])
            ]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error


def _split_member(source: str) -> tuple[Path, str | None]:
    head, separator, member = source.partition(".npz:")
    return (Path(f"{head}.npz"), member) if separator else (Path(source), None)


def _own_name(source: str) -> str:
    path, member = _split_member(source)
    return path.stem if member is None else member


def _load_matrix(path: Path, tags: Sequence[str] | None) -> npt.NDArray[Any]:
    if path.suffix.lower() == ".csv":
        matrix = load_csv(path, tags)
        _require_matrix(matrix, str(path))
        return matrix
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise _unreadable(path, ValueError("not a .npy file"))
        # Mapping compares the header's shape with the file's size before anything is allocated.
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _unreadable(path, error) from error
    if mapped.nbytes > MAX_BYTES:
        raise EvaluationError(f"{path}: larger than 8 GiB; split it")
    _require_matrix(mapped, str(path))
    return np.array(mapped)


def _require_matrix(array: npt.NDArray[Any], source: str) -> None:
    if array.ndim != 2 or 0 in array.shape:
        raise EvaluationError(
            f"{source}: has shape {array.shape}; expected (tracks, tags) with at least one of each"
        )


def _floating(matrix: npt.NDArray[Any], source: str) -> ScoreMatrix:
    _require_matrix(matrix, source)
    if matrix.dtype.kind != "f" or matrix.dtype.itemsize > 8:
        raise EvaluationError(
            f"{source}: scores must be float16, float32 or float64, found {matrix.dtype}; "
            "are these labels or decisions? Write scores with .astype('float32')"
        )
    return matrix.astype(np.float64 if matrix.dtype.itemsize == 8 else np.float32)


def _unreadable(path: Path, error: Exception) -> EvaluationError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return EvaluationError(
        f"{path}: cannot be read as a NumPy array ({reason}); give a .npy that numpy.save wrote, "
        "without pickled objects, or a .csv with a line of tags and a line of numbers a track"
    )
