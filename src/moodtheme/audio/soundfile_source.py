"""Decoding with libsndfile, kept quiet: WAV, FLAC, Ogg Vorbis, Opus, MP3 and more."""

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from moodtheme.audio.bitstreams import FRAMES_LOOKED_AT, find_bitstream
from moodtheme.audio.mono import Downmix, scale_note, scale_of
from moodtheme.audio.mp3 import states_its_length
from moodtheme.audio.opened import OpenFile, Part, Reader
from moodtheme.audio.resample import Samples
from moodtheme.audio.sources import (
    MOST_VALUES,
    SHORTFALL_S,
    AudioInfo,
    BrokenOffError,
    Decoder,
    UnsupportedError,
    check_claims,
)
from moodtheme.work import lock_through_forks

_WHOLE_NUMBERS = frozenset({"PCM_16", "PCM_24", "PCM_32"})
_MOST_CODED_CHANNELS = 2  # coded sound travels as if it were stereo
_FULL_SCALE = 1 << 15  # of 16-bit samples
_FLOATS = frozenset({"FLOAT", "DOUBLE"})
# Seconds of silence at the start behind which nobody looks for a scale.
_SILENT_S = 60

_lock = threading.Lock()
_users = 0


def _glibc_stderr() -> tuple[ctypes.c_void_p, int] | None:
    """The C library's ``stderr`` variable and an open null stream; None off glibc."""
    try:
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018 - elsewhere the variable may be read-only
        libc.fopen.restype = ctypes.c_void_p
        null = libc.fopen(os.devnull.encode(), b"w")
        return ctypes.c_void_p.in_dll(libc, "stderr"), null
    except (AttributeError, OSError, TypeError, ValueError):
        return None


_streams = _glibc_stderr()
_original = _streams[0].value if _streams else None


def _alone() -> None:
    """Forget the threads that a forked process has no longer."""
    global _users  # noqa: PLW0603 - as below
    _users = 0
    if _streams is not None:
        _streams[0].value = _original
    _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_alone)


@contextmanager
def quiet_c_stderr() -> Iterator[None]:
    """Point C's ``stderr`` at the null device while at least one thread is inside.

    libmpg123 prints to it and libsndfile offers no way to stop that. Only the C library's stream
    variable changes; file descriptor 2, and with it Python's ``sys.stderr`` in every thread, is
    left alone. Off glibc nothing happens and the messages appear.
    """
    global _users  # noqa: PLW0603 - the state it guards is the process's own
    if _streams is None:
        yield
        return
    variable, null = _streams
    with _lock:
        _users += 1
        variable.value = null
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                variable.value = _original


# soundfile itself opens one file at a time, under a lock that a process forked meanwhile would find
# taken for ever. Made after `_lock`, which is taken inside: forks take them in that order.
_OPENING = lock_through_forks()


class _Sequential(soundfile.SoundFile):  # type: ignore[misc]
    """Reads on without the seek that soundfile does after every block."""

    def seekable(self) -> bool:
        return False


