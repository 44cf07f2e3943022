"""Decoding with libsndfile: WAV, FLAC, Ogg Vorbis, Opus, MP3 and more."""

import os
from pathlib import Path

import numpy as np
import soundfile

from moodtheme.audio.quiet import quiet_c_stderr
from moodtheme.audio.resample import Samples, mean_of_channels
from moodtheme.audio.sources import (
    MOST_VALUES,
    AudioInfo,
    BrokenOffError,
    Decoder,
    UnsupportedError,
    check_claims,
)


class _Sequential(soundfile.SoundFile):  # type: ignore[misc]
    """Reads on without a seek after every block, which costs time and decoder state."""

    def seekable(self) -> bool:
        return False


class SoundfileSource:
    """A file open in libsndfile.

    Parameters
    ----------
    path
        A regular file.

    Raises
    ------
    UnsupportedError
        If libsndfile does not recognise it or its header makes no sense.
    OSError
        If the system does not open it.
    """

    def __init__(self, path: Path) -> None:
        self.warnings: list[str] = []
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._file: soundfile.SoundFile | None = None
        try:
            # A descriptor hides the name, so content alone decides, and names of any bytes work.
            # On Windows it would have to cross C runtimes, so the path goes instead.
            target = self._descriptor if os.name == "posix" else str(path)
            with quiet_c_stderr():
                self._file = _Sequential(target, closefd=False)
            check_claims(self._file.samplerate, self._file.channels)
        except UnsupportedError:
            self.close()
            raise
        except (soundfile.SoundFileError, TypeError, ValueError) as error:
            self.close()
            raise UnsupportedError(_reason(error)) from None
        self.frames: int = self._file.frames
        self.info = AudioInfo(
            path=path,
            decoder=Decoder.SOUNDFILE,
            codec=self._file.subtype.lower(),
            sample_rate=self._file.samplerate,
            channels=self._file.channels,
            duration_s=self.frames / self._file.samplerate,
        )
        self._buffer = np.zeros((0, self.info.channels), dtype=np.float32)

    def seek(self, frame: int) -> int:
        """Go to ``frame``."""
        assert self._file is not None
        try:
            with quiet_c_stderr():
                return int(self._file.seek(min(frame, self.frames)))
        except soundfile.SoundFileError as error:
            raise BrokenOffError(_reason(error)) from None

    def read(self, frames: int) -> Samples:
        """At most ``frames`` mono samples, as one block of new memory."""
        assert self._file is not None
        frames = min(frames, max(MOST_VALUES // self.info.channels, 1))
        if len(self._buffer) < frames:
            self._buffer = np.empty((frames, self.info.channels), dtype=np.float32)
        try:
            with quiet_c_stderr():
                block = self._file.read(frames, dtype="float32", out=self._buffer[:frames])
        except soundfile.SoundFileError as error:
            raise BrokenOffError(_reason(error)) from None
        return mean_of_channels(block)

    def close(self) -> None:
        """Close the file and its descriptor."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _reason(error: Exception) -> str:
    text = error.error_string if isinstance(error, soundfile.LibsndfileError) else str(error)
    return text.removeprefix("Error : ").strip().rstrip(".").lower()
