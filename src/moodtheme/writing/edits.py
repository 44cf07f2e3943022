"""What every form of tags is made of: fields, and changes of a file as stretches of bytes."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Protocol, Self

from moodtheme.errors import UnsupportedTagsError

SEPARATOR = "; "
"""Between the values of a field where a form has room for one text only: ID3v2.3 and older."""
MOST_BYTES = 1 << 26
"""Tags that are longer are refused, pictures included: a file may claim whatever it likes."""
_PIECE = 1 << 20
_BLOCK = 256  # bytes compared at once where two stretches of one length are told apart


class Field(StrEnum):
    """A field, by the name that Vorbis comments give it."""

    MOOD = "MOOD"
    VALENCE = "MOODTHEME_VALENCE"
    AROUSAL = "MOODTHEME_AROUSAL"
    RECORD = "MOODTHEME"
    COMMENT = "COMMENT"


Values = tuple[str, ...]


def grouped(found: Iterable[tuple[Field | None, str]]) -> dict[Field, Values]:
    """Texts by their fields, in order; those of no field are left out."""
    groups: dict[Field, list[str]] = {}
    for name, text in found:
        if name is not None:
            groups.setdefault(name, []).append(text)
    return {name: tuple(texts) for name, texts in groups.items()}


def by_name(text: str) -> Field | None:
    """The field of a name, whatever its capitals."""
    try:
        return Field(text.upper())
    except ValueError:
        return None


# --- changes of a file ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes that take the place of others.

    Attributes
    ----------
    start, end
        The stretch of the file as it was; of no length where something is put in.
    content
        What stands there afterwards.
    """

    start: int
    end: int
    content: bytes

    @property
    def growth(self) -> int:
        """By how much the file gets longer."""
        return len(self.content) - (self.end - self.start)


class TagForm(Protocol):
    """The tags of a file, in the form that its format has; made of a `Source` that is open.

    Attributes
    ----------
    name
        Such as ``ID3v2.3``.
    values
        What the fields hold; those that are not there are left out.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def values(self) -> Mapping[Field, Values]: ...  # noqa: D102

    def edits(self, changes: Mapping[Field, Values]) -> list[Edit]:
        """What makes of the file one whose fields hold these values; none removes a field.

        Raises
        ------
        FormError
            The form has no room for them.
        """


class FormError(Exception):
    """Tags that cannot be read, or changed without harm to the rest; the message is the reason."""


class Source:
    """A file open for reading at any place, and what is said where its tags cannot be changed.

    In a ``with`` statement, out of which a `FormError` comes as an `UnsupportedTagsError` with the
    file's name.

    Attributes
    ----------
    path, size
        The file and its length in bytes when it was opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        self.size = os.fstat(self._file.fileno()).st_size

    def read_at(self, start: int, size: int) -> bytes:
        """At most ``size`` bytes from ``start``; fewer at the end of the file only."""
        self._file.seek(max(start, 0))
        return self._file.read(max(size, 0))

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from ``start`` to ``end``, a megabyte at a time.

        Raises
        ------
        OSError
            The file has become shorter.
        """
        while start < end:
            piece = self.read_at(start, min(_PIECE, end - start))
            if not piece:
                raise OSError(None, "it became shorter while it was read")
            start += len(piece)
            yield piece

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._file.close()
        if isinstance(error, FormError):
            raise UnsupportedTagsError(self.path, str(error)) from error


def in_order(edits: Iterable[Edit]) -> list[Edit]:
    """Edits by their places, those that change nothing left out.

    Raises
    ------
    ValueError
        Two change the same bytes.
    """
    real = (edit for edit in edits if edit.content or edit.end > edit.start)
    ordered = sorted(real, key=lambda edit: (edit.start, edit.end))
    if any(one.end > other.start for one, other in pairwise(ordered)):
        raise ValueError("two edits change the same bytes")
    return ordered


def edited(path: Path, edits: Sequence[Edit]) -> Iterator[bytes]:
    """A file as ordered edits make it, piece by piece; open only while it is read.

    Windows replaces no file that is open.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with Source(path) as source:
        at = 0
        for edit in edits:
            yield from source.pieces(at, edit.start)
            yield edit.content
            at = edit.end
        yield from source.pieces(at, source.size)


def padding(end: int, growth: int) -> Edit:
    """Of padding that ends there: it gives its room to what grew, or takes over what got free."""
    return Edit(end - max(growth, 0), end, bytes(max(-growth, 0)))


def inverse(source: Source, edits: Sequence[Edit]) -> list[Edit]:
    """Edits that make of the file which ordered edits will give the one that is there now."""
    back, shift = [], 0
    for edit in edits:
        start = edit.start + shift
        before = source.read_at(edit.start, edit.end - edit.start)
        back.append(Edit(start, start + len(edit.content), before))
        shift += edit.growth
    return back


def differing(before: bytes, after: bytes, at: int) -> list[Edit]:
    """Edits that turn a stretch which begins at ``at`` into another, without what is the same.

    What their ends have in common aside, they are compared in place.
    """
    tail = 0
    if len(before) != len(after):
        tail = _common(before[::-1], after[::-1])
    shared = min(len(before), len(after)) - tail
    edits = []
    for start in range(0, shared, _BLOCK):
        old, new = before[start : start + _BLOCK], after[start : start + _BLOCK]
        old, new = old[: shared - start], new[: shared - start]
        if old != new:
            lead = _common(old, new)
            behind = len(old) - min(_common(old[::-1], new[::-1]), len(old) - lead)
            edits.append(Edit(at + start + lead, at + start + behind, new[lead:behind]))
    rest = Edit(at + shared, at + len(before) - tail, after[shared : len(after) - tail])
    return in_order([*edits, rest])


def _common(before: bytes, after: bytes) -> int:
    """Length of the beginning that two have in common."""
    most = min(len(before), len(after))
    at = 0
    while at < most and before[at : at + _BLOCK] == after[at : at + _BLOCK]:
        at += _BLOCK
    while at < most and before[at] == after[at]:
        at += 1
    return min(at, most)
