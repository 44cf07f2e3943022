"""Score and truth matrices as CSV: a line of tags, then a line of numbers for each track.

A column called ``track`` or ``path`` is passed over, so rows are matched by their order, as in a
``.npy``. Columns are matched by their tag: they are put in the order of the vocabulary, if the
file has exactly its tags.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from moodtheme.errors import EvaluationError
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS, bare_name

MAX_CSV_BYTES = 1024**3
"""Largest file read: 1 GiB of text holds the scores of 56 tags for about two million tracks."""

_TRACK_COLUMNS = frozenset({"track", "path"})


def load_csv(path: Path, vocabulary: Sequence[str] | None = None) -> np.ndarray:
    """Read a matrix.

    Parameters
    ----------
    path
        UTF-8 text, separated by commas.
    vocabulary
        The columns wanted, in order. By default the 56 official tags where the file has these,
        else the file's own order.

    Returns
    -------
    float64 (tracks, tags)
        Not checked for range, NaN or infinity.

    Raises
    ------
    EvaluationError
        The file cannot be read, has no line of tags, a cell is no number, or the tags are others
        than those of the vocabulary.
    """
    try:
        if path.stat().st_size > MAX_CSV_BYTES:
            raise EvaluationError(f"{path}: larger than 1 GiB; give scores of this size as .npy")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(
            f"{path}: cannot be read as CSV ({error}); write a line of tags, then a line of "
            "numbers for each track"
        ) from error
    heads = [bare_name(head) for head in rows[0]] if rows else []
    kept = [index for index, head in enumerate(heads) if head.lower() not in _TRACK_COLUMNS]
    tags = [heads[index] for index in kept]
    if not tags or len(set(tags)) < len(tags) or any(_number(tag) is not None for tag in tags):
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
    return matrix[:, _order(path, tags, vocabulary)]


def _order(path: Path, tags: Sequence[str], vocabulary: Sequence[str] | None) -> list[int]:
    if vocabulary is None:
        wanted = MOOD_THEME_TAGS if set(tags) == set(MOOD_THEME_TAGS) else tags
    else:
        wanted = vocabulary
    if set(wanted) != set(tags):
        odd = sorted(set(wanted) ^ set(tags))[0]
        lack = "lacks" if odd in wanted else "has a column for"
        raise EvaluationError(
            f"{path}: {lack} the tag {odd!r}; give a file with exactly the tags of --tags"
        )
    return [tags.index(tag) for tag in wanted]


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
