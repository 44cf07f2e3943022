"""WAV, RF64 and AIFF as chunks: where the samples lie, and what the header says of them."""

from dataclasses import dataclass
from typing import Literal

from moodtheme.audio.opened import OpenFile

# Chunks read before the samples; no program writes as many.
_MOST_CHUNKS = 1_000
# What writers put where they do not know the size yet, besides 0.
_UNKNOWN_SIZES = frozenset({0xFFFF_FFFF, 0x7FFF_FFFF, 0xFFFF_FFFF - 36, 0x7FFF_FFFF - 36})
_EXTENSIBLE = 0xFFFE

Order = Literal["little", "big"]


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of a file made of chunks.

    Attributes
    ----------
    kind
        Container and coding in a few words, which decide what the bytes mean.
    sample_rate, channels, frame_bytes
        As the header says; ``frame_bytes`` is 0 where a frame has no fixed length.
    start, end
        Where they lie in the file.
    claimed
        Their length in bytes as the header says; None where it says that it does not know.
    """

    kind: str
    sample_rate: int
    channels: int
    frame_bytes: int
    start: int
    end: int
    claimed: int | None

    @property
    def seconds(self) -> float:
        """Length of what is there, 0 where a frame has no fixed length."""
        return self._seconds(self.end - self.start)

    @property
    def claimed_seconds(self) -> float | None:
        """Length that the header claims; None where it claims none."""
        return None if self.claimed is None else self._seconds(self.claimed)

    def _seconds(self, size: int) -> float:
        rate = self.frame_bytes * self.sample_rate
        return size / rate if rate else 0.0


def find_samples(file: OpenFile, start: int = 0) -> Samples | None:
    """Where the samples of a WAV, RF64 or AIFF file lie; None for anything else.

    A size of zero, of all ones, or beyond the end of the file is not believed: there the samples
    reach to the end of the file. Zero is believed where whole chunks follow to the very end.
    """
    head = file.read_at(start, 12)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _wave(file, start, big=head[:4] == b"RIFX")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _aiff(file, start, compressed=head[8:12] == b"AIFC")
    return None


def _wave(file: OpenFile, start: int, *, big: bool) -> Samples | None:
    order: Order = "big" if big else "little"
    wide = 0
    form = b""
    at = start + 12
    for _ in range(_MOST_CHUNKS):
        head = file.read_at(at, 8)
        if len(head) < 8:
            return None
        size = int.from_bytes(head[4:], order)
        at += 8
        if head[:4] == b"ds64":
            wide = int.from_bytes(file.read_at(at + 8, 8), "little")
        elif head[:4] == b"fmt ":
            form = file.read_at(at, min(size, 40))
        elif head[:4] == b"data":
            if len(form) < 16:
                return None
            size = wide if wide and size == 0xFFFF_FFFF else size
            end, claimed = _believed(file, at, size, order)
            tag, channels = (int.from_bytes(form[i : i + 2], order) for i in (0, 2))
            if tag == _EXTENSIBLE and len(form) >= 26:
                tag = int.from_bytes(form[24:26], order)
            frame, bits = (int.from_bytes(form[i : i + 2], order) for i in (12, 14))
            rate = int.from_bytes(form[4:8], order)
            fixed = tag in (1, 3, 6, 7)  # PCM, float, A-law, µ-law
            kind = f"wave {order} {tag} {bits} {frame}"
            return Samples(kind, rate, channels, frame if fixed else 0, at, end, claimed)
        at += size + size % 2
    return None


def _aiff(file: OpenFile, start: int, *, compressed: bool) -> Samples | None:
    common = b""
    place: tuple[int, int] | None = None
    at = start + 12
    for _ in range(_MOST_CHUNKS):
        head = file.read_at(at, 8)
        if len(head) < 8:
            break
        size = int.from_bytes(head[4:], "big")
        at += 8
        if head[:4] == b"COMM":
            common = file.read_at(at, min(size, 22))
        elif head[:4] == b"SSND":
            offset = int.from_bytes(file.read_at(at, 4), "big")
            place = at + 8 + offset, size - 8 - offset if size > 8 + offset else 0
        if common and place:
            break
        at += size + size % 2
    if len(common) < 18 or place is None:
        return None
    channels, frames = int.from_bytes(common[:2], "big"), int.from_bytes(common[2:6], "big")
    bits = int.from_bytes(common[6:8], "big")
    coding = common[18:22].decode("latin-1") if compressed else "NONE"
    width = {"NONE": -(-bits // 8), "sowt": 2, "twos": 2, "in24": 3, "in32": 4}.get(coding, 0)
    width = {"fl32": 4, "FL32": 4, "fl64": 8, "FL64": 8, "ulaw": 1, "alaw": 1}.get(coding, width)
    end, claimed = _believed(file, *place, "big")
    if claimed is not None and width and frames not in (0, 0xFFFF_FFFF):
        claimed = max(claimed, frames * channels * width)
    rate = _extended(common[8:18])
    kind = f"aiff {coding} {bits}"
    return Samples(kind, rate, channels, channels * width, place[0], end, claimed)


def _believed(file: OpenFile, start: int, size: int, order: Order) -> tuple[int, int | None]:
    """Where samples end, and their size as far as the header knows it."""
    if size in _UNKNOWN_SIZES or (size == 0 and not _chunks_fill(file, start, order)):
        return file.size, None
    return min(start + size, file.size), size


def _chunks_fill(file: OpenFile, at: int, order: Order) -> bool:
    """Whether whole chunks follow to the very end of the file."""
    for _ in range(_MOST_CHUNKS):
        if at >= file.size:
            return True
        head = file.read_at(at, 8)
        if len(head) < 8 or not head[:4].isascii() or not head[:4].decode().isprintable():
            return False
        size = int.from_bytes(head[4:], order)
        at += 8 + size + size % 2
        if at > file.size + 1:
            return False
    return False


def _extended(number: bytes) -> int:
    """A sample rate, from the 80-bit float of AIFF."""
    exponent = int.from_bytes(number[:2], "big") & 0x7FFF
    shift = 16383 + 63 - exponent
    mantissa = int.from_bytes(number[2:], "big")
    return mantissa >> shift if 0 <= shift < 64 else 0
