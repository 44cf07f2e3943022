"""Ogg Vorbis, Opus, Speex and FLAC in Ogg: comments in the second packet, before the audio.

The pages of the headers are laid out anew, as many as there were where that can be: then no other
page changes. Otherwise all later pages get other numbers, and checksums.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from moodtheme.writing.edits import (
    MOST_BYTES,
    Edit,
    Field,
    FormError,
    Source,
    Values,
    differing,
)
from moodtheme.writing.vorbis import VorbisComments

_HEADER = 27
_CONTINUED, _FIRST = 1, 2
_NO_END = (1 << 64) - 1  # the position of a page on which no packet ends
_MOST_SEGMENTS = 255


@dataclass(frozen=True)
class _Codec:
    """How a codec's headers begin, how its comments do, and how many headers follow the first."""

    name: str
    start: bytes
    comments: bytes
    headers: int


_CODECS = (
    _Codec("Vorbis", b"\x01vorbis", b"\x03vorbis", 2),
    _Codec("Opus", b"OpusHead", b"OpusTags", 1),
    _Codec("Speex", b"Speex   ", b"", 1),
    _Codec("FLAC", b"\x7fFLAC", b"", 1),
)
_FLAC_HEAD = 4  # bytes before the comments of FLAC: the head of a metadata block


@dataclass(frozen=True, slots=True)
class _Page:
    start: int
    flags: int
    position: int
    serial: bytes
    number: int
    segments: bytes

    @property
    def content(self) -> int:
        """Where its content begins."""
        return self.start + _HEADER + len(self.segments)

    @property
    def end(self) -> int:
        return self.content + sum(self.segments)


class OggTags:
    """The comments of an Ogg file with one stream.

    A `FormError` where it holds several streams, or others than of audio, or is damaged.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pages = list(self._read())
        first = source.read_at(self._pages[0].content, 16)
        found = next((codec for codec in _CODECS if first.startswith(codec.start)), None)
        if found is None:
            raise FormError("what it holds is not Vorbis, Opus, Speex or FLAC")
        self._codec = found
        packets = self._headers()
        self._before = packets[0]
        lead = found.comments
        if found.name == "FLAC":
            lead = self._before[:_FLAC_HEAD]
            length = int.from_bytes(lead[1:], "big")
            if lead[:1] not in {b"\x04", b"\x84"} or length != len(self._before) - _FLAC_HEAD:
                raise FormError("its comments do not follow its first header")
        if not self._before.startswith(lead):
            raise FormError("its second header does not hold comments")
        self._lead, self._others = lead, packets[1:]
        self._comments = VorbisComments(self._before[len(lead) :])
        self.name = f"Vorbis comments of Ogg {found.name}"
        self.values = self._comments.values

    def edits(self, changes: Mapping[Field, Values]) -> list[Edit]:
        """As `TagForm.edits`."""
        block, lead = self._comments.block(changes), self._lead
        if self._codec.name == "FLAC":
            lead = lead[:1] + len(block).to_bytes(3, "big")
        old = self._pages[1 : 1 + self._count]
        pages = self._laid_out([lead + block, *self._others], old)
        start, end = old[0].start, old[-1].end
        edits = differing(self._source.read_at(start, end - start), b"".join(pages), start)
        if moved := len(pages) - len(old):
            edits += [self._renumbered(page, moved) for page in self._pages[1 + len(old) :]]
        return edits

    def _headers(self) -> list[bytes]:
        """The packets behind the first; how many pages they fill is kept."""
        packets, packet = [], bytearray()
        for count, page in enumerate(self._pages[1:], 1):
            if page.position not in {0, _NO_END}:
                raise FormError("its headers and its audio share a page")
            if page.end > MOST_BYTES:
                raise FormError("its headers are longer than 64 MB")
            content, at = self._source.read_at(page.content, page.end - page.content), 0
            for size in page.segments:
                packet += content[at : at + size]
                at += size
                if size < 255:
                    packets.append(bytes(packet))
                    packet.clear()
            if len(packets) >= self._codec.headers and not packet:
                self._count = count
                return packets
        raise FormError("its headers are cut short")

    def _laid_out(self, packets: Sequence[bytes], old: Sequence[_Page]) -> list[bytes]:
        segments = bytes(
            size
            for packet in packets
            for size in (*[255] * (len(packet) // 255), len(packet) % 255)
        )
        content = b"".join(packets)
        needed = -(-len(segments) // _MOST_SEGMENTS)
        count = max(needed, min(len(old), len(segments)))
        pages, at, done = [], 0, 0
        for number in range(count):
            most = min(_MOST_SEGMENTS, len(segments) - done - (count - number - 1))
            own = segments[done : done + most]
            continued = bool(done) and segments[done - 1] == 255
            position = 0 if min(own) < 255 else _NO_END
            page = _Page(0, continued, position, old[0].serial, old[0].number + number, own)
            pages.append(_written(page, content[at : at + sum(own)]))
            done, at = done + most, at + sum(own)
        return pages

    def _renumbered(self, page: _Page, by: int) -> Edit:
        content = self._source.read_at(page.content, page.end - page.content)
        other = _written(replace(page, number=page.number + by), content)
        return Edit(page.start + 18, page.start + 26, other[18:26])

    def _read(self) -> Iterator[_Page]:
        at, serial = 0, None
        while at < self._source.size:
            head = self._source.read_at(at, _HEADER + _MOST_SEGMENTS)
            if head[:5] != b"OggS\0" or len(head) < _HEADER:
                raise FormError("it holds bytes that are no page of Ogg")
            page = _Page(
                at,
                head[5],
                int.from_bytes(head[6:14], "little"),
                head[14:18],
                int.from_bytes(head[18:22], "little"),
                head[_HEADER : _HEADER + head[26]],
            )
            if page.end > self._source.size:
                raise FormError("its last page is cut short")
            if (serial is None) != bool(page.flags & _FIRST) or serial not in {None, page.serial}:
                raise FormError("it holds several streams, one after another or side by side")
            serial = page.serial
            yield page
            at = page.end


def _written(page: _Page, content: bytes) -> bytes:
    """A page's bytes, its checksum included."""
    number = (page.number & 0xFFFFFFFF).to_bytes(4, "little")
    place = page.position.to_bytes(8, "little")
    head = b"OggS\0" + bytes([page.flags]) + place + page.serial + number
    rest = bytes([len(page.segments)]) + page.segments + content
    return head + _checksum(head + bytes(4) + rest) + rest


_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _checksum(page: bytes) -> bytes:
    """Ogg's CRC: that of zlib with its bits the other way round, begun at 0 and not inverted."""
    mirrored = ~zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) & 0xFFFFFFFF
    return mirrored.to_bytes(4, "big").translate(_MIRRORED)
