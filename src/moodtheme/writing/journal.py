"""What was written into files, on the disk before it happens: enough to undo it byte for byte.

A journal is a file of JSON Lines. Its first says what it is; each other tells of one file: where it
lies, the SHA-256 of its content before and after, and the stretches of the new content with the
bytes that were there before, compressed. It does not matter whether a file was reached before the
run was cut short: its content says so.
"""

import json
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import RawIOBase
from pathlib import Path
from typing import Any, Self

import msgspec
import platformdirs

from moodtheme import __version__
from moodtheme.errors import TagJournalError, WriteError
from moodtheme.files import make_folder
from moodtheme.writing.beside import sync_folder
from moodtheme.writing.edits import Edit

FORMAT = 1
SUFFIX = ".tags.jsonl"
UNDONE = ".undone"
"""Behind the name of a journal of which nothing is left to undo."""
_KIND = "moodtheme write-tags"


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One file that is, or was to be, written.

    Attributes
    ----------
    path
        Where it lies, links followed; bytes that are no UTF-8 are escaped as Python does.
    before, after
        SHA-256 of its content.
    modified_ns
        When it had been changed last.
    edits
        Start, end and former bytes, compressed with zlib, of each stretch of the new content; the
        bytes are in base64.
    """

    path: str
    before: str
    after: str
    modified_ns: int
    edits: tuple[tuple[int, int, bytes], ...]

    @property
    def back(self) -> list[Edit]:
        """What makes the former file of the new one.

        Raises
        ------
        zlib.error
            The line is damaged.
        """
        return [Edit(start, end, zlib.decompress(former)) for start, end, former in self.edits]


class Journal:
    """A journal that is being written.

    Attributes
    ----------
    path
        Where it is.
    """

    def __init__(self, path: Path, file: RawIOBase) -> None:
        self.path = path
        self._file = file

    @classmethod
    @contextmanager
    def begun(cls, path: Path | None = None) -> Iterator[Self]:
        """Begin a journal, or go on with one; a new one without a file is gone at the end.

        Parameters
        ----------
        path
            Where; None for a new one in `journal_folder`.

        Raises
        ------
        UsageError, TagJournalError, WriteError
            Nothing can be written there, or it is another file.
        """
        if path is None:
            folder = journal_folder()
            make_folder(folder)
            path = folder / (time.strftime("%Y%m%dT%H%M%S") + f"-{os.getpid()}{SUFFIX}")
        there = read_journal(path) if path.exists() else []
        try:
            file = path.open("ab+", buffering=0)
        except OSError as error:
            raise TagJournalError(
                f"{path}: the journal cannot be written ({error.strerror}); name a place that can"
            ) from error
        with file:
            journal = cls(path, file)
            file.seek(0)
            content = file.read() or b""
            if _never_begun(content):
                file.truncate(0)
                journal._add({"journal": _KIND, "format": FORMAT, "version": __version__})
                sync_folder(path.parent)
            else:
                # A line that a kill cut short tells of a file that was not reached.
                file.truncate(content.rfind(b"\n") + 1)
            start = file.seek(0, os.SEEK_END)
            try:
                yield journal
            finally:
                is_empty = not there and file.seek(0, os.SEEK_END) == start
        if is_empty:
            path.unlink()

    def add(self, line: Written) -> None:
        """Tell of a file; it is safe on the disk when this returns.

        Raises
        ------
        WriteError
            The disk does not take it. What was taken of the line is taken back.
        """
        self._add(msgspec.to_builtins(line))

    def _add(self, content: dict[str, Any]) -> None:
        size = self._file.seek(0, os.SEEK_END)
        data = json.dumps(content).encode() + b"\n"
        try:
            while data:
                data = data[self._file.write(data) or 0 :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(size)
            raise WriteError(
                f"{self.path}: the journal cannot be written ({error.strerror}), and nothing is "
                "written without it; make room and run the same command again"
            ) from error


def read_journal(path: Path) -> list[Written]:
    """The files that a journal tells of, in order; a line that a kill cut short is left out.

    Raises
    ------
    TagJournalError
        It is not there, of another version, or something else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TagJournalError(
            f"{path}: cannot be read ({error.strerror}); name a journal of write-tags"
        ) from error
    if _never_begun(content):
        return []
    lines = content.split(b"\n")
    try:
        head = json.loads(lines[0])
        kind, form = head["journal"], head["format"]
    except (ValueError, KeyError, TypeError):
        kind, form = None, None
    if kind != _KIND:
        raise TagJournalError(f"{path} is no journal of write-tags; name one")
    if form != FORMAT:
        raise TagJournalError(
            f"{path} is of format {form}, this moodtheme reads {FORMAT}; undo with the version "
            "that wrote it"
        )
    found = []
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        try:
            found.append(msgspec.json.decode(line, type=Written))
            found[-1].back  # noqa: B018 - raises where the bytes are damaged
        except (msgspec.DecodeError, ValueError, zlib.error) as error:
            if number == len(lines):
                continue  # cut short: the file it tells of was not reached
            raise TagJournalError(
                f"{path}: line {number} is damaged; take the journal from a copy, "
                "nothing was undone"
            ) from error
    return found


def _never_begun(content: bytes) -> bool:
    """Whether a kill came before a journal's first line was whole: no file was reached then."""
    first = json.dumps({"journal": _KIND})[:-1].encode()
    return b"\n" not in content and (first.startswith(content) or content.startswith(first))


def journal_folder() -> Path:
    """Where journals are kept: ``$MOODTHEME_JOURNALS``, or a folder in the user's data folder."""
    if chosen := os.environ.get("MOODTHEME_JOURNALS"):
        return Path(chosen).expanduser()
    return platformdirs.user_data_path("moodtheme", appauthor=False) / "journals"


def last_journal() -> Path:
    """The newest journal that is not undone.

    Raises
    ------
    TagJournalError
        There is none.
    """
    folder = journal_folder()
    found = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        raise TagJournalError(f"{folder} holds no journal; there is nothing to undo, or name one")
    return found[-1]
