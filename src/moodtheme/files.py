"""Files of ours: written whole or not at all, locked, known by their digests."""

import csv
import errno
import hashlib
import io
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from moodtheme.errors import BusyError, MoodthemeError, UsageError, WriteError

# A place that cannot take the file, whoever asks and however often: another name is the remedy.
_WRONG_PLACE = {
    errno.EACCES, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR,
    errno.ENXIO, errno.EPERM, errno.EROFS, errno.EINVAL,
}  # fmt: skip
# Names of open descriptors; what they lead to is not theirs to replace.
_DESCRIPTORS = ("/dev/std", "/dev/fd/", "/proc/self/fd/")


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells, without reading a file, whether it is as it was.

    Attributes
    ----------
    size, mtime_ns
        Its length, and when it was last changed.
    device, number
        The disk, and which file of that it is; 0 where they are not known.
    """

    size: int
    mtime_ns: int
    device: int = 0
    number: int = 0

    @classmethod
    def of(cls, path: Path) -> Self:
        """The state of a file that is there.

        Raises
        ------
        OSError
            It is not.
        """
        status = path.stat()
        # SQLite's numbers have a sign; Windows' devices may need all bits.
        device = status.st_dev & (2**63 - 1)
        return cls(status.st_size, status.st_mtime_ns, device, status.st_ino)

    def is_of(self, path: Path) -> bool:
        """Whether a file is there and has this size and time."""
        try:
            now = FileState.of(path)
        except OSError:
            return False
        return (now.size, now.mtime_ns) == (self.size, self.mtime_ns)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- writing -----------------------------------------------------------------------------------


def require_writable(path: Path) -> None:
    """See, before any work, that `replacing` would find a place for a file.

    Raises
    ------
    UsageError
        It is a folder, its folder is missing, or this user may not write there.
    """
    try:
        place, is_stream = destination(path)
        needed = [place] if is_stream else [place.parent, *([place] if place.exists() else [])]
        for path_needed in needed:
            path_needed.stat()  # says why where it is not there
            if not os.access(path_needed, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise cannot_write(path, error) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name; what is written there takes the real name if the block succeeds.

    Links, devices and pipes stay: what a link leads to is replaced, others get all at the end.

    Raises
    ------
    UsageError
        The name is a folder's, or nothing can be written there.
    WriteError
        The disk is full or fails; what was there before stays.
    """
    try:
        place, is_stream = destination(path)
        if is_stream:
            with tempfile.TemporaryDirectory(prefix="moodtheme-") as scratch:
                temporary = Path(scratch) / "output"
                yield temporary
                with temporary.open("rb") as source, open(path, "ab", opener=open_stream) as stream:
                    shutil.copyfileobj(source, stream)
            return
        # Hidden, and nobody else's; long names are shortened to leave room.
        temporary = place.with_name(f".{place.name[:40]}.{secrets.token_hex(4)}.part")
        try:
            yield temporary
            put_in_place(temporary, place)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def destination(path: Path) -> tuple[Path, bool]:
    """Where bytes for `path` go, and whether that is a device or pipe, to be written into.

    Links are followed, also those that lead to a file that is not there yet.

    Raises
    ------
    OSError
        It is a folder, or cannot be looked at.
    """
    if str(path).startswith(_DESCRIPTORS):
        return path, True
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return Path(os.path.realpath(path)), False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if stat.S_ISREG(mode):
        return Path(os.path.realpath(path)), False
    return path, True


def open_stream(path: str, flags: int) -> int:
    """Open a stream, as an opener: of a descriptor a copy, so that both go on at one place."""
    if not path.startswith(_DESCRIPTORS):
        return os.open(path, flags)
    name = Path(path).readlink().name if path.startswith("/dev/std") else Path(path).name
    return os.dup(int(name))


def put_in_place(temporary: Path, place: Path) -> None:
    """Give a finished file its name once its bytes are on the disk; permissions stay."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    with suppress(FileNotFoundError):
        shutil.copymode(place, temporary)
    temporary.replace(place)


def cannot_write(path: Path | str, error: OSError) -> MoodthemeError:
    """The error to raise where the operating system does not let a file be written."""
    reason = error.strerror or str(error)
    if error.errno in _WRONG_PLACE:
        return UsageError(
            f"{path}: cannot be written ({reason}); "
            "name a file in a folder that exists and that you may write to"
        )
    return WriteError(
        f"{path}: cannot be written ({reason}); what was there before is as it was: see to the "
        "disk and run the same command again"
    )


def csv_line(fields: Iterable[object], *, delimiter: str = ",") -> str:
    """A row of CSV; fields with a carriage return are quoted, which Python before 3.13 does not."""
    text = io.StringIO()
    # What ends lines is quoted in fields.
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow(fields)
    return text.getvalue().removesuffix("\r\n") + "\n"


def short(value: float) -> float:
    """A number as files have it: six significant digits, what a float32 score is worth."""
    return float(f"{value:.6g}")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it.

    Raises
    ------
    UsageError
        It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be made ({error.strerror or error}); name a folder that you may "
            "write to"
        ) from error


def free_room(path: Path) -> int:
    """Bytes free where a file or folder is, or would be made."""
    whole = path.absolute()
    return shutil.disk_usage(next(p for p in (whole, *whole.parents) if p.exists())).free


@contextmanager
def claimed_folder(folder: Path) -> Iterator[None]:
    """Make a folder and keep it to this process; another that claims it is refused.

    A folder made here that is still empty at the end is gone again.

    Raises
    ------
    BusyError
        Another process has it.
    UsageError
        It cannot be made or written to.
    """
    is_new = not folder.exists()
    make_folder(folder)
    try:
        with locked(folder / "run", wait=False, called=folder):
            yield
    finally:
        if is_new:
            with suppress(OSError):  # it holds something
                folder.rmdir()


@contextmanager
def locked(path: Path, *, wait: bool = True, called: Path | None = None) -> Iterator[None]:
    """Keep a file or folder to this process; others that lock it wait, or are refused.

    The lock is a file ``.NAME.lock`` beside it, gone with the block. It ends with the process,
    however that ends, and holds among threads as well.

    Parameters
    ----------
    path
        What is locked; it need not exist, its folder must.
    wait
        Wait for the other; else refuse.
    called
        What to say is locked; `path` itself by default.

    Raises
    ------
    BusyError
        Another process has it, and `wait` is off.
    UsageError
        Nothing can be written there.
    """
    from filelock import FileLock, Timeout  # takes longer to load than most commands to say

    place = Path(os.path.realpath(path))
    file = place.with_name(f".{place.name[:200]}.lock")
    lock = FileLock(file, thread_local=False)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout as error:
        raise BusyError(
            f"{called or path}: another run is writing it; wait for that to end, or name another"
        ) from error
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        yield
    finally:
        # Still under the lock: whoever waits sees that the file is gone, and makes a new one.
        with suppress(OSError):
            file.unlink()
        lock.release()
