"""Which decoder reads a file: the first that takes it, soundfile, then PyAV."""

import stat
from pathlib import Path

from moodtheme.audio.soundfile_source import SoundfileSource
from moodtheme.audio.sources import Source, UnsupportedError
from moodtheme.errors import AudioError, EmptyAudioError, MissingAudioError, NotAudioError


def open_source(path: Path) -> Source:
    """Open a file with the first decoder that takes it, whatever its name.

    soundfile comes first: it decodes whole blocks outside Python's global lock, so that threads
    run side by side, and its seeks are exact to the sample.

    Raises
    ------
    AudioError
        If the file cannot be read, is empty, or no decoder takes it.
    """
    _check_regular_file(path)
    try:
        try:
            return SoundfileSource(path)
        except UnsupportedError as error:
            first = str(error)
        try:
            return open_with_pyav(path)
        except UnsupportedError as error:
            second = str(error)
    except OSError as error:
        raise _unreadable(path, error) from None
    raise NotAudioError(
        path,
        f"not audio: no decoder takes it (libsndfile: {first}; FFmpeg: {second}); "
        "check that it plays, then convert it to FLAC or WAV",
    )


def open_with_pyav(path: Path) -> Source:
    """Open a file in FFmpeg, whose bindings load only now: most collections never need them.

    Raises
    ------
    UnsupportedError
        If FFmpeg finds no audio that it can decode.
    OSError
        If the system does not open the file.
    """
    try:
        from moodtheme.audio.pyav_source import PyavSource
    except ImportError as error:
        raise UnsupportedError(f"not available, {error}") from None
    return PyavSource(path)


def _check_regular_file(path: Path) -> None:
    """Refuse what is not a non-empty regular file, before opening it: a pipe would hang."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise MissingAudioError(path, "no such file; check the name") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if stat.S_ISDIR(status.st_mode):
        raise NotAudioError(path, "a folder, not a file; name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise NotAudioError(path, "a pipe, socket or device; copy the audio to a file")
    if status.st_size == 0:
        raise EmptyAudioError(path, "the file is empty; fetch or export it again")


def _unreadable(path: Path, error: OSError | ValueError) -> AudioError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return MissingAudioError(path, f"cannot be read ({why}); check its name and permissions")
