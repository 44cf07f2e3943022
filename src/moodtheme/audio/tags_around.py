"""Tags around the audio: ID3v2 before it; ID3v1, APE and Lyrics3 behind."""

from moodtheme.audio.opened import OpenFile

# A footer never lies deeper than these: more tags than anybody writes into one file.
_MOST_TAGS = 16


def audio_start(file: OpenFile) -> int:
    """Where the file begins behind its ID3v2 tags."""
    start = 0
    for _ in range(_MOST_TAGS):
        head = file.read_at(start, 10)
        if head[:3] != b"ID3" or len(head) < 10:
            break
        # A size of four times seven bits, without this header of ten bytes and a footer as long.
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        start += 10 + size + (10 if head[5] & 0x10 else 0)
    return start


def audio_end(file: OpenFile) -> int:
    """Where the tags behind the audio begin; the file's size without any."""
    end = file.size
    for _ in range(_MOST_TAGS):
        length = _last_tag(file, end)
        if not 0 < length <= end:
            break
        end -= length
    return end


def _last_tag(file: OpenFile, end: int) -> int:
    """Length of a tag that ends at ``end``, or 0."""
    if end < 32:
        return 0
    start = max(end - 128, 0)
    tail = file.read_at(start, end - start)
    if tail[:3] == b"TAG" and len(tail) == 128:
        extended = file.read_at(end - 355, 4) if end >= 355 else b""
        return 355 if extended == b"TAG+" else 128
    if tail[-32:-24] == b"APETAGEX":
        # The size counts the items and this footer; bit 31 of the flags tells of a header.
        size = int.from_bytes(tail[-20:-16], "little")
        has_header = int.from_bytes(tail[-12:-8], "little") >> 31
        return size + 32 * has_header
    if tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    return 0
