"""MP3 as frames: where the audio begins, and what a Xing or Info tag says about its length."""

from dataclasses import dataclass

from moodtheme.audio.opened import OpenFile, audio_end, audio_start

# The first frame's side information ends at most 36 bytes into it; the tag follows.
_TAG_REACH = 36 + 4
# Of the second kind of tag, VBRI, at a fixed place.
_VBRI_AT = 36
# kbit/s by the header's four bits, for MPEG 1 layer III and for MPEG 2 and 2.5.
_RATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
_RATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
# Hz by the header's two bits, for MPEG 1; 2 and 2.5 have a half and a quarter.
_SAMPLE_RATES = (44_100, 48_000, 32_000, 0)
# Bytes behind what a tag covers, before that counts as more audio.
_MOST_BEHIND = 20_000
_READ = 1 << 18
# Places, and bytes at each, that an estimate of the number of frames looks at.
_PLACES = 8
_LOOK = 1 << 14


@dataclass(frozen=True, slots=True)
class FirstFrames:
    """The beginning of an MP3 file.

    Attributes
    ----------
    start, audio
        Where the first frame begins, and the first that is not a Xing, Info or VBRI tag.
    sample_rate, frame_samples
        In Hz, and samples a frame.
    claimed_frames, claimed_bytes
        What the tag says; None where it, or the tag, does not.
    frames_at
        Where it says how many frames.
    """

    start: int
    audio: int
    sample_rate: int
    frame_samples: int
    claimed_frames: int | None
    claimed_bytes: int | None
    frames_at: int = 0


def frame_length(header: bytes) -> int:
    """Length in bytes of the layer III frame that begins with four bytes, 0 if none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version = header[1] >> 3 & 3
    first = version == 3
    bit_rate = (_RATES_1 if first else _RATES_2)[header[2] >> 4]
    sample_rate = _sample_rate(header)
    if version == 1 or not bit_rate or not sample_rate:
        return 0
    return (144 if first else 72) * bit_rate * 1_000 // sample_rate + (header[2] >> 1 & 1)


def _sample_rate(header: bytes) -> int:
    return _SAMPLE_RATES[header[2] >> 2 & 3] >> (0, 0, 1, 2)[3 - (header[1] >> 3 & 3)]


def first_frames(file: OpenFile) -> FirstFrames | None:
    """Find the first two frames; None for what is not MP3, or has something before them."""
    start = audio_start(file)
    frame = file.read_at(start, _TAG_REACH + 16)
    length = frame_length(frame)
    if not length or not frame_length(file.read_at(start + length, 4)):
        return None
    samples = 1152 if frame[1] >> 3 & 3 == 3 else 576
    frames = covered = None
    frames_at = 0
    place = max(frame.find(tag, 0, _TAG_REACH + 4) for tag in (b"Xing", b"Info"))
    if place > 0:
        # Big-endian after the name: flags (1: frames, 2: bytes), then the numbers they announce.
        flags = int.from_bytes(frame[place + 4 : place + 8], "big")
        if flags & 1:
            frames = int.from_bytes(frame[place + 8 : place + 12], "big")
            frames_at = start + place + 8
        if flags & 2:
            behind = place + (12 if flags & 1 else 8)
            covered = int.from_bytes(frame[behind : behind + 4], "big")
    elif frame[_VBRI_AT : _VBRI_AT + 4] != b"VBRI":
        return FirstFrames(start, start, _sample_rate(frame), samples, None, None)
    rate = _sample_rate(frame)
    return FirstFrames(start, start + length, rate, samples, frames, covered, frames_at)


def count_frames(file: OpenFile, start: int, end: int) -> int:
    """Count the frames between two places; what is no frame is passed over.

    A frame counts where another follows it at its length, or nothing.
    """
    count = 0
    at = start
    data, data_at = b"", start
    while at < end:
        if at + 4 > data_at + len(data):
            data, data_at = file.read_at(at, min(_READ, end - at)), at
            if len(data) < 4:
                break
        length = frame_length(data[at - data_at : at - data_at + 4])
        if length:
            count += at + length <= end
            at += length
            continue
        place = data.find(b"\xff", at - data_at + 1)
        at = data_at + (place if place >= 0 else max(len(data) - 3, at - data_at + 1))
    return count


def estimate_frames(file: OpenFile, found: FirstFrames) -> float:
    """About how many frames there are, from the lengths of some in eight places."""
    end = audio_end(file)
    size = end - found.audio
    lengths = frames = 0
    for part in range(_PLACES):
        start = found.audio + size * part // _PLACES
        data = file.read_at(start, min(_LOOK, end - start))
        at = _first_of_three(data)
        while at >= 0 and (length := frame_length(data[at : at + 4])):
            lengths, frames, at = lengths + length, frames + 1, at + length
    return size * frames / lengths if lengths else 0.0


def _first_of_three(data: bytes) -> int:
    """Where three frames follow one another, -1 if they do not."""
    at = data.find(b"\xff")
    while at >= 0:
        second = at + frame_length(data[at : at + 4])
        third = second + frame_length(data[second : second + 4])
        if at < second < third and frame_length(data[third : third + 4]):
            return at
        at = data.find(b"\xff", at + 1)
    return -1


def states_its_length(file: OpenFile) -> bool:
    """Tell whether the first frame holds a Xing or Info tag that covers the rest of the file.

    Without one libsndfile takes the first frame's bit rate for the whole file's: of a file with
    variable bit rate it may read only a part. With one that covers less, as in files that were
    joined, it reads the first piece.
    """
    found = first_frames(file)
    if found is None or found.claimed_frames is None:
        return False
    if found.claimed_bytes is None:
        return True
    return audio_end(file) - found.start - found.claimed_bytes <= _MOST_BEHIND
