"""The one table of tracks that every collection becomes."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from moodtheme.arrays import Float64Array
from moodtheme.errors import DatasetError
from moodtheme.scores.forms import Content, write_matrix
from moodtheme.scores.names import Names
from moodtheme.scores.ratings import Dimension, Ratings
from moodtheme.scores.vocabulary import tag_key
from moodtheme.work import twice

_TEXTS = ("tracks", "paths", "artists", "albums", "splits")
_ARRAYS = {"labels": np.bool_, "durations": np.float64, "ratings": np.float64}
"""Columns with an entry a track."""


class Split(StrEnum):
    """The part of a collection that a track belongs to."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, eq=False, kw_only=True)
class TrackTable:
    """
    Tracks in a fixed order with what is known of each; nothing of it can be changed.

    All columns have one entry a track. What a collection does not state is ``""`` (artist,
    album), NaN (duration) or None (split).
    """

    tracks: tuple[str, ...]
    """Identifiers, each once."""
    paths: tuple[str, ...]
    """Files relative to ``root``, with ``/`` on every system; or absolute."""
    tags: tuple[str, ...]
    """Names of the columns of ``labels``, each once."""
    labels: NDArray[np.bool_]
    """Truth, shape (tracks, tags), read-only."""
    artists: tuple[str, ...] = ()
    albums: tuple[str, ...] = ()
    splits: tuple[Split | None, ...] = ()
    durations: Float64Array = field(default_factory=lambda: np.empty(0))
    """Seconds, shape (tracks,), read-only."""
    root: Path = Path()
    dimensions: tuple[Dimension, ...] = ()
    """Names and scales of the columns of ``ratings``, such as valence from 1 to 9."""
    ratings: Float64Array = field(default_factory=lambda: np.empty((0, 0)))
    """Listeners' ratings, shape (tracks, dimensions), read-only; NaN where there is none."""

    def __post_init__(self) -> None:
        size = len(self.tracks)
        unknown = {
            "artists": ("",) * size,
            "albums": ("",) * size,
            "splits": (None,) * size,
            "durations": np.full(size, np.nan),
        }
        for name, column in unknown.items():
            if len(getattr(self, name)) == 0:
                object.__setattr__(self, name, column)
        if not self.dimensions:
            object.__setattr__(self, "ratings", np.empty((size, 0)))
        for name, kind in _ARRAYS.items():
            column = np.array(getattr(self, name), dtype=kind)  # a copy, for this table alone
            column.setflags(write=False)
            object.__setattr__(self, name, column)
        lengths = {name: len(getattr(self, name)) for name in ("paths", *unknown)}
        wrong = [f"{name} {length}" for name, length in lengths.items() if length != size]
        if wrong or self.labels.shape != (size, len(self.tags)):
            raise DatasetError(
                f"a table of {size} tracks and {len(self.tags)} tags has labels of shape "
                f"{self.labels.shape} and columns of another length ({', '.join(wrong) or 'none'})"
                "; give every column one entry a track"
            )
        if self.ratings.shape != (size, len(self.dimensions)):
            raise DatasetError(
                f"{size} tracks and {len(self.dimensions)} dimensions have ratings of shape "
                f"{self.ratings.shape}; give every track one of each, NaN where there is none"
            )
        if pair := twice(self.tracks):
            name = self.tracks[pair[0]]
            raise DatasetError(f"track {name!r} is in the table twice; remove one of the two")
        if pair := twice(map(tag_key, self.tags)):
            spellings = dict.fromkeys(repr(self.tags[place]) for place in pair)
            raise DatasetError(
                f"the tag {' and '.join(spellings)} is in the table twice; write one of the two, "
                "everywhere"
            )

    def __len__(self) -> int:
        return len(self.tracks)

    @property
    def files(self) -> list[Path]:
        """The tracks' files, with ``root`` in front."""
        return [self.root / path for path in self.paths]

    @property
    def names(self) -> Names:
        """What rows and columns of matrices for these tracks are called."""
        return Names(
            tags=self.tags, ids=self.tracks, artists=self.artists if any(self.artists) else ()
        )

    @property
    def rated(self) -> Ratings | None:
        """Its ratings with their dimensions; None where there are none."""
        return Ratings(self.dimensions, self.ratings) if self.dimensions else None

    def write_truth(self, path: Path) -> None:
        """Write the labels, and ratings where there are any, as a matrix with names."""
        write_matrix(path, self.labels, self.names, content=Content.TRUTH, ratings=self.rated)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp] | Sequence[int]) -> Self:
        """Return the table of some rows: a boolean mask, or row numbers in the wanted order."""
        mask_or_rows = np.asarray(rows)
        if mask_or_rows.dtype == np.bool_:
            mask_or_rows = np.flatnonzero(mask_or_rows)
        numbers = [int(row) for row in mask_or_rows]
        columns: dict[str, Any] = {
            name: tuple(getattr(self, name)[row] for row in numbers) for name in _TEXTS
        }
        columns |= {name: getattr(self, name)[numbers] for name in _ARRAYS}
        return replace(self, **columns)

    def part(self, split: Split) -> Self:
        """Return the tracks of one split, in their order.

        Raises
        ------
        DatasetError
            There are none.
        """
        rows = [row for row, other in enumerate(self.splits) if other is split]
        if not rows:
            there = sorted({str(other) for other in self.splits if other is not None})
            raise DatasetError(
                f"no track is in the split {str(split)!r} (splits there: "
                f"{', '.join(there) or 'none'}); add a split column, or have one made with "
                "`moodtheme dataset split`"
            )
        return self.select(rows)

    def present(self) -> Self:
        """Return the tracks whose file exists."""
        return self.select([row for row, file in enumerate(self.files) if file.is_file()])

    def with_tags(self, tags: Sequence[str], *, whose: str) -> Self:
        """Return the same tracks with the tags of a vocabulary, in its order.

        Parameters
        ----------
        tags
            Wanted; one that no track has is a column of zeros.
        whose
            Where they come from, for messages.

        Raises
        ------
        DatasetError
            A track has a tag that is not wanted.
        """
        column = {tag_key(tag): number for number, tag in enumerate(tags)}
        labels = np.zeros((len(self), len(tags)), dtype=np.bool_)
        for tag, has_it in zip(self.tags, self.labels.T, strict=True):
            if tag_key(tag) in column:
                labels[:, column[tag_key(tag)]] = has_it
            elif has_it.any():
                raise DatasetError(
                    f"the tag {tag!r} of the table is not among the {len(tags)} of {whose}; add it "
                    "there, or take it out of the table"
                )
        return replace(self, tags=tuple(tags), labels=labels)

    def with_splits(self, splits: Sequence[Split | None]) -> Self:
        """Return the same tracks with other splits."""
        return replace(self, splits=tuple(splits))


