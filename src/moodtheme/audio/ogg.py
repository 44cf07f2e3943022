"""Ogg as pages: what identity and completeness can be told from without decoding."""

from collections.abc import Iterator
from dataclasses import dataclass

from moodtheme.audio.opened import OpenFile

FIRST_PAGE = 2
LAST_PAGE = 4
_HEADER = 27
# The longest page: its header, 255 segments' lengths, 255 segments of 255 bytes.
_LONGEST = _HEADER + 255 + 255 * 255
_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class Page:
    """A page of one logical stream.

    Attributes
    ----------
    flags
        1 continues a packet, 2 is a stream's first page, 4 its last.
    granule
        The codec's count of samples up to here; -1 where no packet ends.
    serial
        Number of the logical stream.
    segments
        Lengths of the pieces of packets; one under 255 ends a packet.
    payload
        All of them together; shorter than they say at the end of a file that was cut.
    """

    flags: int
    granule: int
    serial: int
    segments: bytes
    payload: bytes

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it is missing."""
        return len(self.payload) == sum(self.segments)

    def pieces(self) -> Iterator[tuple[bytes, bool]]:
        """Pieces of packets, and whether each ends its packet."""
        start = 0
        length = 0
        for segment in self.segments:
            length += segment
            if segment < 255:
                yield self.payload[start : start + length], True
                start, length = start + length, 0
        if length:
            yield self.payload[start : start + length], False


def is_ogg(file: OpenFile, start: int) -> bool:
    """Whether a page begins there."""
    return file.read_at(start, 4) == b"OggS"


def pages(file: OpenFile, start: int) -> Iterator[Page]:
    """All pages from ``start``; what is no page between them is passed over."""
    buffer = b""
    at = 0
    while True:
        if len(buffer) - at < _LONGEST:
            piece = file.read_at(start, _READ)
            start += len(piece)
            buffer, at = buffer[at:] + piece, 0
        at = buffer.find(b"OggS", at)
        if at < 0:
            if not piece:
                return
            buffer, at = buffer[-3:], 0
            continue
        if len(buffer) - at < _LONGEST and piece:
            continue
        header = buffer[at : at + _HEADER]
        if len(header) < _HEADER:
            return
        segments = buffer[at + _HEADER : at + _HEADER + header[26]]
        body = at + _HEADER + header[26]
        end = body + sum(segments)
        yield Page(
            flags=header[5],
            granule=int.from_bytes(header[6:14], "little", signed=True),
            serial=int.from_bytes(header[14:18], "little"),
            segments=segments,
            payload=buffer[body:end],
        )
        at = min(end, len(buffer))
