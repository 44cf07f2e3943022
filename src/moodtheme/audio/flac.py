"""FLAC: how long it is by its last frame, whatever its header says."""

from dataclasses import dataclass

from moodtheme.audio.opened import OpenFile, audio_end, audio_start

# Looked through from the end for the last frame; the longest has 65,535 samples of 8 channels.
_TAILS = (1 << 16, 1 << 22)
_BLOCK_SIZES = {1: 192, **{n: 144 << n for n in (2, 3, 4, 5)}, **{n: 1 << n for n in range(8, 16)}}


@dataclass(frozen=True, slots=True)
class FlacLength:
    """Samples a channel, as the header says (0: unknown) and by the last frame.

    Attributes
    ----------
    sample_rate
        In Hz.
    claimed
        Samples.
    whole, counted
        Samples before the last frame and with it, which may be cut; None where none was found.
    complete
        Whether the last frame is all there; looked into only where it ends elsewhere than claimed.
    """

    sample_rate: int
    claimed: int
    whole: int | None
    counted: int | None
    complete: bool
    _field_at: int
    _rate_nibble: int

    def correction(self, samples: int) -> tuple[int, bytes]:
        """Where the header keeps the number, and these bytes with another one."""
        return self._field_at, (self._rate_nibble << 36 | samples).to_bytes(5, "big")


def flac_length(file: OpenFile) -> FlacLength | None:
    """Compare header and last frame; None for what is not FLAC."""
    start = audio_start(file)
    head = file.read_at(start, 8 + 34)
    if head[:4] != b"fLaC" or head[4] & 0x7F or len(head) < 42:
        return None
    info = head[8:]
    # 20 bits of rate, 3 of channels, 5 of depth, 36 of samples.
    packed = int.from_bytes(info[10:18], "big")
    claimed = packed & (1 << 36) - 1
    last = _last_frame(file, start, fixed=int.from_bytes(info[:2], "big"))
    whole, counted, frame = last or (None, None, b"")
    complete = counted == claimed or _crc16(frame) == 0
    return FlacLength(
        packed >> 44, claimed, whole, counted, complete, start + 8 + 13, packed >> 36 & 0xF
    )


def _last_frame(file: OpenFile, start: int, *, fixed: int) -> tuple[int, int, bytes] | None:
    """Samples before the last frame and with it, and its bytes up to the end of the audio."""
    end = audio_end(file)
    for reach in _TAILS:
        tail_at = max(start, end - reach)
        tail = file.read_at(tail_at, end - tail_at)
        at = len(tail)
        while (at := tail.rfind(b"\xff", 0, at)) >= 0:
            samples = _frame(tail[at : at + 16], fixed)
            if samples is not None:
                return *samples, tail[at:]
        if tail_at == start:
            break
    return None


def _frame(header: bytes, fixed: int) -> tuple[int, int] | None:
    """Samples before the frame with this header and with it; None if it is none."""
    if len(header) < 6 or header[1] & 0xFE != 0xF8 or header[3] & 1:
        return None
    if header[2] & 15 == 15 or header[3] >> 4 > 10:
        return None
    number, at = _coded_number(header, 4)
    size_code = header[2] >> 4
    if number is None or size_code == 0:
        return None
    size = _BLOCK_SIZES.get(size_code, 0)
    if size_code in (6, 7):
        width = size_code - 5
        size = int.from_bytes(header[at : at + width], "big") + 1
        at += width
    at += {12: 1, 13: 2, 14: 2}.get(header[2] & 15, 0)
    if at >= len(header) or _crc8(header[:at]) != header[at]:
        return None
    first = number if header[1] & 1 else number * fixed
    return first, first + size


def _coded_number(header: bytes, at: int) -> tuple[int | None, int]:
    """A number coded as UTF-8 would, of up to 36 bits, and where it ends."""
    first = header[at]
    if first < 0x80:
        return first, at + 1
    more = 0
    while more < 7 and first << more & 0x80:
        more += 1
    if more < 2 or at + more > len(header):
        return None, at
    value = first & (0x7F >> more)
    for byte in header[at + 1 : at + more]:
        if byte & 0xC0 != 0x80:
            return None, at
        value = value << 6 | byte & 0x3F
    return value, at + more


def _crc8(data: bytes) -> int:
    """FLAC's checksum of a frame's header, x⁸+x²+x+1."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ (0x07 if crc & 0x80 else 0)) & 0xFF
    return crc


def _crc16(frame: bytes) -> int:
    """FLAC's checksum of a frame, x¹⁶+x¹⁵+x²+1; 0 over a whole one, which ends with it."""
    table = []
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x8005 if crc & 0x8000 else 0)) & 0xFFFF
        table.append(crc)
    crc = 0
    for byte in frame:
        crc = (crc << 8 & 0xFF00) ^ table[crc >> 8 ^ byte]
    return crc
