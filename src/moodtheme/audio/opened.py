"""A file opened once, for a decoder and for whoever else wants to look into it meanwhile."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from moodtheme.errors import AudioError, EmptyAudioError, MissingAudioError, NotAudioError

_PIECE = 1 << 20


class OpenFile:
    """A regular file that is not empty, open for reading at any place.

    Several readers and libsndfile, which moves the descriptor's own place, do not disturb one
    another. Use it in a ``with`` statement or close it.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    path, size
        The file and its length in bytes when it was opened.
    descriptor
        The system's, for reading.

    Raises
    ------
    MissingAudioError
        If there is no such file or the system does not open it.
    NotAudioError
        If it is a folder, pipe, socket or device, which is not opened: that could hang.
    EmptyAudioError
        If it is empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = -1
        _check_regular_file(path)
        try:
            self.descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise unreadable(path, error) from None
        self.size = os.fstat(self.descriptor).st_size
        self._turn = threading.Lock()

    def read_at(self, start: int, size: int) -> bytes:
        """At most ``size`` bytes from ``start``; fewer at the end of the file only."""
        if hasattr(os, "pread"):
            return os.pread(self.descriptor, size, start)
        with self._turn:  # Windows, where libsndfile has a descriptor of its own
            os.lseek(self.descriptor, start, os.SEEK_SET)
            return os.read(self.descriptor, size)

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from ``start`` to ``end``, or to the end of the file, a megabyte at a time."""
        while start < end and (piece := self.read_at(start, min(_PIECE, end - start))):
            start += len(piece)
            yield piece

    def close(self) -> None:
        """Close it; may be called twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _check_regular_file(path: Path) -> None:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise MissingAudioError(path, "no such file; check the name") from None
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None
    if stat.S_ISDIR(status.st_mode):
        raise NotAudioError(path, "a folder, not a file; name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise NotAudioError(path, "a pipe, socket or device; copy the audio to a file")
    if status.st_size == 0:
        raise EmptyAudioError(path, "the file is empty; fetch or export it again")


def unreadable(path: Path, error: OSError | ValueError) -> AudioError:
    """The error of a file that the system does not give."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return MissingAudioError(path, f"cannot be read ({why}); check its name and permissions")
