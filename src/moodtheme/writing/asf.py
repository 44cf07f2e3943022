"""ASF (WMA): attributes in the header; all other objects stay."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from moodtheme.writing.edits import (
    MOST_BYTES,
    Edit,
    Field,
    FormError,
    Source,
    Values,
    by_name,
    grouped,
    padding,
)

HEADER = UUID("75b22630-668e-11cf-a6d9-00aa0062ce6c").bytes_le
_FILE = UUID("8cabdca1-a947-11cf-8ee4-00c00c205365").bytes_le
_ABOUT = UUID("75b22633-668e-11cf-a6d9-00aa0062ce6c").bytes_le
_ATTRIBUTES = UUID("d2d0a440-e307-11d2-97f0-00a0c95ea850").bytes_le
_EXTENSION = UUID("5fbf03b5-a92e-11cf-8ee3-00c00c205365").bytes_le
_LIBRARY = UUID("44231c94-9498-49d1-a141-1d134e457054").bytes_le
_PADDING = UUID("1806d474-cadf-4509-a4ba-9aabcb96aae8").bytes_le
_HEAD = 24  # bytes of an object's identifier and size
_INSIDE = 46  # and where those inside the header's extension do
_CHILDREN = 30  # where the header's objects begin
_FILE_SIZE = 40  # where the file's size stands in the object about it
_NAMES = {Field.MOOD: "WM/Mood", Field.COMMENT: "Description"}
_TEXT = 0  # the type of an attribute
_COMMENT = 3  # of the five texts: title, author, copyright, description, rating


@dataclass(frozen=True, slots=True)
class _Object:
    kind: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Attribute:
    name: str
    start: int
    end: int
    kind: int
    value: bytes


class AsfTags:
    """The attributes of an ASF file.

    A `FormError` where its header is damaged.
    """

    name = "ASF attributes"

    def __init__(self, source: Source) -> None:
        self._source = source
        head = source.read_at(0, _CHILDREN)
        self._end = int.from_bytes(head[16:24], "little")
        self._count = int.from_bytes(head[24:28], "little")
        if not _CHILDREN <= self._end <= min(source.size, MOST_BYTES):
            raise FormError("its header is damaged")
        self._header = source.read_at(0, self._end)
        objects = list(self._objects(_CHILDREN, self._end))
        if len(objects) != self._count or _FILE not in {there.kind for there in objects}:
            raise FormError("its header is damaged")
        self._by_kind = {there.kind: there for there in reversed(objects)}
        there = self._by_kind.get(_ATTRIBUTES)
        self._attributes = [] if there is None else list(self._read(there))
        self._extension = self._by_kind.get(_EXTENSION)
        holder = self._extension
        inside = () if holder is None else self._objects(holder.start + _INSIDE, holder.end)
        self._library = next((inner for inner in inside if inner.kind == _LIBRARY), None)
        self._more = [] if self._library is None else list(self._read_library(self._library))
        self._about = self._texts_about()
        self.values = self._values()

    def edits(self, changes: Mapping[Field, Values]) -> list[Edit]:
        """As `TagForm.edits`."""
        edits, added = self._out_of_library(changes), list[bytes]()
        listed: dict[Field, Values] = {
            name: values for name, values in changes.items() if name is not Field.COMMENT
        }
        about = list(self._about)
        if Field.COMMENT in changes:
            texts, place = list(changes[Field.COMMENT]), self._comments()
            if about[_COMMENT] or not place:
                about[_COMMENT] = _text(texts.pop(0)) if texts else b""
            if tuple(texts) != place:
                listed[Field.COMMENT] = tuple(texts)
        if listed:
            content = b"".join(_made(n, text) for n, texts in listed.items() for text in texts)
            number = sum(len(texts) for texts in listed.values())
            there = self._by_kind.get(_ATTRIBUTES)
            if there is None:
                added.append(_object(_ATTRIBUTES, number.to_bytes(2, "little") + content))
            else:
                gone = [a for a in self._attributes if _field(a.name) in listed]
                count = len(self._attributes) - len(gone) + number
                inside = [
                    *(Edit(attribute.start, attribute.end, b"") for attribute in gone),
                    Edit(there.end, there.end, content),
                    Edit(there.start + _HEAD, there.start + _HEAD + 2, count.to_bytes(2, "little")),
                ]
                size = there.end - there.start + sum(edit.growth for edit in inside)
                edits += [*inside, _sized(there, size)]
        if about != self._about:
            whole = _object(_ABOUT, b"".join([*map(_short, about), *about]))
            there = self._by_kind.get(_ABOUT)
            if there is None:
                added.append(whole)
            else:
                edits.append(Edit(there.start, there.end, whole))
        if added:
            objects = (self._count + len(added)).to_bytes(4, "little")
            edits += [Edit(self._end, self._end, b"".join(added)), Edit(24, 28, objects)]
        return edits + self._moved(sum(edit.growth for edit in edits))

    def _moved(self, growth: int) -> list[Edit]:
        """What follows from a header that is longer or shorter; padding may take that up."""
        free = self._by_kind.get(_PADDING)
        if growth and free is not None and free.end - free.start - growth >= _HEAD:
            return [_sized(free, free.end - free.start - growth), padding(free.end, growth)]
        if not growth:
            return []
        about = self._by_kind[_FILE].start + _FILE_SIZE
        # What it says may be wrong, and players go by it: it stays as wrong as it was.
        stated = int.from_bytes(self._header[about : about + 8], "little") + growth
        return [
            Edit(16, 24, (self._end + growth).to_bytes(8, "little")),
            Edit(about, about + 8, stated.to_bytes(8, "little")),
        ]

    def _objects(self, at: int, end: int) -> Iterator[_Object]:
        while at < end:
            size = int.from_bytes(self._header[at + 16 : at + _HEAD], "little")
            if size < _HEAD or at + size > end:
                raise FormError("its header is damaged")
            yield _Object(self._header[at : at + 16], at, at + size)
            at += size

    def _read(self, there: _Object) -> Iterator[_Attribute]:
        at = there.start + _HEAD
        count, at = self._number(at), at + 2
        for _ in range(count):
            start, length = at, self._number(at)
            name = _of_text(self._header[at + 2 : at + 2 + length])
            at += 2 + length
            kind, size = self._number(at), self._number(at + 2)
            value = self._header[at + 4 : at + 4 + size]
            at += 4 + size
            if at > there.end:
                raise FormError("its header is damaged")
            yield _Attribute(name, start, at, kind, value)

    def _read_library(self, there: _Object) -> Iterator[_Attribute]:
        """Attributes of languages and streams; some programs keep a second value there."""
        at = there.start + _HEAD + 2
        for _ in range(self._number(at - 2)):
            start, length = at, self._number(at + 4)
            size = int.from_bytes(self._header[at + 8 : at + 12], "little")
            name = _of_text(self._header[at + 12 : at + 12 + length])
            value = self._header[at + 12 + length : at + 12 + length + size]
            at += 12 + length + size
            if at > there.end:
                raise FormError("its header is damaged")
            yield _Attribute(name, start, at, self._number(start + 6), value)

    def _out_of_library(self, names: Collection[Field]) -> list[Edit]:
        """What takes fields out of there; those that are written stand among the others."""
        gone = [a for a in self._more if _field(a.name) in names]
        holder, library = self._extension, self._library
        if not gone or holder is None or library is None:
            return []
        edits = [Edit(attribute.start, attribute.end, b"") for attribute in gone]
        less = sum(edit.growth for edit in edits)
        count, size = library.start + _HEAD, holder.start + _INSIDE - 4
        inside = int.from_bytes(self._header[size : size + 4], "little") + less
        return [
            *edits,
            Edit(count, count + 2, (len(self._more) - len(gone)).to_bytes(2, "little")),
            _sized(library, library.end - library.start + less),
            Edit(size, size + 4, inside.to_bytes(4, "little")),
            _sized(holder, holder.end - holder.start + less),
        ]

    def _texts_about(self) -> list[bytes]:
        there = self._by_kind.get(_ABOUT)
        if there is None:
            return [b""] * 5
        at = there.start + _HEAD + 10
        texts = []
        for place in range(5):
            size = self._number(there.start + _HEAD + 2 * place)
            texts.append(self._header[at : at + size])
            at += size
        if at != there.end:
            raise FormError("its header is damaged")
        return texts

    def _values(self) -> dict[Field, Values]:
        found = grouped(
            (name, _of_text(attribute.value))
            for attribute in (*self._attributes, *self._more)
            if (name := _field(attribute.name)) is not Field.COMMENT and attribute.kind == _TEXT
        )
        first = _of_text(self._about[_COMMENT])
        if comments := (*((first,) if first else ()), *self._comments()):
            found[Field.COMMENT] = comments
        return found

    def _comments(self) -> Values:
        """Comments among the attributes, where FFmpeg puts them."""
        there = [a for a in self._attributes if _field(a.name) is Field.COMMENT]
        return tuple(_of_text(attribute.value) for attribute in there)

    def _number(self, at: int) -> int:
        return int.from_bytes(self._header[at : at + 2], "little")


def _field(name: str) -> Field | None:
    for field, title in _NAMES.items():
        if name.upper() == title.upper():
            return field
    found = by_name(name)
    return None if found in {Field.MOOD, Field.COMMENT} else found


def _object(kind: bytes, content: bytes) -> bytes:
    return kind + (_HEAD + len(content)).to_bytes(8, "little") + content


def _sized(there: _Object, size: int) -> Edit:
    return Edit(there.start + 16, there.start + _HEAD, size.to_bytes(8, "little"))


def _made(name: Field, text: str) -> bytes:
    title, value = _text(_NAMES.get(name, name)), _text(text)
    return _short(title) + title + _TEXT.to_bytes(2, "little") + _short(value) + value


def _short(text: bytes) -> bytes:
    if len(text) >= 1 << 16:
        raise FormError("ASF holds no text of 64 kB")
    return len(text).to_bytes(2, "little")


def _text(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"


def _of_text(text: bytes) -> str:
    return text.decode("utf-16-le", "replace").rstrip("\0")
