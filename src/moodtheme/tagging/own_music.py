"""The user's own music as the reference: what a model said about it before, read back."""

import hashlib
import json
import math
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt

from moodtheme.arrays import FloatArray
from moodtheme.errors import ReferenceMusicError
from moodtheme.tagging.bundle import Bundle, Reference, Share

FEWEST_TRACKS = 20
"""Below it a standing says hardly more than above or below the middle."""
FEW_TRACKS = 100
"""Below it the most and the least of a hundred are guesses."""
LEVELS = (
    0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, *(round(0.1 + 0.05 * i, 2) for i in range(17)),
    0.925, 0.95, 0.97, 0.98, 0.99, 0.995, 1.0,
)  # fmt: skip
"""Shares of the tracks at which their scores are kept; closest where things stand out."""
MOST_TRACKS = 100_000  # held, of more a random choice: 140 MB at most with 58 numbers each
_LONGEST_LINE = 1 << 26  # bytes; a day of music with a timeline has about 50 MB
_ADVICE = "name what `moodtheme tag --format jsonl` wrote with this model"


class TagRow(msgspec.Struct):
    """A tag in a row of results."""

    tag: str
    score: Share


class DimensionRow(msgspec.Struct):
    """A dimension in a row of results."""

    value: Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]


class ModelRow(msgspec.Struct):
    """The model in a row of results."""

    name: str
    digest: str


class ResultRow(msgspec.Struct):
    """What counts of a row of JSON Lines that `moodtheme tag` wrote."""

    path: str
    tags: list[TagRow]
    error: str | None
    model: ModelRow | None
    audio: str | None = None
    version: str = ""
    duration_s: float | None = None
    dimensions: dict[str, DimensionRow] = {}
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    windows: int | None = None


def reference_of(
    scores: npt.ArrayLike, dimensions: npt.ArrayLike, *, music: str, tracks: int | None = None
) -> Reference:
    """The reference that tracks make together.

    Parameters
    ----------
    scores
        In [0, 1], shape (tracks, tags).
    dimensions
        Finite, shape (tracks, dimensions), with no columns where the model has none.
    music
        Which music it is: the name of a file.
    tracks
        How many tracks these were chosen from; None for all.

    Returns
    -------
    Reference
        Quantiles at `LEVELS`, each column's by itself, interpolated linearly between tracks.
    """

    def rows(values: npt.ArrayLike) -> tuple[tuple[float, ...], ...]:
        columns = np.quantile(np.asarray(values, np.float64), LEVELS, axis=0).T
        return tuple(tuple(row) for row in np.maximum.accumulate(columns, axis=1).tolist())

    return Reference(
        levels=LEVELS,
        tags=rows(scores),
        dimensions=rows(dimensions),
        # Names that are not UTF-8 cannot be written as they are.
        music=music.encode("utf-8", "backslashreplace").decode(),
        tracks=len(np.asarray(scores)) if tracks is None else tracks,
    )


def reference_digest(reference: Reference) -> str:
    """SHA-256, as hexadecimal digits, of all that it says."""
    return hashlib.sha256(msgspec.json.encode(reference)).hexdigest()


def read_reference(path: str | os.PathLike[str], bundle: Bundle) -> Reference:
    """Read results that a model gave before, as the reference for what it will give.

    Failed tracks are passed over. The file is read as it comes; of more than 100,000 tracks a
    random choice of so many counts, the same every time.

    Parameters
    ----------
    path
        JSON Lines of `moodtheme tag` with all tags.
    bundle
        The model.

    Raises
    ------
    ReferenceMusicError
        If it cannot be read, a line is something else or another model's, or there are fewer than
        `FEWEST_TRACKS` tracks. Names the file and the line.
    """
    path = Path(path)
    chosen: list[FloatArray] = []
    seen = 0
    draw = random.Random(0)
    for row in _rows(path, bundle):
        seen += 1
        if len(chosen) < MOST_TRACKS:
            chosen.append(row)
        elif (place := draw.randrange(seen)) < MOST_TRACKS:
            chosen[place] = row
    if seen < FEWEST_TRACKS:
        raise ReferenceMusicError(
            f"{path} has {seen} tracks, and a reference needs at least {FEWEST_TRACKS}; "
            "tag more music into it"
        )
    values = np.stack(chosen)
    count = len(bundle.tags)
    return reference_of(values[:, :count], values[:, count:], music=path.name, tracks=seen)


def _rows(path: Path, bundle: Bundle) -> Iterator[FloatArray]:
    """Scores and dimensions of each track, in the bundle's order."""
    digest = bundle.digest
    try:
        with path.open("rb") as lines:
            number = 0
            while line := lines.readline(_LONGEST_LINE + 1):
                number += 1
                try:
                    row = _values(line, bundle, digest)
                except ValueError as error:
                    raise ReferenceMusicError(f"{path}, line {number}: {error}") from None
                if row is not None:
                    yield row
    except OSError as error:
        raise ReferenceMusicError(
            f"{path} cannot be read as a reference ({error.strerror}); {_ADVICE}"
        ) from error


def _values(line: bytes, bundle: Bundle, digest: str) -> FloatArray | None:
    """Scores and dimensions of a line; None for a track that failed.

    Raises
    ------
    ValueError
        It is something else, or of another model.
    """
    if len(line) > _LONGEST_LINE:
        raise ValueError(f"longer than {_LONGEST_LINE >> 20} MB; {_ADVICE}")
    try:
        # msgspec's own reader refuses the escapes that stand for bytes of names.
        entry: Any = json.loads(line)
        row = msgspec.convert(entry, ResultRow)
    except (ValueError, RecursionError) as error:
        why = "not JSON" if isinstance(error, json.JSONDecodeError) else str(error)
        raise ValueError(f"not a result of tagging ({why}); {_ADVICE}") from None
    if row.error is not None:
        return None
    if row.model is None or row.model.digest != digest:
        made = "no model" if row.model is None else f"{row.model.name} {row.model.digest[:8]}"
        raise ValueError(
            f"made by {made}, not by {bundle.name} {digest[:8]}; tag that music with it anew"
        )
    return numbers_of(row, bundle)


def numbers_of(row: ResultRow, bundle: Bundle) -> FloatArray:
    """Scores and dimensions of a row, in the order of its bundle, float32 (tags + dimensions,).

    Raises
    ------
    ValueError
        They are not all those of the bundle, or not finite.
    """
    scores = {tag.tag: tag.score for tag in row.tags}
    if scores.keys() != set(bundle.tags) or len(row.tags) != len(bundle.tags):
        raise ValueError(
            f"{len(row.tags)} tags, not the {len(bundle.tags)} of {bundle.name}; "
            "tag that music without --top"
        )
    names = [dimension.name for dimension in bundle.dimensions]
    if row.dimensions.keys() != set(names):
        raise ValueError(f"its dimensions are not those of {bundle.name}; {_ADVICE}")
    values = [scores[tag] for tag in bundle.tags] + [row.dimensions[n].value for n in names]
    if not all(map(math.isfinite, values)):
        raise ValueError(f"a number is not finite; {_ADVICE}")
    return np.array(values, np.float32)
