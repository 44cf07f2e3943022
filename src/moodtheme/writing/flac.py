"""FLAC: comments in a metadata block before the audio; an ID3 tag before that is left alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from moodtheme.writing.edits import Edit, FormError, Source, padding
from moodtheme.writing.fields import Field, Values
from moodtheme.writing.vorbis import VorbisComments

_PADDING, _COMMENTS = 1, 4
_LAST = 0x80
_LONGEST = (1 << 24) - 1
_NEW = b"\x09\0\0\0moodtheme\0\0\0\0"  # a list without comments


@dataclass(frozen=True, slots=True)
class _Block:
    kind: int
    start: int  # of its header of four bytes
    end: int
    is_last: bool


class FlacTags:
    """The comments of a FLAC file.

    Parameters
    ----------
    source
        The file.
    start
        Where ``fLaC`` stands.

    A `FormError` where its blocks cannot be read.
    """

    name = "Vorbis comments"

    def __init__(self, source: Source, start: int) -> None:
        self._source = source
        self._blocks = list(self._read(start + 4))
        self._there = next((b for b in self._blocks if b.kind == _COMMENTS), None)
        block = _NEW
        if self._there is not None:
            block = source.read_at(self._there.start + 4, self._there.end - self._there.start - 4)
        self._comments = VorbisComments.of(block)
        self.values = self._comments.values

    def edits(self, changes: Mapping[Field, Values]) -> list[Edit]:
        """As `TagForm.edits`."""
        before = self._there
        first = self._blocks[0]
        block = self._comments.block(changes)
        if len(block) > _LONGEST:
            raise FormError("its comments would exceed 16 MB")
        if before is None:
            head = bytes([_COMMENTS | _LAST * first.is_last])
            edits = [Edit(first.end, first.end, head + len(block).to_bytes(3, "big") + block)]
            if first.is_last:
                edits.append(Edit(first.start, first.start + 1, bytes([first.kind])))
            growth = 4 + len(block)
        else:
            content = len(block).to_bytes(3, "big") + block
            edits = [Edit(before.start + 1, before.end, content)]
            growth = edits[0].growth
        return [*edits, *self._absorbed(growth)]

    def _absorbed(self, growth: int) -> list[Edit]:
        """Padding gives its room, or takes over what got free: the file keeps its length."""
        for block in self._blocks:
            size = block.end - block.start - 4
            if block.kind == _PADDING and 0 <= size - growth <= _LONGEST and growth:
                said = (size - growth).to_bytes(3, "big")
                return [Edit(block.start + 1, block.start + 4, said), padding(block.end, growth)]
        return []

    def _read(self, at: int) -> Iterator[_Block]:
        is_last = False
        while not is_last:
            head = self._source.read_at(at, 4)
            end = at + 4 + int.from_bytes(head[1:], "big")
            if len(head) < 4 or head[0] == 0xFF or end > self._source.size:
                raise FormError("its metadata is cut short")
            is_last = bool(head[0] & _LAST)
            yield _Block(head[0] & ~_LAST, at, end, is_last)
            at = end
