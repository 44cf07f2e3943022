"""Music on disk: FLAC files that say what they were made from."""

import io
from pathlib import Path

import soundfile

from moodtheme.demo.modal import Samples
from moodtheme.files import replacing


def write_flac(path: Path, audio: Samples, sample_rate: int, *, title: str, mark: str) -> None:
    """Write 16-bit FLAC so that the file is either whole or not there.

    Parameters
    ----------
    path
        Where to.
    audio, sample_rate
        (samples, 2) and Hz.
    title, mark
        Title, and comment by which `has_mark` knows the file again.

    Raises
    ------
    UsageError
        The file cannot be written.
    """
    encoded = io.BytesIO()
    with soundfile.SoundFile(
        encoded, "w", samplerate=sample_rate, channels=2, format="FLAC", subtype="PCM_16"
    ) as file:
        file.title = title
        file.comment = mark
        file.write(audio)
    with replacing(path) as temporary:
        temporary.write_bytes(encoded.getbuffer())


def has_mark(path: Path, mark: str) -> bool:
    """Whether a file is there, is audio and carries the comment it was written with."""
    try:
        with soundfile.SoundFile(path) as file:
            return bool(file.comment == mark and file.frames > 0)
    except (OSError, soundfile.LibsndfileError):
        return False
