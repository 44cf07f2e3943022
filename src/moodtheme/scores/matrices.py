"""Score and truth files: matrices of shape (tracks, tags) with the names of rows and columns.

`moodtheme.scores.forms` describes the files. A file with one system's scores is named by its stem;
a ``.npz`` may have several systems, each named by its member, and ``FILE.npz:MEMBER`` picks one.
Where two systems would share a name, both are called by their path (``FILE.npz:MEMBER`` for
members).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from moodtheme.errors import EvaluationError, UsageError
from moodtheme.scores.forms import MATRIX_SUFFIXES, Content, read_file
from moodtheme.scores.names import NO_NAMES, Names, columns_like, in_order_of, rows_like
from moodtheme.scores.ratings import Ratings

ScoreMatrix: TypeAlias = npt.NDArray[np.floating[Any]]
BoolMatrix: TypeAlias = npt.NDArray[np.bool_]


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
    names
        Of the rows and columns.
    ratings
        What it says of valence and the like, where it does.
    """

    name: str
    source: str
    values: ScoreMatrix
    names: Names = NO_NAMES
    ratings: Ratings | None = None


@dataclass(frozen=True)
class Truth:
    """Labels.

    Attributes
    ----------
    source
        The file they came from.
    values
        bool (tracks, tags).
    names
        Of the rows and columns.
    ratings
        Of listeners, where there are any.
    """

    source: str
    values: BoolMatrix
    names: Names = NO_NAMES
    ratings: Ratings | None = None


_Matrix = TypeVar("_Matrix", SystemScores, Truth)


def put_like(one: _Matrix, like: SystemScores | Truth, *, rows: bool = True) -> _Matrix:
    """Put a matrix into the order of another's names.

    Parameters
    ----------
    one
        To be ordered.
    like
        Whose order it is to have.
    rows
        Whether both hold the same tracks; otherwise only columns are ordered.

    Raises
    ------
    EvaluationError
        The tags differ, or tracks are lacking.

    Warns
    -----
    EvaluationWarning
        Tracks are named in only one of the two, so their order is trusted.
    """
    places = {"source": one.source, "like_source": like.source}
    values, names = columns_like(one.values, one.names, like.names, **places)
    found = rows_like(names, like.names, **places) if rows else None
    if found is None:
        return replace(one, values=values, names=names)
    return replace(
        one,
        values=values[found],
        names=replace(names.rows(found), ids=like.names.ids),
        ratings=one.ratings and one.ratings.rows(found),
    )


def read_truth(path: Path, *, tags: Sequence[str] | None = None) -> Truth:
    """Read a label matrix with its names.

    Parameters
    ----------
    path
        A file of `moodtheme.scores.forms`: booleans, or numbers that are all 0 or 1.
    tags
        The columns wanted, in order.

    Raises
    ------
    EvaluationError
        The file cannot be read, is no matrix, holds anything but 0 and 1, or other tags.
    """
    found = read_file(path)
    matrices, names = found.matrices, found.names
    labels = [name for name in ("", Content.TRUTH, Content.DECISIONS) if name in matrices]
    if not labels:
        raise EvaluationError(
            f"{path}: has no member 'truth' (members: {', '.join(matrices) or 'none'}); are truth "
            "and scores swapped?"
        )
    matrix = matrices[labels[0]]
    if matrix.dtype.kind not in "biuf" or not np.isin(matrix, (0, 1)).all():
        raise EvaluationError(
            f"{path}: truth must be booleans, or numbers that are all 0 or 1 "
            f"(found {matrix.dtype}); are truth and scores swapped?"
        )
    values, names = in_order_of(tags, matrix.astype(np.bool_), names, source=str(path))
    return Truth(str(path), values, names, found.ratings)


def load_truth(path: Path, *, tags: Sequence[str] | None = None) -> BoolMatrix:
    """Read a label matrix that is combined with nothing else; see `read_truth`."""
    return read_truth(path, tags=tags).values