class SoundfileSource:
    """A file open in libsndfile.

    Parameters
    ----------
    file
        The file, whose closing is its opener's business.

    Raises
    ------
    UnsupportedError
        If libsndfile does not recognise it or its header makes no sense.
    """

    can_seek = True

    def __init__(self, file: OpenFile | Part) -> None:
        self._opened = file
        try:
            self._file = self._open()
        except (soundfile.SoundFileError, TypeError, ValueError) as error:
            raise UnsupportedError(_reason(error)) from None
        try:
            check_claims(self._file.samplerate, self._file.channels)
            whole = file if isinstance(file, OpenFile) else None  # links of a chain are Ogg
            if self._file.format == "MP3" and whole and not states_its_length(whole):
                raise UnsupportedError("the MP3 file does not say how long it is")
        except UnsupportedError:
            self.close()
            raise
        self.info = AudioInfo(
            path=file.path,
            decoder=Decoder.SOUNDFILE,
            codec=f"{self._file.format} {self._file.subtype}".lower(),
            sample_rate=self._file.samplerate,
            channels=self._file.channels,
            duration_s=self._file.frames / self._file.samplerate,
        )
        # 16-bit samples become floats here, several times as fast as in libsndfile.
        self._type = "int16" if self._file.subtype == "PCM_16" else "float32"
        self._buffer = self._ahead = np.empty((0, self.info.channels), dtype=self._type)
        self._downmix = Downmix()
        self._scale = self._find_scale() if self._file.subtype in _FLOATS else 1.0

    def _open(self) -> soundfile.SoundFile:
        # A descriptor hides the name, so that content alone decides and any bytes may be in it.
        # On Windows it would have to cross C runtimes, so there the name goes.
        posix = os.name == "posix"
        if posix and self._opened.descriptor >= 0:
            os.lseek(self._opened.descriptor, 0, os.SEEK_SET)
        place: Any = self._opened.descriptor if posix else str(self._opened.path)
        if self._opened.corrections or self._opened.descriptor < 0:
            place = Reader(self._opened)
        with _OPENING, quiet_c_stderr():
            return _Sequential(place, closefd=False)

    def _find_scale(self) -> float:
        """The factor to ±1, by the first second with sound; 1 for almost all files."""
        scale = 1.0
        frames = min(self.info.sample_rate, MOST_VALUES // self.info.channels)
        try:
            with np.errstate(over="ignore"):
                for _ in range(_SILENT_S):
                    block = self._read_raw(frames)
                    scale = scale_of(block)
                    if block.any() or not len(block):
                        break
            if self._file.tell() == len(block):
                self._ahead = block
                return scale
        except soundfile.SoundFileError:
            pass  # damage, which is told when it is read
        self._begin_again()
        return scale

    def _read_raw(self, frames: int) -> npt.NDArray[Any]:
        block: npt.NDArray[Any] = self._file.read(frames, dtype=self._type, always_2d=True)
        return block

    def _begin_again(self) -> None:
        self._file.close()
        self._file = self._open()

    def find_bitstream(self) -> str | None:
        """Name of the coded sound that stands in place of samples, if it does; read nothing yet."""
        channels = self.info.channels
        if self._file.subtype not in _WHOLE_NUMBERS or channels > _MOST_CODED_CHANNELS:
            return None
        blocks = []
        silent = 0
        try:
            for _ in range(_SILENT_S):
                blocks.append(self._read_raw(FRAMES_LOOKED_AT))
                sounds = blocks[-1].ravel() != 0
                if sounds.any():
                    silent = int(sounds.argmax()) // channels
                if not len(sounds) or sounds.any():
                    break
            if silent:
                blocks[-1] = np.concatenate([blocks[-1], self._read_raw(silent)])
        except soundfile.SoundFileError:
            self._begin_again()  # damage, which is told when it is read
            return None
        self._ahead = np.concatenate(blocks) if len(blocks) > 1 else blocks[0]
        looked_at = blocks[-1][silent:]
        if self._type == "float32":
            looked_at = np.floor(looked_at * _FULL_SCALE).clip(max=_FULL_SCALE - 1).astype(np.int16)
        return find_bitstream(looked_at)

    def seek(self, frame: int) -> int:
        """Go to ``frame``, or to the start if libsndfile cannot find it."""
        self._ahead = self._ahead[:0]
        try:
            with quiet_c_stderr():
                return int(self._file.seek(min(frame, self._file.frames)))
        except soundfile.SoundFileError:
            self._file.close()
        try:
            self._file = self._open()
        except soundfile.SoundFileError as error:
            raise BrokenOffError(_reason(error)) from None
        return 0

    def read(self, frames: int) -> Samples:
        """At most ``frames`` mono samples; on an error those before it, then the error."""
        if len(self._buffer) < frames:
            self._buffer = np.empty((frames, self.info.channels), dtype=self._type)
            self._floats = self._buffer.astype(np.float32, copy=False)
        ahead, self._ahead = self._ahead[:frames], self._ahead[frames:]
        count = len(ahead)
        self._buffer[:count] = ahead
        before = self._place()
        try:
            with quiet_c_stderr():
                rest = self._buffer[count:frames]
                count += len(self._file.read(len(rest), dtype=self._type, out=rest))
        except soundfile.SoundFileError as error:
            count += self._place() - before
            if not 0 < count <= frames:
                raise BrokenOffError(_reason(error)) from None
        block = self._buffer[:count]
        if not len(block) and before < self._file.frames - SHORTFALL_S * self.info.sample_rate:
            # Also what libsndfile does after a seek into damaged FLAC.
            raise BrokenOffError("the data ends before the header says")
        if self._type == "int16":
            self._floats[:count] = block
            return self._downmix.of_frames(self._floats[:count], scale=1 / _FULL_SCALE)
        if self._scale != 1.0:
            block *= np.float32(self._scale)
        return self._downmix.of_frames(block)

    def _place(self) -> int:
        try:
            return int(self._file.tell())
        except soundfile.SoundFileError as error:  # seen after damage in FLAC
            raise BrokenOffError(_reason(error)) from None

    def notes(self) -> list[str]:
        """Samples beyond any scale, and channels that cancel out; damage is patched in silence."""
        notes = [scale_note(self._scale)] if self._scale != 1.0 else []
        return [*notes, *self._downmix.notes()]

    def close(self) -> None:
        """End libsndfile's part; the file stays open."""
        self._file.close()


def _reason(error: Exception) -> str:
    text = error.error_string if isinstance(error, soundfile.LibsndfileError) else str(error)
    return text.removeprefix("Error : ").strip().rstrip(".").lower()
