"""WAV, RF64 and AIFF as chunks: where the samples lie, and what the header says of them."""

from dataclasses import dataclass
from typing import Literal

from moodtheme.audio.opened import OpenFile, audio_end

Order = Literal["little", "big"]

# Chunks read before the samples; no program writes as many.
_MOST_CHUNKS = 1_000
# What writers put where they do not know the size yet, besides 0.
_UNKNOWN_SIZES = frozenset(
    {0xFFFF_FFFF, 0x7FFF_FFFF, 0xFFFF_FFDB, 0x7FFF_FFDB, (1 << 64) - 1, (1 << 63) - 1}
)
_ALL_ONES = 0xFFFF_FFFF
# WAV's codings whose frames have a fixed length: PCM, float, A-law, µ-law.
_FIXED = frozenset({1, 3, 6, 7})
_EXTENSIBLE = 0xFFFE
# Chunks that may be cut off behind the samples and still are chunks.
_KNOWN = frozenset(
    {b"LIST", b"id3 ", b"ID3 ", b"bext", b"JUNK", b"PAD ", b"iXML", b"_PMX", b"APPL"}
)


@dataclass(frozen=True, slots=True)
class Field:
    """A number in a header that follows from the samples' length in bytes."""

    at: int
    width: int
    order: Order
    unit: int = 1
    plus: int = 0

    def holding(self, length: int) -> bytes:
        """The field for samples of ``length`` bytes; empty where it is too narrow."""
        value = length // self.unit + self.plus
        return value.to_bytes(self.width, self.order) if value < 1 << 8 * self.width else b""


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
    fields
        The places that say so.
    """

    kind: str
    sample_rate: int
    channels: int
    frame_bytes: int
    start: int
    end: int
    claimed: int | None
    fields: tuple[Field, ...]

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

    A size that cannot be right is not believed: all ones, beyond the end of the file, or one behind
    which there is more than a second that is no chunk. There the samples reach to the end.
    """
    head = file.read_at(start, 12)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _wave(file, start, big=head[:4] == b"RIFX")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _aiff(file, start, compressed=head[8:12] == b"AIFC")
    return None


def _wave(file: OpenFile, start: int, *, big: bool) -> Samples | None:
    order: Order = "big" if big else "little"
    wide: int | None = None
    wide_at = 0
    form = b""
    at = start + 12
    for _ in range(_MOST_CHUNKS):
        head = file.read_at(at, 8)
        if len(head) < 8:
            return None
        size = int.from_bytes(head[4:], order)
        at += 8
        if head[:4] == b"ds64":
            wide_at = at + 8
            wide = int.from_bytes(file.read_at(wide_at, 8), "little")
        elif head[:4] == b"fmt ":
            form = file.read_at(at, min(size, 40))
        elif head[:4] == b"data":
            if len(form) < 16:
                return None
            tag, channels = (int.from_bytes(form[i : i + 2], order) for i in (0, 2))
            if tag == _EXTENSIBLE and len(form) >= 26:
                tag = int.from_bytes(form[24:26], order)
            frame, bits = (int.from_bytes(form[i : i + 2], order) for i in (12, 14))
            rate = int.from_bytes(form[4:8], order)
            frame = frame if tag in _FIXED else 0
            field = Field(at - 4, 4, order)
            if wide is not None and size == _ALL_ONES:
                size, field = wide, Field(wide_at, 8, "little")
            end, claimed = _believed(file, at, size, order, second=frame * rate)
            kind = f"wave {order} {tag} {bits}"
            return Samples(kind, rate, channels, frame, at, end, claimed, (field,))
        at += size + size % 2
    return None


def _aiff(file: OpenFile, start: int, *, compressed: bool) -> Samples | None:
    common, common_at = b"", 0
    place: tuple[int, int] | None = None
    field: Field | None = None
    at = start + 12
    for _ in range(_MOST_CHUNKS):
        head = file.read_at(at, 8)
        if len(head) < 8:
            break
        size = int.from_bytes(head[4:], "big")
        at += 8
        if head[:4] == b"COMM":
            common, common_at = file.read_at(at, min(size, 22)), at
        elif head[:4] == b"SSND":
            offset = int.from_bytes(file.read_at(at, 4), "big")
            place = at + 8 + offset, size - 8 - offset if size > 8 + offset else 0
            field = Field(at - 4, 4, "big", plus=8 + offset)
        if common and place:
            break
        at += size + size % 2
    if len(common) < 18 or place is None or field is None:
        return None
    channels, frames = int.from_bytes(common[:2], "big"), int.from_bytes(common[2:6], "big")
    bits = int.from_bytes(common[6:8], "big")
    coding = common[18:22].decode("latin-1") if compressed else "NONE"
    width = {"NONE": -(-bits // 8), "sowt": 2, "twos": 2, "in24": 3, "in32": 4}.get(coding, 0)
    width = {"fl32": 4, "FL32": 4, "fl64": 8, "FL64": 8, "ulaw": 1, "alaw": 1}.get(coding, width)
    rate = _extended(common[8:18])
    frame = channels * width
    end, claimed = _believed(file, *place, "big", second=frame * rate)
    fields = (field, Field(common_at + 2, 4, "big", unit=frame)) if frame else (field,)
    if frame and claimed is not None and frames * frame > claimed:
        claimed = frames * frame
    kind = f"aiff {coding} {bits}"
    return Samples(kind, rate, channels, frame, place[0], end, claimed, fields)


def _believed(
    file: OpenFile, start: int, size: int, order: Order, *, second: int
) -> tuple[int, int | None]:
    """Where samples end, and their size as the header knows it; ``second`` is one's bytes."""
    if size in _UNKNOWN_SIZES:
        return file.size, None
    end = start + size
    left = file.size - end
    if left < max(second, 8) or any(
        _chunks_follow(file, end + odd, order) for odd in (size % 2, 0)
    ):
        return min(end, file.size), size
    return max(end, audio_end(file)), size


def _chunks_follow(file: OpenFile, at: int, order: Order) -> bool:
    """Whether chunks follow to the very end of the file, or one that is known."""
    for _ in range(_MOST_CHUNKS):
        if at >= file.size - 1:
            return at <= file.size + 1
        head = file.read_at(at, 8)
        if head[:4] in _KNOWN:
            return True
        if len(head) < 8 or not head[:4].isascii() or not head[:4].decode().isprintable():
            return False
        size = int.from_bytes(head[4:], order)
        at += 8 + size + size % 2
    return False


def _extended(number: bytes) -> int:
    """A sample rate, from the 80-bit float of AIFF."""
    exponent = int.from_bytes(number[:2], "big") & 0x7FFF
    shift = 16383 + 63 - exponent
    mantissa = int.from_bytes(number[2:], "big")
    return mantissa >> shift if 0 <= shift < 64 else 0
