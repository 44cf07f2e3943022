"""The files of a library: how each was when it was looked at, and what became of it."""

import os
import stat
import time
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from moodtheme.files import FileState
from moodtheme.library.database import Database, now

_UNSETTLED_NS = 2_000_000_000
"""A file that was written so shortly ago may be written again with the same time: FAT, the coarsest
file system in use, keeps times of 2 s."""
IN_DOUBT = -1
"""The time of a file that must be looked at again."""
UNKNOWN = FileState(0, IN_DOUBT)
"""Of a file that could not be looked at, or changed meanwhile."""


def settled(state: FileState) -> FileState:
    """A state as it is kept: in doubt where the file was written just now."""
    fresh = time.time_ns() - state.mtime_ns < _UNSETTLED_NS
    return FileState(state.size, IN_DOUBT, state.device) if fresh else state


@dataclass(frozen=True, slots=True)
class Place:
    """A file that a library knows."""

    id: int
    path: bytes
    state: FileState
    track: int | None
    error: str | None
    error_version: str | None
    missing: bool


def known_places(database: Database) -> dict[bytes, Place]:
    """All places by their paths."""
    return {
        path: Place(id_, path, FileState(*state), track, error, version, missing is not None)
        for id_, path, *state, track, error, version, missing in database.rows(
            "SELECT id, path, size, mtime_ns, device, track, error, error_version, missing "
            "FROM places"
        )
    }


def absolute(path: str | os.PathLike[str]) -> Path:
    """A path as a library knows it."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path's keeps ".."


def rename_same_files(
    database: Database, known: dict[bytes, Place], found: Collection[bytes]
) -> None:
    """Where a file system takes names that differ in case or accents for one, follow the file."""
    unknown = [path for path in found if path not in known]
    if not unknown:
        return
    others = {_folded(path): path for path in known if path not in found}
    for path in unknown:
        before = others.get(_folded(path))
        if before is None or not _is_same_file(before, path):
            continue
        place = known.pop(before)
        database.change("UPDATE places SET path = ? WHERE id = ?", (path, place.id))
        known[path] = replace(place, path=path)


def _folded(path: bytes) -> str:
    return unicodedata.normalize("NFC", os.fsdecode(path)).casefold()


def _is_same_file(one: bytes, other: bytes) -> bool:
    try:
        return os.path.samefile(one, other)  # noqa: PTH121 - bytes
    except OSError:
        return False


@dataclass
class Departed:
    """What is no longer where it was.

    Attributes
    ----------
    moved
        Files whose audio is elsewhere now.
    missing
        Files that are gone, and their tracks with them unless there are copies.
    away
        Files of drives or folders that cannot be reached, by the folder; nothing is known of them,
        so they stay as they are.
    """

    moved: int = 0
    missing: int = 0
    away: dict[Path, int] = field(default_factory=dict)


def settle(
    database: Database,
    known: dict[bytes, Place],
    found: Collection[bytes],
    roots: Iterable[Path],
    *,
    unreachable: Iterable[Path],
    new: Collection[int],
) -> Departed:
    """See, and write down, what became of known files that a walk of roots did not find.

    Roots and folders in them are unreachable that could not be read, or hold nothing any more; new
    are tracks that were found in new places.
    """
    departed = Departed()
    walked = [_inside(root) for root in roots]
    closed = [(folder, _inside(folder)) for folder in unreachable]
    lived = _folders_of(found)
    verdicts: dict[bytes, bytes | None] = {}
    for path, place in known.items():
        if place.missing or path in found or not any(path.startswith(root) for root in walked):
            continue
        where = next((folder for folder, inside in closed if path.startswith(inside)), None)
        if where is None:
            if os.path.lexists(path):
                continue  # it is there: a link to a file that was found, or no audio any more
            folder = os.path.dirname(path)  # noqa: PTH120 - bytes
            if folder not in verdicts:
                verdicts[folder] = _away(folder, place.state.device, lived)
            away = verdicts[folder]
            where = None if away is None else Path(os.fsdecode(away))
        if where is not None:
            departed.away[where] = departed.away.get(where, 0) + 1
            continue
        elsewhere = place.track is None or database.row(
            "SELECT 1 FROM places WHERE track = ? AND id != ? AND missing IS NULL",
            (place.track, place.id),
        )
        if elsewhere:
            database.change("DELETE FROM places WHERE id = ?", (place.id,))
        else:
            database.change("UPDATE places SET missing = ? WHERE id = ?", (now(), place.id))
        if elsewhere and place.track in new:
            departed.moved += 1
        else:
            departed.missing += 1
    return departed


def forget(database: Database, paths: Iterable[Path], *, missing: bool) -> int:
    """Let go of places: files, all below folders, or all that are gone; return how many."""
    known = known_places(database)
    wanted = [(os.fsencode(path), _inside(path)) for path in paths]
    count = 0
    with database.changing():
        for name, place in known.items():
            named = any(name == path or name.startswith(inside) for path, inside in wanted)
            if named or (missing and place.missing):
                database.change("DELETE FROM places WHERE id = ?", (place.id,))
                count += 1
        for path, _ in wanted:
            database.change("DELETE FROM roots WHERE path = ?", (path,))
        forget_orphans(database)
    return count


def forget_orphans(database: Database) -> None:
    """Let go of tracks that no file holds, there or missing."""
    database.change(
        "DELETE FROM tracks WHERE NOT EXISTS (SELECT 1 FROM places WHERE track = tracks.id)"
    )


def _inside(folder: Path) -> bytes:
    """What the paths of a folder's files begin with."""
    path = os.fsencode(folder)
    return path if path.endswith(os.fsencode(os.sep)) else path + os.fsencode(os.sep)


def _folders_of(files: Iterable[bytes]) -> set[bytes]:
    """All folders above files."""
    folders: set[bytes] = set()
    for file in files:
        folder = os.path.dirname(file)  # noqa: PTH120 - bytes
        while folder not in folders:
            folders.add(folder)
            folder = os.path.dirname(folder)  # noqa: PTH120
    return folders


def _away(folder: bytes, device: int, lived: Collection[bytes]) -> bytes | None:
    """The folder at which a drive is not mounted any more; None where the files are just gone.

    The nearest folder above that is there decides: other files were found in it, or it lies on the
    drive that the file lay on. A mount point without its drive is on another one, and empty.
    """
    while True:
        try:
            status = os.lstat(folder)
            if stat.S_ISLNK(status.st_mode):
                status = os.stat(folder)  # noqa: PTH116 - a link to a drive that is not there
        except (FileNotFoundError, NotADirectoryError):
            if os.path.islink(folder) or folder == os.path.dirname(folder):  # noqa: PTH114, PTH120
                return folder
            folder = os.path.dirname(folder)  # noqa: PTH120
            continue
        except OSError:
            return folder
        here = folder in lived or status.st_dev & (2**63 - 1) == device
        return None if here else folder
