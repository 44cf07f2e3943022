"""What a decoder gives to a stream, and which decoder reads a file."""

import os
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from moodtheme.audio.resample import Samples
from moodtheme.errors import AudioError, EmptyAudioError, MissingAudioError, NotAudioError

# Rates outside this range come from damaged headers: the lowest in use is 4 kHz speech, the
# highest 768 kHz PCM.
LOWEST_RATE = 1_000
HIGHEST_RATE = 768_000
# Samples of all channels decoded at a time, 16 MB of float32: bounds memory whatever a header
# claims.
MOST_VALUES = 4_000_000


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
        The codec's name as that library spells it.
    sample_rate
        In Hz.
    channels
        How many.
    duration_s
        Length in seconds, None where the header does not say.
    """

    path: Path
    decoder: Decoder
    codec: str
    sample_rate: int
    channels: int
    duration_s: float | None


class BrokenOffError(Exception):
    """Decoding cannot go on; the message says why. Streams turn it into a warning or error."""


class Source(Protocol):
    """An open file that gives mono float32 samples at the file's own rate."""

    info: AudioInfo
    warnings: list[str]

    def seek(self, frame: int) -> int:
        """Go to ``frame`` or somewhere before it, and return where: the next sample read."""

    def read(self, frames: int) -> Samples:
        """At most ``frames`` further mono samples; empty at the end.

        Raises
        ------
        BrokenOffError
            If nothing further can be decoded before the end.
        """

    def close(self) -> None:
        """Close the file; may be called twice."""


class UnsupportedError(Exception):
    """A decoder does not take a file; the message says why."""


def check_regular_file(path: Path) -> None:
    """Refuse what is not a readable, non-empty, regular file, without opening it.

    Raises
    ------
    AudioError
        Missing, not permitted, a folder, a pipe or device, or empty.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise MissingAudioError(path, "no such file; check the name") from None
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None
    if stat.S_ISDIR(status.st_mode):
        raise NotAudioError(path, "a folder, not a file; name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise NotAudioError(path, "a pipe, socket or device; copy the audio to a file")
    if status.st_size == 0:
        raise EmptyAudioError(path, "the file is empty; fetch or export it again")


def unreadable(path: Path, error: OSError | ValueError) -> AudioError:
    """The error for a file that the system will not open."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return MissingAudioError(path, f"cannot be read ({why}); check its permissions")


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
    if not 1 <= channels <= 1024:
        raise UnsupportedError(f"the header claims {channels} channels")


def open_source(path: Path) -> Source:
    """Open a file with the first decoder that takes it: soundfile, then PyAV.

    soundfile comes first because it decodes outside Python's lock in large pieces, so that
    threads run side by side.

    Raises
    ------
    AudioError
        If the file cannot be read or no decoder takes it.
    """
    from moodtheme.audio.soundfile_source import SoundfileSource

    check_regular_file(path)
    reasons: list[str] = []
    try:
        return SoundfileSource(path)
    except UnsupportedError as error:
        reasons.append(f"soundfile: {error}")
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        # Loaded only here: most collections never need it.
        from moodtheme.audio.pyav_source import PyavSource

        return PyavSource(path)
    except UnsupportedError as error:
        reasons.append(f"FFmpeg: {error}")
    except ImportError as error:
        reasons.append(f"FFmpeg: not installed ({error})")
    except OSError as error:
        raise unreadable(path, error) from None
    raise NotAudioError(
        path, f"no decoder takes it as audio ({'; '.join(reasons)}); convert it to FLAC or WAV"
    )


def plain_name(path: Path) -> str:
    """The file's name as text, with undecodable bytes replaced."""
    return os.fsencode(path).decode(errors="replace")
