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


def iter_audio_files(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path | AudioError]:
    """Find the audio files that paths name, one by one, in order, each once.

    Parameters
    ----------
    paths
        Files, kept whatever their names, and folders, walked in sorted order. In folders only
        files with one of `AUDIO_EXTENSIONS` count, hidden files and folders are skipped, and so
        are links to a folder that has been walked.

    Yields
    ------
    Path or AudioError
        A file, or an error for a path that does not exist, a folder that cannot be read, or a
        named folder that holds no audio.
    """
    seen: set[str] = set()
    for given in paths:
        path = Path(given)
        if os.path.isdir(path):  # noqa: PTH112 - unlike Path's, it is False for any error
            empty = True
            for found in _walk(path):
                empty = False
                if isinstance(found, AudioError) or _first_time(found, seen):
                    yield found
            if empty:
                yield MissingAudioError(
                    path, "the folder holds no audio files; name another folder or a file"
                )
        elif not os.path.lexists(path):
            yield MissingAudioError(path, "no such file or folder; check the name")
        elif _first_time(path, seen):
            yield path


def find_audio_files(
    paths: Iterable[str | os.PathLike[str]],
) -> tuple[list[Path], list[AudioError]]:
    """`iter_audio_files` in one go: the files and the problems.

    Parameters
    ----------
    paths
        Files and folders.

    Returns
    -------
    files
        What was found, in order, each once.
    problems
        One error for each path that gave nothing.
    """
    files: list[Path] = []
    problems: list[AudioError] = []
    for found in iter_audio_files(paths):
        if isinstance(found, AudioError):
            problems.append(found)
        else:
            files.append(found)
    return files, problems


def _first_time(file: Path, seen: set[str]) -> bool:
    real = os.path.realpath(file)
    if real in seen:
        return False
    seen.add(real)
    return True


def _walk(top: Path) -> Iterator[Path | AudioError]:
    """Audio files below a folder: its files first, then its folders, both in sorted order."""
    walked: set[str] = set()
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        real = os.path.realpath(folder)
        if real in walked:
            continue
        walked.add(real)
        try:
            with os.scandir(folder) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
                folders = {entry.name for entry in visible if _is_folder(entry)}
        except OSError as error:
            yield MissingAudioError(
                folder, f"the folder cannot be read ({error.strerror}); check its permissions"
            )
            continue
        for name in sorted(entry.name for entry in visible if entry.name not in folders):
            file = folder / name
            if file.suffix.lower() in AUDIO_EXTENSIONS:
                yield file
        waiting.extend(folder / name for name in sorted(folders, reverse=True))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
