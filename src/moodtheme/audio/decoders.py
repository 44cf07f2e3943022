"""Which decoder reads a file: the first that takes it, soundfile, then PyAV."""

from dataclasses import replace

from moodtheme.audio.chain import ChainSource
from moodtheme.audio.claims import Findings, examine
from moodtheme.audio.opened import OpenFile, unreadable
from moodtheme.audio.soundfile_source import SoundfileSource
from moodtheme.audio.sources import FFMPEG, EncryptedError, Source, UnsupportedError
from moodtheme.errors import NotAudioError

# No codec spends less than so many bytes on a second, silence included: what a header claims
# beyond that is no length.
_FEWEST_BYTES = 100


def open_source(file: OpenFile) -> tuple[Source, Findings]:
    """Read a file with the first decoder that takes it, whatever its name.

    Lengths that its header claims wrongly are corrected first.

    soundfile comes first: it decodes whole blocks outside Python's global lock, so that threads
    run side by side, and its seeks are exact to the sample.

    Raises
    ------
    AudioError
        If the file cannot be read, or no decoder takes it.
    """
    findings = Findings()
    try:
        findings = examine(file)
        source, is_coded = _first_that_takes(file, findings)
    except OSError as error:
        raise unreadable(file.path, error) from None
    if is_coded:  # lengths are of what it is not
        findings = Findings()
    duration_s = None if is_coded else findings.duration_s or source.info.duration_s
    if duration_s is not None and duration_s > file.size / _FEWEST_BYTES:
        duration_s = None
    source.info = replace(source.info, duration_s=duration_s)
    return source, findings


def _first_that_takes(file: OpenFile, findings: Findings) -> tuple[Source, bool]:
    """The source, and whether it decodes coded sound that stands in place of samples."""
    try:
        if findings.links:
            return ChainSource(file, findings.links), False
        source = SoundfileSource(file)
        if name := source.find_bitstream():
            source.close()
            return _decoded(file, name), True
        return source, False
    except UnsupportedError as error:
        first = str(error)
    try:
        return open_with_pyav(file), False
    except EncryptedError as error:
        raise NotAudioError(file.path, str(error)) from None
    except UnsupportedError as error:
        second = str(error)
    if findings.is_cut:
        raise NotAudioError(
            file.path, f"{findings.warnings[-1]}, and what is there cannot be read; fetch it again"
        )
    raise NotAudioError(
        file.path,
        f"not audio: no decoder takes it (libsndfile: {first}; FFmpeg: {second}); "
        "check that it plays, then convert it to FLAC or WAV",
    )


def _decoded(file: OpenFile, name: str) -> Source:
    """Coded sound that stands in place of samples, where FFmpeg sees that too."""
    advice = f"holds {name}, a coded stream, in place of samples; decode it with a player first"
    try:
        source = open_with_pyav(file)
    except UnsupportedError:
        raise NotAudioError(file.path, advice) from None
    if source.info.codec.startswith(("pcm", "flac")):
        source.close()
        raise NotAudioError(file.path, advice)
    return source


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
        with FFMPEG:
            from moodtheme.audio.pyav_source import PyavSource

            return PyavSource(file)
    except ImportError as error:
        raise UnsupportedError(f"not available, {error}") from None
