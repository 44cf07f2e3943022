"""Which decoder reads a file: the first that takes it, soundfile, then PyAV."""

from moodtheme.audio.opened import OpenFile, unreadable
from moodtheme.audio.soundfile_source import SoundfileSource
from moodtheme.audio.sources import Source, UnsupportedError
from moodtheme.errors import NotAudioError


def open_source(file: OpenFile) -> Source:
    """Read a file with the first decoder that takes it, whatever its name.

    soundfile comes first: it decodes whole blocks outside Python's global lock, so that threads
    run side by side, and its seeks are exact to the sample.

    Raises
    ------
    AudioError
        If the file cannot be read, or no decoder takes it.
    """
    try:
        try:
            return SoundfileSource(file)
        except UnsupportedError as error:
            first = str(error)
        try:
            return open_with_pyav(file)
        except UnsupportedError as error:
            second = str(error)
    except OSError as error:
        raise unreadable(file.path, error) from None
    raise NotAudioError(
        file.path,
        f"not audio: no decoder takes it (libsndfile: {first}; FFmpeg: {second}); "
        "check that it plays, then convert it to FLAC or WAV",
    )


def open_with_pyav(file: OpenFile) -> Source:
    """Read a file with FFmpeg, whose bindings load only now: most collections never need them.

    Raises
    ------
    UnsupportedError
        If FFmpeg finds no audio that it can decode.
    OSError
        If the system does not read the file.
    """
    try:
        from moodtheme.audio.pyav_source import PyavSource
    except ImportError as error:
        raise UnsupportedError(f"not available, {error}") from None
    return PyavSource(file)
