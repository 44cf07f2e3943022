"""What headers claim about lengths, compared with what is in the file, before it is decoded.

Libraries believe a header: they stop where it says, or promise what is not there. Here true lengths
take the place of wrong ones, so that both decoders read all there is and seek to the sample.
"""

from dataclasses import dataclass

from moodtheme.audio.chunks import find_samples
from moodtheme.audio.flac import flac_length
from moodtheme.audio.mp3 import count_frames, estimate_frames, first_frames
from moodtheme.audio.ogg import is_ogg, ogg_length
from moodtheme.audio.opened import OpenFile, audio_end, audio_start
from moodtheme.audio.sources import SHORTFALL_S

# An estimate of the number of MP3 frames that is further than this from the claim has them counted.
_DOUBT = 0.1
# Boxes at the top of an MP4 file; no program writes as many.
_MOST_BOXES = 10_000


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out about a file's length.

    Attributes
    ----------
    warnings
        Where header and file disagree, in words.
    duration_s
        Length of the audio in seconds; None where it takes a decoder to say.
    is_cut
        Whether the warnings tell that the end is missing.
    links
        Where Ogg streams begin that follow one another; libsndfile alone would read the first.
    """

    warnings: tuple[str, ...] = ()
    duration_s: float | None = None
    is_cut: bool = False
    links: tuple[int, ...] = ()


def examine(file: OpenFile) -> Findings:
    """Compare a header's lengths with the file; wrong ones are corrected for its readers.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    start = audio_start(file)
    magic = file.read_at(start, 12)
    if magic[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM"):
        return _chunked(file, start)
    if magic[:4] == b"fLaC":
        return _flac(file)
    if is_ogg(file, start):
        return _ogg(file, start)
    if magic[4:8] == b"ftyp":
        return _boxes(file)
    return _mpeg(file)


def _ends_at(there_s: float, claimed_s: float) -> str:
    return (
        f"the audio ends at {there_s:.2f} s, though the header says {claimed_s:.2f} s: "
        f"{claimed_s - there_s:.2f} s are missing"
    )


def _goes_on(there_s: float, claimed_s: float) -> str:
    return (
        f"the header says {claimed_s:.2f} s, but the audio goes on to {there_s:.2f} s; all is used"
    )


def _chunked(file: OpenFile, start: int) -> Findings:
    samples = find_samples(file, start)
    if samples is None or not samples.frame_bytes or not samples.sample_rate:
        return Findings()
    length = samples.end - samples.start
    there_s, claimed_s = samples.seconds, samples.claimed_seconds
    if claimed_s is not None and there_s < claimed_s - SHORTFALL_S:
        return Findings((_ends_at(there_s, claimed_s),), there_s, is_cut=True)
    if samples.claimed is None or samples.claimed < length:
        corrections = {field.at: field.holding(length) for field in samples.fields}
        if all(corrections.values()):
            file.corrections |= corrections
        if claimed_s is not None:
            return Findings((_goes_on(there_s, claimed_s),), there_s)
    return Findings(duration_s=there_s)


def _flac(file: OpenFile) -> Findings:
    length = flac_length(file)
    if length is None or length.whole is None or length.counted is None or not length.sample_rate:
        return Findings()
    rate, claimed = length.sample_rate, length.claimed
    if length.counted == claimed:
        return Findings()
    falls_short = length.counted < claimed - SHORTFALL_S * rate
    samples = length.counted if length.complete else length.whole
    if samples == 0 or (not falls_short and length.counted < claimed):
        return Findings()
    at, field = length.correction(samples)
    file.corrections[at] = field
    said = []
    if falls_short:
        said.append(_ends_at(samples / rate, claimed / rate))
    elif 0 < claimed < samples:
        said.append(_goes_on(samples / rate, claimed / rate))
    if not length.complete and not falls_short:
        said.append(
            f"the file ends in the middle of a frame at {samples / rate:.2f} s; "
            "how much is missing cannot be told"
        )
    return Findings(tuple(said), samples / rate, is_cut=falls_short or not length.complete)


def _mpeg(file: OpenFile) -> Findings:
    found = first_frames(file)
    if found is None:
        return Findings()
    end = audio_end(file)
    frame_s = found.frame_samples / found.sample_rate
    if found.claimed_frames is None:
        return Findings(duration_s=count_frames(file, found.audio, end) * frame_s)
    claimed = found.claimed_frames
    there, told = end - found.start, found.claimed_bytes
    a_second = there / max(claimed * frame_s, 1.0)
    doubtful = told is not None and abs(told - there) > a_second * SHORTFALL_S
    if not doubtful:
        doubtful = abs(estimate_frames(file, found) - claimed) > _DOUBT * claimed
    if not doubtful:
        return Findings()
    frames = count_frames(file, found.audio, end)
    if not frames or abs(frames - claimed) * frame_s < SHORTFALL_S:
        return Findings()
    file.corrections[found.frames_at] = frames.to_bytes(4, "big")
    is_cut = frames < claimed
    say = _ends_at if is_cut else _goes_on
    return Findings((say(frames * frame_s, claimed * frame_s),), frames * frame_s, is_cut=is_cut)


def _ogg(file: OpenFile, start: int) -> Findings:
    length = ogg_length(file, start)
    said = []
    is_chain = len(length.links) > 1
    if is_chain:
        said.append(f"a chain of {len(length.links)} Ogg streams, all of which are read")
    if length.lost:
        said.append(f"{length.lost} Ogg pages are missing in between")
    if not length.ends:
        at = "" if length.seconds is None else f" at {length.seconds:.2f} s"
        said.append(
            f"the file breaks off{at} without the mark of its end; "
            "how much is missing cannot be told"
        )
    return Findings(
        tuple(said),
        length.seconds if is_chain else None,
        is_cut=not length.ends,
        links=length.links if is_chain else (),
    )


def _boxes(file: OpenFile) -> Findings:
    """MP4: whether its boxes fit into the file."""
    at = 0
    for _ in range(_MOST_BOXES):
        head = file.read_at(at, 16)
        if len(head) < 8:
            break
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size == 0 or size < 8:
            break  # to the end of the file, or nonsense
        at += size
    missing = at - file.size
    if missing <= 0:
        return Findings()
    share = missing / at
    return Findings(
        (f"the file breaks off: {missing} of its {at} bytes ({share:.0%}) are missing",),
        is_cut=True,
    )
