"""What truth, scores and decisions must be before anything is computed from them.

A matrix that cannot be right raises; a figure that cannot be computed is left out with a warning
that names its tag. Nothing undefined is replaced by a number.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from moodtheme.errors import EvaluationError, EvaluationWarning
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix, as_scores
from moodtheme.scores.names import Seen
from moodtheme.scores.vocabulary import tags_for
from moodtheme.work import some_of


def check_truth(truth: npt.NDArray[Any], *, tags: Sequence[str] | None = None) -> tuple[str, ...]:
    """Check a label matrix and name its columns.

    Parameters
    ----------
    truth
        bool (tracks, tags).
    tags
        Column names; by default those of `moodtheme.scores.vocabulary.tags_for`.

    Returns
    -------
    tuple of str
        One name a column.

    Raises
    ------
    EvaluationError
        Not boolean, not two-dimensional, empty, or another number of names than columns.
    """
    if truth.ndim != 2 or 0 in truth.shape:
        raise EvaluationError(
            f"truth has shape {truth.shape}; give a matrix (tracks, tags) with at least one of each"
        )
    if truth.dtype != np.bool_:
        raise EvaluationError(f"truth is {truth.dtype}; convert the labels with .astype(bool)")
    names = tags_for(truth.shape[1]) if tags is None else tuple(tags)
    if len(names) != truth.shape[1]:
        raise EvaluationError(
            f"{len(names)} tag names for {truth.shape[1]} columns; give one name a column"
        )
    return names


def check_scores(
    scores: npt.NDArray[Any], truth: BoolMatrix, tags: Sequence[str], *, name: str = "scores"
) -> None:
    """Check that scores can be compared with a label matrix.

    Parameters
    ----------
    scores
        float16, float32 or float64 (tracks, tags), finite.
    truth
        bool (tracks, tags).
    tags
        Column names, for messages.
    name
        The system or file, for messages.

    Raises
    ------
    EvaluationError
        Another shape than the truth's, no floating-point numbers, or NaN or infinite scores.

    Warns
    -----
    EvaluationWarning
        Scores outside [0, 1], see `warn_of_range`.
    """
    if scores.shape != truth.shape:
        raise EvaluationError(
            f"{name}: scores of shape {scores.shape} against truth of shape {truth.shape}; "
            "both must hold the same tracks and tags in the same order"
        )
    check_finite(scores, tags, name=name)
    warn_of_range(scores, tags, name=name)


def checked(truth: BoolMatrix, scores: ScoreMatrix, tags: Sequence[str] | None) -> ScoreMatrix:
    """Scores to compute from, half precision widened, once both matrices have been checked.

    Raises
    ------
    EvaluationError
        See `check_truth` and `check_scores`.

    Warns
    -----
    EvaluationWarning
        See `check_scores` and `warn_of_undefined`.
    """
    names = check_truth(truth, tags=tags)
    check_scores(scores, truth, names)
    warn_of_undefined(truth, names)
    return as_scores(scores)


def warn_of_range(scores: npt.NDArray[Any], tags: Sequence[str], *, name: str = "scores") -> None:
    """Name the tags whose scores leave [0, 1].

    Warns
    -----
    EvaluationWarning
        Rankings still mean something, fixed thresholds and comparisons between tags do not.
    """
    outside = np.any((scores < 0) | (scores > 1), axis=0)
    if outside.any():
        warnings.warn(
            f"{name}: scores outside [0, 1] for {spell(tags, outside)}; rankings hold, fixed "
            "thresholds mean nothing: apply the sigmoid if these are logits",
            EvaluationWarning,
            stacklevel=4,
        )


def check_finite(scores: npt.NDArray[Any], tags: Sequence[str], *, name: str = "scores") -> None:
    """Check that a matrix holds finite floating-point numbers.

    Raises
    ------
    EvaluationError
        The matrix has no floating-point type, or a score is NaN or infinite; the message names
        the tag and the first track.
    """
    if scores.dtype.kind != "f":
        raise EvaluationError(
            f"{name}: scores are {scores.dtype}; give floating-point scores, not labels or "
            "decisions"
        )
    finite = np.isfinite(scores)
    if not finite.all():
        columns = ~np.all(finite, axis=0)
        row = int(np.flatnonzero(~np.all(finite, axis=1))[0])
        raise EvaluationError(
            f"{name}: NaN or infinite scores for {spell(tags, columns)}, first in row {row}; "
            "predict these tracks again or leave them out of truth and scores alike"
        )


def check_seen(seen: Sequence[Seen], *, name: str, allow: bool = False) -> bool:
    """See that a system is not tested on what it was trained on.

    Parameters
    ----------
    seen
        What it saw of each track; empty where that is not known.
    name
        The system or file, for messages.
    allow
        Warn where it was trained on them, instead of refusing.

    Returns
    -------
    bool
        Whether it was trained on some of the very recordings.

    Raises
    ------
    EvaluationError
        It was, and that is not allowed.

    Warns
    -----
    EvaluationWarning
        It was, or its epoch was chosen on some, or it was trained on others by the same artists.
    """
    for kind, what in (
        (Seen.TRAIN, "recordings were trained on"),
        (Seen.VALIDATION, "recordings chose the system's epoch"),
        (Seen.ARTIST, "tracks are by artists that were trained on"),
    ):
        count = list(seen).count(kind)
        if count and kind is Seen.TRAIN and not allow:
            raise EvaluationError(
                f"{name}: {count} of {len(seen)} {what}, so these figures would be no test; score "
                "other recordings, or have the figures marked with --allow-seen"
            )
        if count:
            warnings.warn(
                f"{name}: {count} of {len(seen)} {what}: figures come out too good",
                EvaluationWarning,
                stacklevel=3,
            )
    return Seen.TRAIN in seen


def warn_of_undefined(truth: BoolMatrix, tags: Sequence[str], *, name: str = "truth") -> None:
    """Name the tags whose figures are undefined and therefore left out of macro averages.

    Warns
    -----
    EvaluationWarning
        A tag has no positives (no figure is defined), or no negatives (no ROC-AUC).
    """
    positives = truth.sum(axis=0)
    for missing, what, left_out in (
        (positives == 0, "positives", "all figures"),
        (positives == len(truth), "negatives", "ROC-AUC"),
    ):
        if missing.any():
            warnings.warn(
                f"{name}: no {what} for {spell(tags, missing)}: left out of {left_out}; "
                "macro averages are over the other tags",
                EvaluationWarning,
                stacklevel=3,
            )


def spell(tags: Sequence[str], chosen: BoolMatrix) -> str:
    """Write out the chosen tags, the first few by name."""
    names = [tag for tag, wanted in zip(tags, chosen, strict=True) if wanted]
    return f"{'tag' if len(names) == 1 else 'tags'} {some_of(names)}"
