"""Vorbis comments, a list of ``NAME=value``, and FLAC, which has them in a block before the audio.

The lines of others stay byte for byte, in order. An ID3 tag before FLAC is left alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from moodtheme.writing.edits import (
    Edit,
    Field,
    FormError,
    Source,
    Values,
    by_name,
    grouped,
    padding,
)

_PADDING, _COMMENTS = 1, 4
_LAST = 0x80
_LONGEST = (1 << 24) - 1
_NEW = b"\x09\0\0\0moodtheme\0\0\0\0"  # a list without comments


class VorbisComments:
    """A list of comments, read from a block; a `FormError` where that ends before its end.

    Attributes
    ----------
    values
        What the fields hold.
    """

    def __init__(self, block: bytes) -> None:
        at = _end(block, 0)
        self._vendor = block[:at]  # who encoded, behind the length of that
        count, at = int.from_bytes(block[at : at + 4], "little"), at + 4
        self._lines = []
        for _ in range(count):
            start, at = at + 4, _end(block, at)
            self._lines.append(block[start:at])
        if at > len(block):
            raise FormError("its comments are cut short")
        self._rest = block[at:]
        self.values = grouped(
            (_field(line), line.partition(b"=")[2].decode("utf-8", "replace"))
            for line in self._lines
        )

    def block(self, changes: Mapping[Field, Values]) -> bytes:
        """The block with other values in these fields; they go to its end."""
        lines = [line for line in self._lines if _field(line) not in changes]
        lines += [f"{name}={text}".encode() for name, texts in changes.items() for text in texts]
        sized = b"".join(len(line).to_bytes(4, "little") + line for line in lines)
        return self._vendor + len(lines).to_bytes(4, "little") + sized + self._rest


def _field(line: bytes) -> Field | None:
    name, equals, _ = line.partition(b"=")
    return by_name(name.decode("ascii", "replace")) if equals else None


def _end(block: bytes, at: int) -> int:
    """Where a text ends that stands behind its length."""
    end = at + 4 + int.from_bytes(block[at : at + 4], "little")
    if end > len(block):
        raise FormError("its comments are cut short")
    return end


@dataclass(frozen=True, slots=True)
class _Block:
    kind: int
    start: int  # of its header of four bytes
    end: int
    is_last: bool


class FlacTags:
    """The comments of a FLAC file, whose ``fLaC`` stands at `start`.

    A `FormError` where its blocks cannot be read.
    """

    name = "Vorbis comments"

    def __init__(self, source: Source, start: int) -> None:
        self._blocks = list(_blocks(source, start + 4))
        self._there = next((b for b in self._blocks if b.kind == _COMMENTS), None)
        block = _NEW
        if self._there is not None:
            block = source.read_at(self._there.start + 4, self._there.end - self._there.start - 4)
        self._comments = VorbisComments(block)
        self.values = self._comments.values

    def edits(self, changes: Mapping[Field, Values]) -> list[Edit]:
        """As `TagForm.edits`."""
        before = self._there
        first = self._blocks[0]
        block = self._comments.block(changes)
        if len(block) > _LONGEST:
            raise FormError("its comments would exceed 16 MB")
        content = len(block).to_bytes(3, "big") + block
        if before is not None:
            edits = [Edit(before.start + 1, before.end, content)]
        else:
            head = bytes([_COMMENTS | _LAST * first.is_last])
            edits = [Edit(first.end, first.end, head + content)]
            if first.is_last:
                edits.append(Edit(first.start, first.start + 1, bytes([first.kind])))
        return [*edits, *self._absorbed(edits[0].growth)]

    def _absorbed(self, growth: int) -> list[Edit]:
        """Padding gives its room, or takes over what got free: the file keeps its length."""
        for block in self._blocks:
            size = block.end - block.start - 4
            if block.kind == _PADDING and 0 <= size - growth <= _LONGEST and growth:
                said = (size - growth).to_bytes(3, "big")
                return [Edit(block.start + 1, block.start + 4, said), padding(block.end, growth)]
        return []


def _blocks(source: Source, at: int) -> Iterator[_Block]:
    """Blocks of metadata up to the last."""
    is_last = False
    while not is_last:
        head = source.read_at(at, 4)
        end = at + 4 + int.from_bytes(head[1:], "big")
        if len(head) < 4 or head[0] == 0xFF or end > source.size:
            raise FormError("its metadata is cut short")
        is_last = bool(head[0] & _LAST)
        yield _Block(head[0] & ~_LAST, at, end, is_last)
        at = end
