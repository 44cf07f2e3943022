"""APEv2 tags, behind the audio of Monkey's Audio, Musepack, WavPack and others, and of some MP3."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from moodtheme.writing.edits import MOST_BYTES, Edit, Field, FormError, Source, Values, by_name

_MAGIC = b"APETAGEX"
_FRAME = 32  # bytes of a header, and of a footer
_VERSION = 2000
_HAS_HEADER, _IS_HEADER = 1 << 31, 1 << 29
_KIND = 0b110  # of an item's flags: 0 is text
_NAMES = {Field.MOOD: "Mood", Field.COMMENT: "Comment"}


@dataclass(frozen=True, slots=True)
class _Item:
    key: bytes
    start: int
    end: int
    flags: int
    content: bytes


class ApeTags:
    """The APEv2 tag of a file, or the place for one.

    Attributes
    ----------
    is_there
        Whether it has one.

    A `FormError` where it is of version 1, or damaged.
    """

    name = "APEv2"

    def __init__(self, source: Source) -> None:
        self._source = source
        self._footer = _footer_place(source)
        footer = source.read_at(self._footer, _FRAME)
        self.is_there = footer[:8] == _MAGIC
        self._items: list[_Item] = []
        if not self.is_there:
            self._footer += _FRAME  # where a new one begins
            self.values: dict[Field, Values] = {}
            return
        if int.from_bytes(footer[8:12], "little") != _VERSION:
            raise FormError("its APE tag is not of version 2")
        size = int.from_bytes(footer[12:16], "little")
        self._flags = int.from_bytes(footer[20:24], "little")
        self._start = self._footer + _FRAME - size
        if self._start < 0 or size > MOST_BYTES:
            raise FormError("its APE tag is damaged")
        self._items = list(self._read(int.from_bytes(footer[16:20], "little")))
        if self._items and self._items[-1].end != self._footer:
            raise FormError("its APE tag is damaged")
        self.values = self._values()

    def edits(self, changes: Mapping[Field, Values]) -> list[Edit]:
        """As `TagForm.edits`."""
        gone = [item for item in self._items if _field(item) in changes]
        added = [_item(name, values) for name, values in changes.items() if values]
        content, count = b"".join(added), len(self._items) - len(gone) + len(added)
        if not self.is_there:
            ends = [_frame(len(content), count, _HAS_HEADER | header) for header in (_IS_HEADER, 0)]
            return [Edit(self._footer, self._footer, ends[0] + content + ends[1])]
        edits = [Edit(item.start, item.end, b"") for item in gone]
        edits.append(Edit(self._footer, self._footer, content))
        size = self._footer - self._start + sum(edit.growth for edit in edits)
        places = [self._footer]
        if self._flags & _HAS_HEADER:
            places.append(self._start - _FRAME)
        counts = (size + _FRAME).to_bytes(4, "little") + count.to_bytes(4, "little")
        return [*edits, *(Edit(place + 12, place + 20, counts) for place in places)]

    def _read(self, count: int) -> Iterator[_Item]:
        body, at = self._source.read_at(self._start, self._footer - self._start), 0
        for _ in range(count):
            key, _, _ = body[at + 8 : at + 8 + 256].partition(b"\0")
            start = at + 8 + len(key) + 1
            end = start + int.from_bytes(body[at : at + 4], "little")
            if end > len(body):
                raise FormError("its APE tag is damaged")
            flags = int.from_bytes(body[at + 4 : at + 8], "little")
            yield _Item(key, self._start + at, self._start + end, flags, body[start:end])
            at = end

    def _values(self) -> dict[Field, Values]:
        found: dict[Field, Values] = {}
        for item in self._items:
            if (name := _field(item)) is not None:
                texts = item.content.decode("utf-8", "replace").split("\0")
                found[name] = tuple(text for text in texts if text)
        return found


def _footer_place(source: Source) -> int:
    """Where a footer stands, or would end 32 bytes further on: before ID3v1 and Lyrics3."""
    end = source.size
    if source.read_at(end - 128, 3) == b"TAG" and end >= 128:
        end -= 128
    tail = source.read_at(end - 15, 15)
    if tail[6:] == b"LYRICS200" and tail[:6].isdigit():
        end -= int(tail[:6]) + 15
    return end - _FRAME


def _field(item: _Item) -> Field | None:
    if item.flags & _KIND:
        return None
    return by_name(item.key.decode("ascii", "replace"))


def _item(name: Field, values: Values) -> bytes:
    content = "\0".join(values).encode()
    key = _NAMES.get(name, name).encode()
    return len(content).to_bytes(4, "little") + bytes(4) + key + b"\0" + content


def _frame(size: int, count: int, flags: int) -> bytes:
    numbers = (_VERSION, size + _FRAME, count, flags)
    return _MAGIC + b"".join(n.to_bytes(4, "little") for n in numbers) + bytes(8)