def load_systems(
    paths: Sequence[str | Path],
    *,
    tags: Sequence[str] | None = None,
    like: Truth | SystemScores | None = None,
) -> list[SystemScores]:
    """Read score files; the order is that of the paths, then of the members.

    Parameters
    ----------
    paths
        Files of `moodtheme.scores.forms`, or ``FILE.npz:MEMBER``.
    tags
        The columns wanted, in order.
    like
        What the scores are to be compared or combined with: their rows and columns come in its
        order, by name.

    Raises
    ------
    EvaluationError
        A file cannot be read, does not hold floating-point matrices, or other tracks or tags.
    UsageError
        No path was given, or the same system twice.

    Warns
    -----
    EvaluationWarning
        Tracks are named in only one of two files, so their order is trusted.
    """
    if not paths:
        raise UsageError("no score files; name at least one .npz, .npy or .csv file")
    systems = [system for path in paths for system in _load_file(str(path), tags, like)]
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
    systems: Sequence[SystemScores],
    where: Path,
    *,
    tags: Sequence[str] | None = None,
    like: Truth | SystemScores | None = None,
) -> list[SystemScores]:
    """Find the scores that the same systems gave on another set, such as validation.

    Parameters
    ----------
    systems
        The systems to look for.
    where
        A folder with a file of the same stem for each; an ``.npz`` with a member of the same name
        for each; or, for a single system, one file whatever its name.
    tags, like
        As for `load_systems`; ``like`` is the set's truth.

    Raises
    ------
    EvaluationError
        A system has no counterpart, or it has other tracks or tags.
    """
    if where.is_dir():
        # Of two files with one stem the one that has names.
        files = [file for kind in reversed(MATRIX_SUFFIXES) for file in where.glob(f"*{kind}")]
        candidates = {path.stem: str(path) for path in files}
    else:
        members = _load_file(str(where), tags, like)
        if len(systems) == 1 and len(members) == 1:
            return [replace(members[0], name=systems[0].name)]
        candidates = {_own_name(member.source): member.source for member in members}
    wanted = [_own_name(system.source) for system in systems]
    for name in wanted:
        if name not in candidates:
            raise EvaluationError(
                f"{where}: holds no scores called {name!r}; for several systems give a folder of "
                "files of the same stems, or an .npz of the same members"
            )
        if wanted.count(name) > 1:
            raise EvaluationError(
                f"{where}: several of the score files are called {name!r}, so their counterparts "
                "cannot be told apart; rename them or take them one by one"
            )
    found = [_load_file(candidates[name], tags, like)[0] for name in wanted]
    return [replace(other, name=system.name) for system, other in zip(systems, found, strict=True)]


def as_scores(scores: npt.NDArray[Any]) -> ScoreMatrix:
    """Widen half precision; the step is exact, so ties stay ties."""
    return scores.astype(np.float32) if scores.dtype == np.float16 else scores


def _load_file(
    source: str, tags: Sequence[str] | None, like: Truth | SystemScores | None
) -> list[SystemScores]:
    path, member = _split_member(source)
    there = read_file(path)
    matrices, names = there.matrices, there.names
    systems = {
        name: matrix
        for name, matrix in matrices.items()
        if name not in {Content.TRUTH, Content.DECISIONS} or member == name
    }
    if not systems or (member is not None and member not in systems):
        swapped = "; are truth and scores swapped?" if not systems and matrices else ""
        raise EvaluationError(
            f"{path}: has no member {member or 'scores'}; its members are: "
            f"{', '.join(matrices) or 'none'}{swapped}"
        )
    found = []
    for name in systems if member is None else [member]:
        alone = member is None and name in {"", Content.SCORES} and len(systems) == 1
        place = str(path) if alone else f"{path}:{name}"
        values, own = in_order_of(tags, _floating(systems[name], place), names, source=place)
        system = SystemScores(path.stem if alone else name, place, values, own, there.ratings)
        found.append(system if like is None else put_like(system, like))
    return found


def _split_member(source: str) -> tuple[Path, str | None]:
    head, separator, member = source.partition(".npz:")
    return (Path(f"{head}.npz"), member) if separator else (Path(source), None)


def _own_name(source: str) -> str:
    path, member = _split_member(source)
    return path.stem if member is None else member


def _floating(matrix: npt.NDArray[Any], source: str) -> ScoreMatrix:
    if matrix.dtype.kind != "f" or matrix.dtype.itemsize > 8:
        raise EvaluationError(
            f"{source}: scores must be float16, float32 or float64, found {matrix.dtype}; "
            "are these labels or decisions? Write scores with .astype('float32')"
        )
    return matrix.astype(np.float64 if matrix.dtype.itemsize == 8 else np.float32)
