"""Ogg as pages: what identity and completeness can be told from without decoding."""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

import msgspec

from moodtheme.audio.opened import OpenFile

FIRST_PAGE = 2
LAST_PAGE = 4
# Its mark and version; flags, granule, serial, number; a checksum; how many segments follow.
_HEADER = Struct("<5xBqII4xB")
# The longest page: its header, 255 segments' lengths, 255 segments of 255 bytes.
_LONGEST = _HEADER.size + 255 + 255 * 255
_READ = 1 << 20


class Page(msgspec.Struct, frozen=True, gc=False):
    """A page of one logical stream.

    Attributes
    ----------
    start
        Where it lies in the file.
    flags
        1 continues a packet, 2 is a stream's first page, 4 its last.
    granule
        The codec's count of samples up to here; -1 where no packet ends.
    serial
        Number of the logical stream.
    number
        Of the page in its stream, from 0.
    segments
        Lengths of the pieces of packets; one under 255 ends a packet.
    payload
        All of them together; shorter than they say at the end of a file that was cut.
    is_whole
        Whether nothing of it is missing.
    """

    start: int
    flags: int
    granule: int
    serial: int
    number: int
    segments: bytes
    payload: bytes
    is_whole: bool

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
        body = at + _HEADER.size
        if len(buffer) < body:
            return
        flags, granule, serial, number, count = _HEADER.unpack_from(buffer, at)
        segments = buffer[body : body + count]
        body += count
        end = body + sum(segments)
        yield Page(
            start=start - len(buffer) + at,
            flags=flags,
            granule=granule,
            serial=serial,
            number=number,
            segments=segments,
            payload=buffer[body:end],
            is_whole=end <= len(buffer),
        )
        at = min(end, len(buffer))


@dataclass(frozen=True, slots=True)
class OggLength:
    """What the pages of an Ogg file say about its length.

    Attributes
    ----------
    links
        Where streams that follow one another begin.
    seconds
        Length of all of them; None where a codec is not known, or streams lie side by side.
    ends
        Whether the last page is whole and has the mark of the end.
    lost
        Pages that are missing in between.
    """

    links: tuple[int, ...]
    seconds: float | None
    ends: bool
    lost: int


def ogg_length(file: OpenFile, start: int) -> OggLength:
    """Read all pages' headers."""
    links: list[int] = []
    lost = number = last_granule = 0
    seconds: float | None = 0.0
    serial = -1
    clock: tuple[int, int] | None = None
    ends = begun = False
    for page in pages(file, start):
        if page.flags & FIRST_PAGE and (begun or not links):
            if seconds is not None and clock:
                seconds += max(last_granule - clock[1], 0) / clock[0]
            links.append(page.start)
            serial, last_granule, begun = page.serial, 0, False
            clock = _clock(page.payload)
            seconds = seconds if clock else None
        elif page.serial == serial:
            begun = True
            lost += max(page.number - number - 1, 0)
        else:
            seconds = None  # streams side by side
        if page.serial == serial:
            number = page.number
            if page.is_whole:
                last_granule = max(last_granule, page.granule)
            ends = bool(page.flags & LAST_PAGE) and page.is_whole
    if seconds is not None and clock:
        seconds += max(last_granule - clock[1], 0) / clock[0]
    return OggLength(tuple(links), seconds, ends, lost)


def _clock(packet: bytes) -> tuple[int, int] | None:
    """Granules a second, and how many of them are not heard, by a stream's first packet."""
    if packet.startswith(b"OpusHead"):
        return 48_000, int.from_bytes(packet[10:12], "little")
    if packet.startswith(b"\x01vorbis"):
        return int.from_bytes(packet[12:16], "little") or 1, 0
    if packet.startswith(b"\x7fFLAC"):
        return int.from_bytes(packet[27:30], "big") >> 4 or 1, 0
    return None
