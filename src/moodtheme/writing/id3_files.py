"""Where ID3v2 tags lie: before MPEG audio and True Audio, in a chunk of WAV and AIFF.

Tags of other kinds (ID3v1, APEv2, ``INFO``) stay. Where ID3v1 or ``INFO`` is all there is, its
fields are put into the new tag too: most programs look at one of the two alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from moodtheme.writing.edits import MOST_BYTES, Edit, Field, FormError, Source, Values
from moodtheme.writing.id3 import Id3Tag
from moodtheme.writing.id3_bytes import tag_at

_OLD_TAG = 128  # bytes of ID3v1
_OLD_FIELDS = {
    "TIT2": (3, 33), "TPE1": (33, 63), "TALB": (63, 93), "TDRC": (93, 97), "COMM": (97, 127),
}  # fmt: skip
"""Where those of ID3v1 lie that are texts."""
_MOST = (1 << 32) - 1
_INFO = {
    b"INAM": "TIT2", b"IART": "TPE1", b"IPRD": "TALB", b"ICRD": "TDRC", b"IGNR": "TCON",
    b"ITRK": "TRCK", b"IPRT": "TRCK", b"ICOP": "TCOP", b"ICMT": "COMM",
}  # fmt: skip
"""What the fields of ``INFO`` are called in ID3v2.4."""


def tag_before_audio(source: Source) -> Id3Tag:
    """The tag at a file's beginning, or the place for one.

    Raises
    ------
    FormError
        It cannot be changed safely.
    """
    size = tag_at(source.read_at(0, 10))
    if size > MOST_BYTES:
        raise FormError("its ID3 tag is longer than 64 MB")
    return Id3Tag(source.read_at(0, size), _old_fields(source))


def _old_fields(source: Source) -> dict[str, str]:
    """What an ID3v1 tag says, by the names of ID3v2.4's frames."""
    old = source.read_at(source.size - _OLD_TAG, _OLD_TAG)
    if old[:3] != b"TAG":
        return {}
    texts = {
        name: old[start:end].partition(b"\0")[0].decode("latin-1").strip()
        for name, (start, end) in _OLD_FIELDS.items()
    }
    if not old[125] and old[126]:
        texts["TRCK"] = str(old[126])
    if old[127] != 0xFF:
        texts["TCON"] = str(old[127])
    return {name: text for name, text in texts.items() if text}


@dataclass(frozen=True, slots=True)
class _Chunk:
    name: bytes
    start: int  # of its header of eight bytes
    size: int

    @property
    def end(self) -> int:
        """Behind its content and the byte that makes that even."""
        return self.start + 8 + self.size + self.size % 2


class ChunkedTags:
    """The ID3v2 tag of a WAV or AIFF file.

    A `FormError` where its chunks are not what its header says, or the tag cannot be changed
    safely.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._is_riff = source.read_at(0, 4) == b"RIFF"
        self._order: Literal["little", "big"] = "little" if self._is_riff else "big"
        size = int.from_bytes(source.read_at(4, 4), self._order)
        # Some writers leave the last odd byte out of account.
        if abs(size + 8 - source.size) > 1:
            raise FormError("its header says another length than the file has")
        chunks = list(self._chunks(12, source.size))
        self._end = chunks[-1].start + 8 + chunks[-1].size if chunks else 12
        self._there = next((c for c in chunks if c.name.upper() == b"ID3 "), None)
        tag = b""
        if self._there is not None:
            if self._there.size > MOST_BYTES:
                raise FormError("its ID3 chunk is longer than 64 MB")
            tag = source.read_at(self._there.start + 8, self._there.size)
            if tag_at(tag[:10]) != len(tag):
                raise FormError("its ID3 chunk does not hold one tag")
        listed = [
            inner
            for chunk in chunks
            if chunk.name == b"LIST" and source.read_at(chunk.start + 8, 4) == b"INFO"
            for inner in self._chunks(chunk.start + 12, chunk.start + 8 + chunk.size)
        ]
        self._tag = Id3Tag(tag, self._told(listed))
        self.name, self.values = f"{self._tag.name} in a chunk", self._tag.values

    def edits(self, changes: Mapping[Field, Values]) -> list[Edit]:
        """As `TagForm.edits`."""
        edits = self._tag.edits(changes)
        there = self._there
        if there is None:
            (new,) = edits
            content, size = new.content, len(new.content)
            even = bytes(max(self._end + self._end % 2 - self._source.size, 0))
            head = b"id3 " if self._is_riff else b"ID3 "
            place = min(self._end + self._end % 2, self._source.size)
            chunk = even + head + self._number(size) + content + bytes(size % 2)
            moved = [Edit(place, place, chunk)]
        else:
            at = there.start + 8
            moved = [Edit(e.start + at, e.end + at, e.content) for e in edits]
            size = there.size + sum(edit.growth for edit in edits)
            if size != there.size:
                moved.append(Edit(there.start + 4, at, self._number(size)))
                end = min(there.end, self._source.size)
                moved.append(Edit(at + there.size, end, bytes(size % 2)))
        if growth := sum(edit.growth for edit in moved):
            moved.append(Edit(4, 8, self._number(self._source.size + growth - 8)))
        return moved

    def _told(self, chunks: Sequence[_Chunk]) -> dict[str, str]:
        """What a list of ``INFO`` says, by the names of ID3v2.4's frames."""
        told = {}
        for chunk in chunks:
            content = self._source.read_at(chunk.start + 8, chunk.size).partition(b"\0")[0].strip()
            try:
                text = content.decode()
            except UnicodeDecodeError:
                text = content.decode("latin-1")
            if text and (name := _INFO.get(chunk.name)) is not None:
                told[name] = text
        return told

    def _number(self, size: int) -> bytes:
        if size > _MOST:
            raise FormError("it would be longer than 4 GB")
        return size.to_bytes(4, self._order)

    def _chunks(self, at: int, end: int) -> Iterator[_Chunk]:
        while at + 8 <= end:
            head = self._source.read_at(at, 8)
            chunk = _Chunk(head[:4], at, int.from_bytes(head[4:], self._order))
            if at + 8 + chunk.size > end:
                raise FormError("its last chunk is cut short")
            yield chunk
            at = chunk.end