def concatenate(tables: Sequence[TrackTable]) -> TrackTable:
    """Put tables with the same tags and root below one another."""
    first = tables[0]
    for table in tables[1:]:
        own = (table.tags, table.dimensions, table.root)
        if own != (first.tags, first.dimensions, first.root):
            raise DatasetError(
                "tables with different tags, dimensions or folders cannot be put together; read "
                "them with the same list of tags"
            )
    columns: dict[str, Any] = {
        name: tuple(chain.from_iterable(getattr(table, name) for table in tables))
        for name in _TEXTS
    }
    columns |= {name: np.concatenate([getattr(t, name) for t in tables]) for name in _ARRAYS}
    return replace(first, **columns)


def sides(
    dimensions: Sequence[Dimension], ratings: Float64Array
) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Tags for tracks that have ratings alone: which side of each scale's middle they are on.

    Returns
    -------
    tags
        ``high NAME`` and ``low NAME`` for each dimension.
    labels
        Bool (tracks, tags); a track without a rating, or just in the middle, has neither.
    """
    shares = Ratings(tuple(dimensions), ratings).shares
    tags = tuple(f"{side} {d.name}" for d in dimensions for side in ("high", "low"))
    pairs = [column for share in shares.T for column in (share > 0.5, share < 0.5)]
    return tags, np.stack(pairs, axis=1)


def label_matrix(tag_sets: Sequence[set[str]], tags: Sequence[str]) -> NDArray[np.bool_]:
    """Return which of ``tags`` each set holds: bool, (sets, tags)."""
    column = {tag: number for number, tag in enumerate(tags)}
    labels = np.zeros((len(tag_sets), len(tags)), dtype=np.bool_)
    for row, names in enumerate(tag_sets):
        labels[row, [column[name] for name in names]] = True
    return labels
