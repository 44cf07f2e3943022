"""A file opened once, for a decoder and whoever else looks into it; and the tags around its audio.

Tags are ID3v2 before the audio; ID3v1, APE and Lyrics3 behind it.
"""

import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from moodtheme.errors import AudioError, EmptyAudioError, MissingAudioError, NotAudioError

_PIECE = 1 << 20
# A footer never lies deeper than these: more tags than anybody writes into one file.
_MOST_TAGS = 16


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
    corrections
        Bytes that readers see in place of the file's own, by where they lie: true lengths for
        wrong ones in headers.

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
        self.corrections: dict[int, bytes] = {}
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
            data = os.pread(self.descriptor, size, start)
        else:
            with self._turn:  # Windows, where libsndfile has a descriptor of its own
                os.lseek(self.descriptor, start, os.SEEK_SET)
                data = os.read(self.descriptor, size)
        for at, true in self.corrections.items():
            if at < start + len(data) and at + len(true) > start:
                first, last = max(at, start), min(at + len(true), start + len(data))
                data = data[: first - start] + true[first - at : last - at] + data[last - start :]
        return data

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

    def __exit__(self, *_: object) -> None:
        self.close()


class Part:
    """A stretch of an open file that is read as if it were a file.

    Parameters
    ----------
    file
        Where it lies.
    start, end
        Its first byte, and the first behind it.
    """

    descriptor = -1

    def __init__(self, file: OpenFile, start: int, end: int) -> None:
        self._file = file
        self._start = start
        self.path = file.path
        self.size = end - start
        self.corrections: dict[int, bytes] = {}

    def read_at(self, start: int, size: int) -> bytes:
        """At most ``size`` bytes from ``start``; fewer at its end only."""
        return self._file.read_at(self._start + start, max(min(size, self.size - start), 0))


class Reader:
    """A place of its own in an open file, for libraries that want a file object."""

    def __init__(self, file: OpenFile | Part) -> None:
        self._file = file
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes, all that are left by default."""
        data = self._file.read_at(self._at, self._file.size if size < 0 else size)
        self._at += len(data)
        return data

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer with the next bytes; return how many."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go elsewhere; a negative error number, not an exception, where that is nowhere."""
        origins = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._file.size}
        if whence not in origins or origins[whence] + offset < 0:
            # Damaged files point before their start. PyAV would print an exception.
            return -errno.EINVAL
        self._at = origins[whence] + offset
        return self._at


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


def audio_start(file: OpenFile) -> int:
    """Where the file begins behind its ID3v2 tags."""
    start = 0
    for _ in range(_MOST_TAGS):
        head = file.read_at(start, 10)
        if head[:3] != b"ID3" or len(head) < 10:
            break
        # A size of four times seven bits, without this header of ten bytes and a footer as long.
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        start += 10 + size + (10 if head[5] & 0x10 else 0)
    return start


def audio_end(file: OpenFile) -> int:
    """Where the tags behind the audio begin; the file's size without any."""
    end = file.size
    for _ in range(_MOST_TAGS):
        length = _last_tag(file, end)
        if not 0 < length <= end:
            break
        end -= length
    return end


def _last_tag(file: OpenFile, end: int) -> int:
    """Length of a tag that ends at ``end``, or 0."""
    if end < 32:
        return 0
    start = max(end - 128, 0)
    tail = file.read_at(start, end - start)
    if tail[:3] == b"TAG" and len(tail) == 128:
        extended = file.read_at(end - 355, 4) if end >= 355 else b""
        return 355 if extended == b"TAG+" else 128
    if tail[-32:-24] == b"APETAGEX":
        # The size counts the items and this footer; bit 31 of the flags tells of a header.
        size = int.from_bytes(tail[-20:-16], "little")
        has_header = int.from_bytes(tail[-12:-8], "little") >> 31
        return size + 32 * has_header
    if tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    return 0
