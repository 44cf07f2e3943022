"""What a decoder owes to a stream: an open file that gives mono samples at its own rate."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from moodtheme.audio.resample import Samples
from moodtheme.work import lock_through_forks

# Numbers outside these ranges come from damaged headers. In use are 4 kHz (speech) to 5.6 MHz
# (DSD1024, of which FFmpeg gives a value for eight bits); libsndfile stops at 1,024 channels.
LOWEST_RATE = 1_000
HIGHEST_RATE = 5_644_800
MOST_CHANNELS = 1_024
# Samples of all channels decoded at a time, 16 MB of float32: bounds memory whatever the header
# claims.
MOST_VALUES = 4_000_000
# Audio that ends this much before its header says is incomplete; less is codec padding.
SHORTFALL_S = 0.1
# Held while PyAV loads, which it goes on with at its first opening, and whenever FFmpeg is at work:
# a process forked meanwhile would wait for ever for what another thread had begun. Besides, PyAV
# lets go of Python's global lock several times a frame: threads that decode at once spend more on
# handing it over than they gain. Made here, where all is loaded before there are threads.
FFMPEG = lock_through_forks()


class Decoder(StrEnum):
    """The library that decodes a file."""

    SOUNDFILE = "soundfile"
    PYAV = "pyav"


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a file's header says.

    Attributes
    ----------
    path
        The file.
    decoder
        The library that reads it.
    codec
        The codec as that library spells it, in lower case (``ogg vorbis``, ``aac``).
    sample_rate
        In Hz.
    channels
        How many.
    duration_s
        Length in seconds; None where the header does not say.
    """

    path: Path
    decoder: Decoder
    codec: str
    sample_rate: int
    channels: int
    duration_s: float | None


class UnsupportedError(Exception):
    """A decoder does not take a file; the message says why. Leads to the next decoder."""


class EncryptedError(UnsupportedError):
    """The audio is there but encrypted; no other decoder helps."""


class BrokenOffError(Exception):
    """Decoding cannot go on; the message says why. Streams turn it into a warning or error."""


class Source(Protocol):
    """An open file that gives mono float32 samples at the file's own rate."""

    info: AudioInfo
    can_seek: bool  # whether `seek` spares decoding what lies before, amid reading too

    def seek(self, frame: int) -> int:
        """Go to ``frame``, or somewhere before it where the decoder is exact, and say where.

        Only for a source from which nothing has been read yet, or one that `can_seek`.

        Raises
        ------
        BrokenOffError
            If not even the start of the file can be reached.
        """

    def read(self, frames: int) -> Samples:
        """At most ``frames`` further samples in new memory; empty at the end.

        Raises
        ------
        BrokenOffError
            If nothing further can be decoded, but not at the end.
        """

    def notes(self) -> list[str]:
        """What was wrong so far with what was read."""

    def close(self) -> None:
        """Close the file; may be called twice."""


def check_claims(sample_rate: int, channels: int) -> None:
    """Refuse a header whose numbers cannot be right.

    Raises
    ------
    UnsupportedError
        If they are not.
    """
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise UnsupportedError(
            f"the header claims {sample_rate} Hz, outside {LOWEST_RATE}–{HIGHEST_RATE} Hz"
        )
    if not 1 <= channels <= MOST_CHANNELS:
        raise UnsupportedError(f"the header claims {channels} channels")
