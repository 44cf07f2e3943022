"""A file replaced by another content at one moment: written beside, then renamed.

Whoever looks sees the old file or the new one, whole, whatever happens meanwhile. Permissions,
owner, extended attributes and access lists go over to the new file; links that lead to the file
stay; other names of the same file (hard links) would keep the old content.
"""

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from moodtheme.errors import ChangedFileError, TagFileError
from moodtheme.files import FileState

SUFFIX = ".moodtheme-part"
"""Of what is written beside; a kill may leave such a file, and the next run takes it away."""


def require_replaceable(path: Path, *, part_links: bool) -> Path:
    """Where a file really lies, if it may be replaced.

    Raises
    ------
    TagFileError
        It is no regular file, is read-only, or has several names and `part_links` is off.
    """
    try:
        place = Path(os.path.realpath(path, strict=True))
        status = place.stat()
    except OSError as error:
        raise failed(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise TagFileError(path, "is no regular file; name a file")
    if not status.st_mode & 0o222 or not os.access(place, os.W_OK):
        raise TagFileError(path, "is read-only; make it writable, or leave it out")
    if status.st_nlink > 1 and not part_links:
        raise TagFileError(
            path,
            f"has {status.st_nlink} names (hard links), and only this one would be written, the "
            "others left with what was; name it with --part-links, or leave it out",
        )
    return place


@contextmanager
def beside(place: Path, content: Iterable[bytes]) -> Iterator[tuple[Path, str]]:
    """Write content beside a file; the block checks it and calls `take_place`.

    Yields
    ------
    tuple
        The file beside, on the disk, and the SHA-256 of its content.
    """
    temporary = place.with_name(f".{place.name[:200]}{SUFFIX}")
    digest = hashlib.sha256()
    try:
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:
            for piece in content:
                digest.update(piece)
                file.write(piece)
            _take_over(place, file.fileno(), temporary)
            file.flush()
            os.fsync(file.fileno())
        yield temporary, digest.hexdigest()
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def take_place(temporary: Path, place: Path, state: FileState, modified_ns: int | None) -> None:
    """Let a file beside take the place of another, whose state must be as it was.

    The time of its last change becomes `modified_ns`; for None it is now.

    Raises
    ------
    ChangedFileError
        Another program has written the file meanwhile.
    """
    if modified_ns is not None:
        os.utime(temporary, ns=(place.stat().st_atime_ns, modified_ns))
    else:
        os.utime(temporary)
    if FileState.of(place) != state:
        raise ChangedFileError(
            place, "was written by another program meanwhile and stays as that left it; try again"
        )
    temporary.replace(place)
    sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Have the disk keep what was renamed or made in a folder."""
    if not hasattr(os, "O_DIRECTORY"):
        return  # Windows, where a folder cannot be opened
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # some network disks cannot
            raise
    finally:
        os.close(descriptor)


def failed(path: Path, error: OSError) -> TagFileError:
    """The error of a file that the system does not let be read or written."""
    return TagFileError(
        path,
        f"cannot be written ({error.strerror or error}); it is as it was: see to the disk or its "
        "permissions and run the same command again",
    )


def _take_over(place: Path, descriptor: int, temporary: Path) -> None:
    """Owner, attributes and permissions, as far as this user may give them."""
    status = place.stat()
    if hasattr(os, "fchown"):
        with suppress(OSError):
            os.fchown(descriptor, status.st_uid, status.st_gid)
    with suppress(OSError):
        shutil.copystat(place, temporary)
    with suppress(OSError):
        shutil.copymode(place, temporary)
