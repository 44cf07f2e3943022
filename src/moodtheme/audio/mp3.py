"""Whether an MP3 file says how long it is. libsndfile guesses where not, and stops there."""

from typing import BinaryIO

# The first frame's side information ends at most 36 bytes into it; the tag follows.
_TAG_REACH = 36 + 4
# Behind the audio there may be tags and a picture; more than this is more audio.
_MOST_BEHIND = 200_000


def states_its_length(file: BinaryIO) -> bool:
    """Tell whether the first frame holds a Xing or Info tag that covers the rest of the file.

    Without one libsndfile takes the first frame's bit rate for the whole file's: of a file with
    variable bit rate it may read only a part. With one that covers less, as in files that were
    joined, it reads the first piece.

    Parameters
    ----------
    file
        An MP3 file, open for reading in binary.
    """
    size = file.seek(0, 2)
    start = 0
    while True:
        file.seek(start)
        head = file.read(10)
        if head[:3] != b"ID3" or len(head) < 10:
            break
        # ID3v2: a size of four times seven bits, without this header of ten bytes.
        length = 0
        for byte in head[6:10]:
            length = length << 7 | byte & 0x7F
        start += 10 + length
    file.seek(start)
    frame = file.read(_TAG_REACH + 16)
    places = [frame.find(tag, 0, _TAG_REACH + 4) for tag in (b"Xing", b"Info")]
    place = max(places)
    if place < 0:
        return False
    # Big-endian after the name: flags (1: frames, 2: bytes), then the numbers they announce.
    flags = int.from_bytes(frame[place + 4 : place + 8], "big")
    if flags & 3 != 3:
        return bool(flags & 1)
    covered = int.from_bytes(frame[place + 12 : place + 16], "big")
    return size - start - covered <= _MOST_BEHIND
