"""Results of a run that can be stopped at any moment and taken up again.

What is finished is appended to ``FILE.partial``, in whatever order it comes, and is on the disk
before anything else is begun. ``FILE`` itself is written at the end, whole and in the order of the
inputs; until then it is as it was.
"""

import json
import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from moodtheme.cli.outputs import JSON_ESCAPES, partial_path
from moodtheme.cli.streams import say
from moodtheme.errors import UsageError
from moodtheme.files import cannot_write, destination, replacing


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What rows must agree in to stand in one file.

    Attributes
    ----------
    model
        Digest of the bundle.
    tags
        Tags a row.
    timeline
        Whether rows have tags over time.
    windows
        How many windows were asked for; None for whole tracks.
    relative_to
        Digest of the music among which the standings are; None for the bundle's reference.
    """

    model: str
    tags: int
    timeline: bool
    windows: int | None = None
    relative_to: str | None = None


@dataclass(frozen=True)
class _Row:
    """A finished row: where it is, and what it says of itself."""

    file: Path
    offset: int
    length: int
    path: str
    audio: str | None
    settings: Settings | None
    failed: bool

    def line(self, path: str) -> bytes:
        """The row, for the path that its audio has now."""
        with self.file.open("rb") as source:
            source.seek(self.offset)
            line = source.read(self.length)
        if path == self.path:
            return line
        return _encoded(json.dumps({**json.loads(line), "path": path}, ensure_ascii=False) + "\n")


class Journal:
    """The rows of one output file; made by `Journal.open`.

    Attributes
    ----------
    kept
        Rows taken over from before.
    redone
        Why other rows were not, with their number.
    differing
        How rows of other music, which stay, differ from the new ones, with their number.
    left_out
        Lines of before that are no rows.
    """

    def __init__(
        self, place: Path, settings: Settings, old: Sequence[_Row], *, left_out: int
    ) -> None:
        self.kept = 0
        self.redone: Counter[str] = Counter()
        self.differing: Counter[str] = Counter()
        self.left_out = left_out
        self._place, self._partial = place, partial_path(place)
        self._settings = settings
        # Of several rows of a file the newest with these settings counts, else the newest.
        self._old = sorted(
            (row for row in old if not row.failed), key=lambda row: row.settings == settings
        )
        self._by_audio = {row.audio: row for row in self._old if row.settings == settings}
        self._by_place = {os.path.realpath(row.path): row for row in self._old}
        self._rows: dict[str, _Row] = {}
        self._mutex = threading.Lock()
        self._stream = self._partial.open("ab")

    @classmethod
    @contextmanager
    def open(cls, output: Path, settings: Settings, *, resume: bool) -> Iterator[Self]:
        """Begin an output file, or go on with what is there of it.

        Parameters
        ----------
        output
            A regular file, or the name of one, claimed by this process.
        settings
            Of the rows to come.
        resume
            Whether to take over what is there.

        Raises
        ------
        UsageError
            There are rows of an unfinished run and `resume` is off, or the file is not ours.
        WriteError
            The disk is full or fails; all rows that were added before stay.
        """
        try:
            place, _ = destination(output)
            partial = partial_path(place)
            there, left_out = _read(partial, is_whole=False)
            finished = sum(not row.failed for row in there)
            if finished and not resume:
                raise UsageError(
                    f"{partial} holds {finished} finished results of a run that was stopped; go on "
                    "with --resume, or delete it"
                )
            before, lost = _read(place, is_whole=True) if resume else ([], 0)
            old = [*before, *there] if resume else []
            journal = cls(place, settings, old, left_out=left_out + lost)
            with journal._stream:
                journal._begin()
                try:
                    yield journal
                except BaseException:
                    journal._speak()
                    raise
            partial.unlink()
        except OSError as error:
            raise cannot_write(output, error) from error

    @property
    def has_rows(self) -> bool:
        """Whether there are rows of before that may be some file's."""
        return bool(self._old)

    def take_over(self, path: Path, audio: str) -> bool:
        """Whether there is a current row of the file, under this name or one it no longer has."""
        before = self._by_place.get(os.path.realpath(path))
        row = self._by_audio.get(audio) if before is None else before
        if row is None or (before is None and os.path.lexists(row.path)):
            return False
        difference = self._difference(row, audio)
        with self._mutex:
            if difference:
                self.redone[difference] += 1
                return False
            self._rows[str(path)] = row
            self.kept += 1
        return True

    def add(self, path: Path | str, line: str, *, failed: bool) -> None:
        """Put a row on the disk; it is safe there when this returns."""
        content = _encoded(line)
        with self._mutex:
            offset = self._stream.tell()
            self._stream.write(content)
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._rows[str(path)] = _Row(
                self._partial, offset, len(content), str(path), None, None, failed
            )

    def finish(self, paths: Iterable[Path | str]) -> None:
        """Write the file: rows of other music first, as they were, then one for each path."""
        here = {os.path.realpath(path) for path in self._rows}
        moved = {row.path for row in self._rows.values() if not os.path.lexists(row.path)}
        others = {
            where: row
            for where, row in self._by_place.items()
            if where not in here and row.path not in moved
        }
        differences = (self._difference(row, row.audio) for row in others.values())
        self.differing.update(difference for difference in differences if difference)
        with replacing(self._place) as temporary, temporary.open("wb") as file:
            file.writelines(row.line(row.path) for row in others.values())
            file.writelines(self._rows[str(path)].line(str(path)) for path in paths)

    def _difference(self, row: _Row, audio: str | None) -> str:
        """Why a row is not current; empty if it is."""
        if row.settings is None or row.settings.model != self._settings.model:
            return "another model"
        if row.settings != self._settings:
            return "other options"
        return "" if row.audio == audio else "changed audio"

    def _begin(self) -> None:
        """End the line that a kill may have cut short, so that the next begins on its own."""
        if self._stream.tell():
            with self._partial.open("rb") as content:
                content.seek(-1, os.SEEK_END)
                if content.read() != b"\n":
                    self._stream.write(b"\n")

    def _speak(self) -> None:
        rows = [*self._old, *self._rows.values()]
        here = {row.path for row in rows if row.file == self._partial and not row.failed}
        if here:
            say(
                f"{len(here)} finished results are in {self._partial}; the same command with "
                "--resume goes on from there"
            )
        else:
            self._partial.unlink()


