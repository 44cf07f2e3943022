"""What the rows and columns of a matrix are called, and putting two matrices in the same order.

Numbers are compared only where their names agree. Tags are told apart by `tag_key`, so that
``Happy`` and ``happy`` are one; tracks by their identifiers in Unicode's composed form.
"""

import unicodedata
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from moodtheme.errors import EvaluationError, EvaluationWarning
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS, tag_key
from moodtheme.work import some_of, twice

_Array = TypeVar("_Array", bound=npt.NDArray[Any])


class Seen(StrEnum):
    """What a system saw of a recording before it scored it."""

    TRAIN = "train"
    """It was trained on it."""
    VALIDATION = "validation"
    """Its epoch was chosen on it."""
    ARTIST = "artist"
    """It was trained on another one by the same artist."""
    NOTHING = ""

    @classmethod
    def most(cls, several: Iterable["Seen"]) -> "Seen":
        """What a fusion saw whose members saw each of these."""
        return min(several, key=list(cls).index)


@dataclass(frozen=True, kw_only=True)
class Names:
    """Names beside a matrix (tracks, tags); what a file does not state is empty.

    Attributes
    ----------
    tags
        One a column.
    ids
        One a row: the tracks' identifiers in their table.
    artists
        One a row, ``""`` where it is not known.
    seen
        One a row: what the system saw of this very recording.
    """

    tags: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()
    seen: tuple[Seen, ...] = ()

    def rows(self, wanted: Sequence[int]) -> Self:
        """Return the names of some rows, in that order."""
        return replace(
            self,
            ids=_picked(self.ids, wanted),
            artists=_picked(self.artists, wanted),
            seen=_picked(self.seen, wanted),
        )

    def check(self, shape: tuple[int, ...], source: str) -> Self:
        """Return these names if they fit a matrix.

        Raises
        ------
        EvaluationError
            There are more or fewer than rows or columns, or one stands twice.
        """
        for what, names, length in (
            ("tags", self.tags, shape[1]),
            ("ids", self.ids, shape[0]),
            ("artists", self.artists, shape[0]),
            ("seen", self.seen, shape[0]),
        ):
            if names and len(names) != length:
                raise EvaluationError(
                    f"{source}: has {len(names)} {what} for a matrix of shape {shape}; write it "
                    "again, with a name for each row and column"
                )
        for what, names, key in (("tag", self.tags, tag_key), ("track", self.ids, _composed)):
            if pair := twice(map(key, names)):
                both = _both(*(names[place] for place in pair))
                raise EvaluationError(
                    f"{source}: the {what} {both} stands twice; keep one of the two"
                )
        return self


def names_from(columns: Mapping[str, Sequence[object]], *, source: str) -> Names:
    """Names as they were read from a file, by attribute.

    Raises
    ------
    EvaluationError
        What was seen of a track is said in another word than those of `Seen`.
    """
    texts = {
        name: tuple(str(cell or "").strip() for cell in cells) for name, cells in columns.items()
    }
    said = texts.pop("seen", ())
    if odd := sorted(set(said) - set(Seen)):
        raise EvaluationError(
            f"{source}: {odd[0]!r} is not what a system can have seen of a track; write "
            "train, validation, artist, or nothing"
        )
    return Names(**texts, seen=tuple(map(Seen, said)))


NO_NAMES = Names()
"""Of a file that states none."""


def in_order_of(
    tags: Sequence[str] | None, values: _Array, names: Names, *, source: str
) -> tuple[_Array, Names]:
    """Put a matrix's columns into the order of a vocabulary.

    A matrix without names is taken to be in that order. Without a vocabulary 56 columns without
    names are called by the official tags, and named ones that are the official tags put in their
    order.

    Raises
    ------
    EvaluationError
        The tags are others, or another number.
    """
    if tags is None:
        official = set(map(tag_key, names.tags)) == set(MOOD_THEME_TAGS)
        if official or (not names.tags and values.shape[1] == len(MOOD_THEME_TAGS)):
            tags = MOOD_THEME_TAGS
        else:
            return values, names
    if not names.tags:
        if len(tags) != values.shape[1]:
            raise EvaluationError(
                f"{source}: has {values.shape[1]} columns without names, but there are "
                f"{len(tags)} tags; give --tags the list that it was written with"
            )
        return values, replace(names, tags=tuple(tags))
    columns = _places(names.tags, tags, tag_key)
    if columns is None or len(tags) != len(names.tags):
        raise EvaluationError(f"{source}: {_odd_tag(names.tags, tags)}")
    return _ordered(values, columns, axis=1), replace(names, tags=tuple(tags))


