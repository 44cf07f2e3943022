"""Which files to read: folders are walked, files named directly are kept."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from moodtheme.audio.mp3 import first_frames
from moodtheme.audio.opened import OpenFile
from moodtheme.errors import AudioError, EmptyAudioError, MissingAudioError

# What libsndfile and FFmpeg read, video containers included. Files of other names are looked into.
AUDIO_EXTENSIONS = frozenset(
    {
        *(".aa3", ".aac", ".aax", ".ac3", ".adts", ".aif", ".aifc", ".aiff", ".alac"),
        *(".amr", ".ape", ".asf", ".au", ".avi", ".bwf", ".caf", ".dff", ".dsf", ".dts"),
        *(".dtshd", ".eac3", ".ec3", ".f4a", ".f4v", ".flac", ".flv", ".gsm", ".loas"),
        *(".m1a", ".m2a", ".m2ts", ".m4a", ".m4b", ".m4p", ".m4r", ".m4v", ".mka"),
        *(".mkv", ".mlp", ".mov", ".mp1", ".mp2", ".mp3", ".mp4", ".mpa", ".mpc"),
        *(".mpeg", ".mpg", ".mpga", ".mts", ".oga", ".ogg", ".ogm", ".ogv", ".oma"),
        *(".opus", ".ra", ".rf64", ".rm", ".shn", ".snd", ".sph", ".spx", ".svx", ".tak"),
        *(".thd", ".truehd", ".tta", ".voc", ".vob", ".w64", ".wav", ".wave", ".weba"),
        *(".webm", ".wma", ".wmv", ".wv", ".3g2", ".3ga", ".3gp"),
    }
)
# Bytes of a file that are looked at, and which of them sound begins with.
_HEAD = 64
# Bytes at a place, and those at another that must follow.
_MARKS: tuple[tuple[bytes, int, tuple[bytes, ...]], ...] = (
    (b"RIFF", 8, (b"WAVE", b"AVI ", b"RMP3")),
    (b"RIFX", 8, (b"WAVE",)),
    (b"RF64", 8, (b"WAVE",)),
    (b"BW64", 8, (b"WAVE",)),
    (b"riff", 24, (b"wave",)),  # W64 writes GUIDs
    (b"FORM", 8, (b"AIFF", b"AIFC", b"8SVX", b"16SV")),
    (b"FRM8", 12, (b"DSD ",)),
    (b"OggS", 4, (b"\0",)),
    (b"ID3", 3, (b"\2", b"\3", b"\4")),
    (b"caff", 4, (b"\0\1",)),
    (b".snd", 4, (b"\0\0",)),
    (b"\x1aE\xdf\xa3", 0, (b"\x1a",)),  # Matroska and WebM
    (b"0&\xb2u\x8ef\xcf\x11", 0, (b"0",)),  # ASF: WMA, WMV
    *(
        (mark, 0, (mark[:1],))
        for mark in (
            *(b"fLaC", b"wvpk", b"MAC ", b"TTA1", b"tBaK", b"DSD ", b"MPCK", b"MP+", b"ajkg"),
            *(b"#!AMR", b"Creative Voice File", b"ADIF", b"\x0bw", b"\x7f\xfe\x80\x01"),
            *(b"\xfe\x7f\x01\x80", b"\x1f\xff\xe8\x00", b"\xff\x1f\x00\xe8", b"DTSHDHDR"),
        )
    ),
)
# MP4's relatives that are pictures.
_PICTURES = frozenset(
    {b"heic", b"heix", b"hevc", b"heif", b"mif1", b"msf1", b"avif", b"avis", b"crx "}
)
# Extensions that an account names before it says "others".
_NAMED = 4


@dataclass
class ScanAccount:
    """What a walk through folders found and passed over.

    Attributes
    ----------
    files
        Audio files found in folders or named directly.
    looked_into
        Of these, those in folders whose names do not say that they are audio.
    no_audio
        Files in folders that hold none, by extension.
    hidden, empty
        Files and folders that the system hides, and files without a byte.
    unreadable
        Files whose names say nothing and that cannot be read, with links that lead nowhere.
    """

    files: int = 0
    looked_into: int = 0
    no_audio: Counter[str] = field(default_factory=Counter)
    hidden: int = 0
    empty: int = 0
    unreadable: int = 0

    def line(self) -> str | None:
        """What was passed over and why, in a line; None where nothing was."""
        parts = []
        if total := self.no_audio.total():
            common = [
                f"{n} {name or 'without extension'}" for name, n in self.no_audio.most_common()
            ]
            names = ", ".join(common[:_NAMED]) + (", others" if len(common) > _NAMED else "")
            parts.append(f"{total} without audio ({names})")
        for count, what in (
            (self.hidden, "hidden"),
            (self.empty, "empty"),
            (self.unreadable, "unreadable"),
        ):
            if count:
                parts.append(f"{count} {what}")
        if not parts:
            return None
        return f"{self.files} audio files found; passed over: {', '.join(parts)}"


def iter_audio_files(
    paths: Iterable[str | os.PathLike[str]], account: ScanAccount | None = None
) -> Iterator[Path | AudioError]:
    """Find the audio files that paths name, one by one, in order, each once.

    Parameters
    ----------
    paths
        Files, kept whatever their names, and folders, walked in sorted order. In folders files
        count that have one of `AUDIO_EXTENSIONS` or whose first bytes are those of such a format;
        hidden files and folders are skipped, and so are links to a folder that has been walked.
    account
        Is told what was found and what was passed over.

    Yields
    ------
    Path or AudioError
        A file, or an error for a path that does not exist, a folder that cannot be read, or a
        named folder that holds no audio.
    """
    account = account if account is not None else ScanAccount()
    seen: set[str] = set()
    for given in paths:
        if problem := _no_path(os.fspath(given)):
            yield MissingAudioError(os.fspath(given) or "''", problem)
            continue
        path = Path(given)
        if os.path.isdir(path):  # noqa: PTH112 - unlike Path's, it is False for any error
            empty = True
            for found in _walk(path, account):
                empty = False
                if isinstance(found, AudioError):
                    yield found
                elif found[1] not in seen:
                    seen.add(found[1])
                    account.files += 1
                    yield found[0]
            if empty:
                yield MissingAudioError(
                    path, "the folder holds no audio files; name another folder or a file"
                )
        elif not os.path.lexists(path):
            yield MissingAudioError(path, "no such file or folder; check the name")
        elif (real := os.path.realpath(path)) not in seen:
            seen.add(real)
            account.files += 1
            yield path


def _no_path(given: str) -> str | None:
    """What is wrong with words that would become another path if they were taken for one."""
    if not given:
        return "an empty name; name a file or a folder (. is the current one)"
    scheme, colon, _ = given.partition(":/")
    if colon and scheme.isalnum() and len(scheme) > 1 and not os.path.lexists(given):
        return f"an address, not a file ({given}); download it and name the file"
    return None


def find_audio_files(
    paths: Iterable[str | os.PathLike[str]], account: ScanAccount | None = None
) -> tuple[list[Path], list[AudioError]]:
    """`iter_audio_files` in one go: the files and the problems.

    Parameters
    ----------
    paths
        Files and folders.
    account
        Is told what was found and what was passed over.

    Returns
    -------
    files
        What was found, in order, each once.
    problems
        One error for each path that gave nothing.
    """
    files: list[Path] = []
    problems: list[AudioError] = []
    for found in iter_audio_files(paths, account):
        if isinstance(found, AudioError):
            problems.append(found)
        else:
            files.append(found)
    return files, problems


def _walk(top: Path, account: ScanAccount) -> Iterator[tuple[Path, str] | AudioError]:
    """Audio files below a folder: its files first, then its folders, both in sorted order.

    Each with where it really lies, which is found once a folder but for links.
    """
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
                every = list(entries)
                visible = [entry for entry in every if not entry.name.startswith(".")]
                folders = {entry.name for entry in visible if _is_folder(entry)}
                links = {entry.name for entry in visible if entry.is_symlink()}
        except OSError as error:
            yield MissingAudioError(
                folder, f"the folder cannot be read ({error.strerror}); check its permissions"
            )
            continue
        account.hidden += len(every) - len(visible)
        for name in sorted(entry.name for entry in visible if entry.name not in folders):
            file = folder / name
            if file.suffix.lower() in AUDIO_EXTENSIONS or _is_audio(file, account):
                lies = os.path.join(real, name)  # noqa: PTH118 - a text is quicker to make
                yield file, os.path.realpath(file) if name in links else lies
        waiting.extend(folder / name for name in sorted(folders, reverse=True))


def _is_audio(file: Path, account: ScanAccount) -> bool:
    """Look into a file whose name does not say that it is audio."""
    try:
        found = _looks_like_audio(file)
    except EmptyAudioError:
        account.empty += 1
    except (AudioError, OSError):
        account.unreadable += 1
    else:
        account.looked_into += found
        if not found:
            account.no_audio[file.suffix.lower()] += 1
        return found
    return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _looks_like_audio(path: Path) -> bool:
    """Whether the first bytes are those of a format with sound; a few kB are read.

    Raises
    ------
    AudioError
        If the file is empty, no regular file, or cannot be read.
    """
    with OpenFile(path) as file:
        head = file.read_at(0, _HEAD)
        if head[4:8] == b"ftyp":
            return head[8:12] not in _PICTURES
        for mark, at, values in _MARKS:
            if head.startswith(mark):
                return head[at:].startswith(values)
        if head[:1] == b"G":  # MPEG transport streams are packets of 188 bytes
            return all(file.read_at(188 * packet, 1) == b"G" for packet in range(1, 4))
        if head[:1] != b"\xff":
            return False
        is_adts = head[1:2] in (b"\xf1", b"\xf9") and (head[2] >> 2 & 15) < 13
        return is_adts or first_frames(file) is not None