def _encoded(line: str) -> bytes:
    return line.encode("utf-8", JSON_ESCAPES)


def _read(file: Path, *, is_whole: bool) -> tuple[list[_Row], int]:
    """Rows of a file, and how many lines are none, but that at which a kill cut it short.

    Raises
    ------
    UsageError
        It holds something else.
    """
    if not os.path.lexists(file):
        return [], 0
    foreign = UsageError(
        f"{file} does not hold results as JSON Lines, so nothing is added to it; name the file "
        "that `moodtheme tag --format jsonl` began, or a new one"
    )
    if not file.is_file():
        raise foreign
    rows: list[_Row] = []
    others = offset = 0
    with file.open("rb") as lines:
        for line in lines:
            row = _parse(file, offset, line)
            offset += len(line)
            if row is not None:
                rows.append(row)
            elif not rows and not line.startswith(b'{"path"'):
                raise foreign
            else:
                others += (is_whole or line.endswith(b"\n")) and not line.isspace()
    return rows, others


def _parse(file: Path, offset: int, line: bytes) -> _Row | None:
    if not line.endswith(b"\n"):
        return None
    try:
        entry: Any = json.loads(line)
        settings = None
        if entry.get("model"):
            settings = Settings(
                model=entry["model"]["digest"],
                tags=len(entry["tags"]),
                timeline="timeline" in entry,
                windows=entry.get("windows"),
                relative_to=entry.get("relative_to", {}).get("digest"),
            )
        return _Row(
            file, offset, len(line), str(entry["path"]), entry.get("audio"), settings,
            failed=entry["error"] is not None or not entry["tags"],
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