def columns_like(
    values: _Array, names: Names, like: Names, *, source: str, like_source: str
) -> tuple[_Array, Names]:
    """Put a matrix's columns into the order of another's tags.

    Raises
    ------
    EvaluationError
        The matrix has other tags, or only one of the two has named columns.

    Warns
    -----
    EvaluationWarning
        Neither has named columns, so that nothing tells whether they are in one order.
    """
    if source != like_source and not (names.tags or like.tags):
        warnings.warn(
            "columns have no names and are taken to be in one order in all files; keep names with "
            "numbers (.npz), or give them with --tags FILE",
            EvaluationWarning,
            stacklevel=2,
        )
    if bool(names.tags) != bool(like.tags):
        plain, named = (like_source, source) if names.tags else (source, like_source)
        raise EvaluationError(
            f"{plain}: has columns without names, so they cannot be matched with those of "
            f"{named}; say which they are with --tags FILE, one tag a line in its order"
        )
    if names.tags != like.tags:
        columns = _places(names.tags, like.tags, tag_key)
        if columns is None or len(like.tags) != len(names.tags):
            raise EvaluationError(f"{source}: {_odd_tag(names.tags, like.tags, like_source)}")
        return _ordered(values, columns, axis=1), replace(names, tags=like.tags)
    return values, names


def rows_like(names: Names, like: Names, *, source: str, like_source: str) -> list[int] | None:
    """The rows that put a matrix into the order of another's tracks; None where it is in it.

    Tracks that the other lacks are left out. A matrix without identifiers is taken to have its
    rows in the other's order, with a warning where the other has identifiers.

    Raises
    ------
    EvaluationError
        The matrix lacks tracks.

    Warns
    -----
    EvaluationWarning
        Only one of the two has identifiers.
    """
    if names.ids == like.ids:
        return None
    if names.ids and like.ids:
        rows = _places(names.ids, like.ids, _composed)
        if rows is None:
            there = set(map(_composed, names.ids))
            lacking = [name for name in like.ids if _composed(name) not in there]
            raise EvaluationError(
                f"{source}: lacks {len(lacking)} of the {len(like.ids)} tracks of {like_source}: "
                f"{some_of(lacking)}; score them too, or write truth for the scored tracks with "
                f"`moodtheme dataset truth --like {source}`"
            )
        return rows
    plain, named = (like_source, source) if names.ids else (source, like_source)
    warnings.warn(
        f"{plain}: has no track names; its rows are taken in the order of {named}",
        EvaluationWarning,
        stacklevel=4,
    )
    return None


def _both(first: str, second: str) -> str:
    return repr(first) if first == second else f"{first!r}, also written {second!r},"


def _odd_tag(there: Sequence[str], wanted: Sequence[str], wanted_by: str = "--tags") -> str:
    keys, others = set(map(tag_key, there)), set(map(tag_key, wanted))
    lacking = [tag for tag in wanted if tag_key(tag) not in keys]
    extra = [tag for tag in there if tag_key(tag) not in others]
    found = [f"lacks the tag {lacking[0]!r}"] if lacking else []
    found += [f"has a column for the tag {extra[0]!r}, which is not asked for"] if extra else []
    return f"{' and '.join(found)}; give files with exactly the same tags as {wanted_by}"


def _places(
    there: Sequence[str], wanted: Sequence[str], key: Callable[[str], str]
) -> list[int] | None:
    """Where each wanted name stands; None where one does not."""
    place = {key(name): number for number, name in enumerate(there)}
    found = [place.get(key(name)) for name in wanted]
    numbers = [number for number in found if number is not None]
    return numbers if len(numbers) == len(found) else None


def _ordered(values: _Array, places: list[int], *, axis: int) -> _Array:
    taken: _Array = np.take(values, places, axis=axis)  # type: ignore[assignment]
    return taken


def _picked(column: tuple[Any, ...], rows: Sequence[int]) -> tuple[Any, ...]:
    return tuple(column[row] for row in rows) if column else ()


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
