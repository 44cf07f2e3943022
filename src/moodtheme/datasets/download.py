"""
MTG-Jamendo from its mirrors to a folder: archive by archive, to be stopped and resumed at will.

No record is kept of what is done: a track gets its name only when it has been verified, so an
archive is done when all its tracks are there. ``NN/ID.mp3``, ``NN/ID.low.mp3`` and ``NN/ID.npy``
live side by side in the same folder.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from moodtheme.datasets.archives import unpack
from moodtheme.datasets.cells import read_text
from moodtheme.datasets.jamendo import DataType, Metadata
from moodtheme.errors import DatasetError, DownloadError, HashMismatchError
from moodtheme.fetched.downloads import fetch, partial_size, remote_size
from moodtheme.files import free_room, sha256_of

DATASET = "autotagging_moodtheme"
MIRRORS = (
    "https://cdn.freesound.org/mtg-jamendo",
    "https://essentia.upf.edu/documentation/datasets/mtg-jamendo",
)
"""The publisher's servers, the faster one first (dataset's repository, scripts/download)."""

PUBLISHED_BYTES: Mapping[DataType, int] = {
    DataType.AUDIO: 152 * 10**9,
    DataType.AUDIO_LOW: 46 * 10**9,
    DataType.MELSPECS: 68 * 10**9,
}
"""Size of all archives together (dataset's repository, README)."""

_FAILURES_IN_A_ROW = 3  # after so many the fault is the connection's, not an archive's
_CHECKSUM = re.compile(r"([0-9a-f]{64}) +(\S+)")
_ARCHIVE_NAME = re.compile(r"\w[\w-]*-(\d\d)\.tar")
_TRACK_NAME = re.compile(r"(\d\d)/\w[\w.-]*")


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A published archive and the tracks in it."""

    name: str
    sha256: str
    tracks: Mapping[str, str]
    """SHA-256 by name, such as ``24/3524.mp3``."""

    def absent(self, folder: Path) -> list[str]:
        """Return the tracks that are not in the folder."""
        return [track for track in self.tracks if not (folder / track).is_file()]


@dataclass(frozen=True, kw_only=True)
class Space:
    """Room on the disk that a download takes, in bytes."""

    needed: int
    """At the most at once, of the archives whose size is stated."""
    unstated: int
    """Number of archives without a stated size."""
    guess: int
    """The same, with the published average for those."""
    free: int


class TrackState(StrEnum):
    """What a check of a track found."""

    WHOLE = "whole"
    MISSING = "missing"
    CORRUPT = "corrupt"


class Listener(Protocol):
    """Hears how a download goes."""

    def started(self, archive: Archive) -> None:
        """Begin to fetch or to unpack an archive."""

    def received(self, done: int, total: int | None) -> None:
        """Bytes of the archive that are there, and that there will be."""

    def unpacked(self, done: int, total: int) -> None:
        """Tracks of the archive that are in their place."""

    def finished(self, archive: Archive) -> None:
        """All tracks of the archive are there."""

    def failed(self, archive: Archive, reason: str) -> None:
        """The archive is left out of this run."""


def published_archives(metadata: Metadata, data_type: DataType) -> tuple[Archive, ...]:
    """Return the archives of one type, in official order."""
    archives = _checksums(metadata.file(f"download/{DATASET}_{data_type}_sha256_tars.txt"))
    track_list = metadata.file(f"download/{DATASET}_{data_type}_sha256_tracks.txt")
    by_folder: dict[str, dict[str, str]] = {}
    for name, sha256 in _checksums(track_list).items():
        match = _TRACK_NAME.fullmatch(name)
        if match is None:
            raise DatasetError(
                f"{track_list}: {name!r} is no track of the dataset; fetch the list again"
            )
        by_folder.setdefault(match[1], {})[name] = sha256
    found = []
    for name, sha256 in archives.items():
        match = _ARCHIVE_NAME.fullmatch(name)
        if match is None or match[1] not in by_folder:
            raise DatasetError(
                f"{track_list}: lists no track of the archive {name!r}; fetch both lists again"
            )
        found.append(Archive(name=name, sha256=sha256, tracks=by_folder[match[1]]))
    return tuple(found)


def archive_urls(
    archive: Archive, data_type: DataType, mirrors: Sequence[str] = MIRRORS
) -> list[str]:
    """Return the addresses of an archive."""
    return [f"{mirror.rstrip('/')}/{DATASET}/{data_type}/{archive.name}" for mirror in mirrors]


def space_for(
    archives: Sequence[Archive],
    folder: Path,
    data_type: DataType,
    *,
    mirrors: Sequence[str] = MIRRORS,
    keep_archives: bool = False,
) -> Space:
    """
    Ask the mirrors how large the archives are and work out the room they take.

    An archive and its tracks take the same room. Without ``keep_archives`` there is one archive
    at a time beside the tracks.
    """
    average = PUBLISHED_BYTES[data_type] // 100
    stated: list[tuple[int, int]] = []
    guessed: list[tuple[int, int]] = []
    for archive in archives:
        # A mirror that states no size thrice is not asked a hundred times.
        urls = archive_urls(archive, data_type, mirrors) if len(guessed) < 3 else []
        size = remote_size(urls)
        target = folder / archive.name
        here = target.stat().st_size if target.is_file() else partial_size(target)
        size_or_average = average if size is None else size
        unpacked = size_or_average * len(archive.absent(folder)) // len(archive.tracks)
        (guessed if size is None else stated).append((max(size_or_average - here, 0), unpacked))

    def room(parts: list[tuple[int, int]]) -> int:
        fetched = [fetched for fetched, _ in parts]
        at_once = sum(fetched) if keep_archives else max(fetched, default=0)
        return at_once + sum(unpacked for _, unpacked in parts)

    return Space(
        needed=room(stated),
        unstated=len(guessed),
        guess=room(stated + guessed),
        free=free_room(folder),
    )


def download(
    archives: Sequence[Archive],
    folder: Path,
    data_type: DataType,
    *,
    listener: Listener,
    mirrors: Sequence[str] = MIRRORS,
    keep_archives: bool = False,
) -> list[tuple[Archive, str]]:
    """
    Fetch, verify and unpack archives, going on with the next one where one fails.

    Parameters
    ----------
    archives
        What to bring; those that are done already take no time.
    folder
        Where the tracks go, and the archives while they are needed.
    data_type
        The type that the archives are of.
    listener
        Hears how it goes.
    mirrors
        Addresses in front of ``autotagging_moodtheme/TYPE/NAME``, the preferred one first.
    keep_archives
        Leave each archive in the folder after unpacking.

    Returns
    -------
    list
        The archives that failed, each with the reason. After three failures in a row the rest
        is not tried, and is in the list too.
    """
    failures: list[tuple[Archive, str]] = []
    in_a_row = 0
    for archive in archives:
        if in_a_row == _FAILURES_IN_A_ROW:
            failures.append((archive, f"not tried after {in_a_row} failures in a row"))
            continue
        if not archive.absent(folder):
            continue
        listener.started(archive)
        try:
            _bring(
                archive,
                folder,
                archive_urls(archive, data_type, mirrors),
                listener=listener,
                keep_archive=keep_archives,
            )
        except (DatasetError, DownloadError, HashMismatchError) as error:
            in_a_row += 1
            failures.append((archive, str(error)))
            listener.failed(archive, str(error))
        else:
            in_a_row = 0
            listener.finished(archive)
    return failures


def _bring(
    archive: Archive,
    folder: Path,
    urls: Sequence[str],
    *,
    listener: Listener,
    keep_archive: bool,
) -> None:
    place = folder / archive.name
    fetch(urls, place, sha256=archive.sha256, progress=listener.received)
    try:
        for number, _ in enumerate(unpack(place, folder, archive.tracks), start=1):
            listener.unpacked(number, len(archive.tracks))
        if not keep_archive:
            place.unlink()
    except OSError as error:
        raise DatasetError(
            f"{error.filename or place}: cannot be written ({error.strerror}); make room, then "
            "run the same command again"
        ) from error


def verify(archives: Sequence[Archive], folder: Path) -> Iterator[tuple[str, TrackState]]:
    """Read every track again and yield its name and what was found."""
    for archive in archives:
        for track, sha256 in archive.tracks.items():
            file = folder / track
            if not file.is_file():
                yield track, TrackState.MISSING
            elif sha256_of(file) != sha256:
                yield track, TrackState.CORRUPT
            else:
                yield track, TrackState.WHOLE


def _checksums(path: Path) -> dict[str, str]:
    """Read a list of ``SHA256 NAME`` lines as SHA-256 by name."""
    found = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        match = _CHECKSUM.fullmatch(line.strip())
        if match is None:
            raise DatasetError(
                f"{path}, line {number}: is not «SHA-256 name»; fetch the list again"
            )
        found[match[2]] = match[1]
    return found
