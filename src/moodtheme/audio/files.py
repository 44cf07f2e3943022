"""Which files to read: folders are walked, files named directly are kept."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from moodtheme.errors import AudioError, MissingAudioError

# What soundfile and FFmpeg commonly meet in music collections, video containers included.
AUDIO_EXTENSIONS = frozenset(
    {
        *(".aac", ".ac3", ".aif", ".aiff", ".alac", ".ape", ".au", ".caf", ".dsf", ".eac3"),
        *(".flac", ".m4a", ".m4b", ".mka", ".mp2", ".mp3", ".mpc", ".oga", ".ogg", ".opus"),
        *(".snd", ".tta", ".w64", ".wav", ".wave", ".wma", ".wv"),
        *(".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm"),
        *(".wmv", ".3gp"),
    }
)


def find_audio_files(
    paths: Iterable[str | os.PathLike[str]],
) -> tuple[list[Path], list[AudioError]]:
    """List the audio files that paths name, in order, each once.

    Parameters
    ----------
    paths
        Files, kept whatever their names, and folders, walked in sorted order. In folders only
        files with one of `AUDIO_EXTENSIONS` count, and hidden files and folders are skipped, as
        are links back to a folder being walked.

    Returns
    -------
    files
        What was found.
    problems
        One error for each path that does not exist, and each folder that cannot be read or
        holds no audio.
    """
    files: list[Path] = []
    problems: list[AudioError] = []
    seen: set[str] = set()
    for given in paths:
        path = Path(given)
        if path.is_dir():
            found = False
            for file in _walk(path, problems):
                found = True
                _keep(file, files, seen)
            if not found and not any(problem.path == path for problem in problems):
                problems.append(
                    MissingAudioError(path, "the folder holds no audio files; name another one")
                )
        elif os.path.lexists(path):
            _keep(path, files, seen)
        else:
            problems.append(MissingAudioError(path, "no such file or folder; check the name"))
    return files, problems


def _keep(file: Path, files: list[Path], seen: set[str]) -> None:
    real = os.path.realpath(file)
    if real not in seen:
        seen.add(real)
        files.append(file)


def _walk(top: Path, problems: list[AudioError]) -> Iterator[Path]:
    def report(error: OSError) -> None:
        folder = Path(error.filename)
        problems.append(
            MissingAudioError(
                folder, f"the folder cannot be read ({error.strerror}); check its permissions"
            )
        )

    walked: set[tuple[int, int]] = set()
    for name, folders, names in os.walk(top, onerror=report, followlinks=True):
        status = Path(name).stat()
        identity = (status.st_dev, status.st_ino)
        if identity in walked:
            folders.clear()
            continue
        walked.add(identity)
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        for file in sorted(names):
            path = Path(name, file)
            if not file.startswith(".") and path.suffix.lower() in AUDIO_EXTENSIONS:
                yield path
