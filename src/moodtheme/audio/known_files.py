"""Which audio files hold, remembered while a file's size and time stay.

The table beside what is kept, ``files.jsonl``, only saves reading; a line of it that is damaged or
missing means that a file is read once more.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from moodtheme.audio.identity import audio_identity
from moodtheme.audio.opened import unreadable
from moodtheme.errors import AudioError
from moodtheme.files import FileState
from moodtheme.work import read_ahead

FILE_TABLE = "files.jsonl"
_SAY_EVERY_S = 10.0
_FILES_AT_ONCE = 256  # read between two writes to the table


class KnownFile(msgspec.Struct, frozen=True):
    """A file as it was when it was read."""

    file: str
    size: int
    mtime_ns: int
    audio: str


class KnownFiles:
    """Identities of files' audio, as far as they are known.

    Parameters
    ----------
    folder
        Where the table is, or will be.
    table
        Its name.
    identify
        What tells files apart, such as `audio_beginning`; each has a table of its own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        table: str = FILE_TABLE,
        identify: Callable[[Path], str] | None = None,
    ) -> None:
        self._identify = identify or audio_identity
        self._path = folder / table
        self._known = {entry.file: entry for entry in _read_table(self._path)}

    def known(self, file: Path) -> str | None:
        """Identity of a file that was read before and has not changed since."""
        entry = self._known.get(_name(file))
        if entry is not None and FileState(entry.size, entry.mtime_ns).is_of(file):
            return entry.audio
        return None

    def find(self, file: Path) -> str:
        """Identity of a file, which is read if need be.

        Raises
        ------
        AudioError
            If it cannot be read.
        """
        return self.known(file) or self._remember(file, self._read(file)).audio

    def find_all(
        self, files: Sequence[Path], *, jobs: int = 1, report: Callable[[str], None]
    ) -> list[str | AudioError]:
        """Identities of files in order, an error for each that cannot be read; what is new is kept.

        Parameters
        ----------
        files
            Any number.
        jobs
            Files read at once.
        report
            Called with a line about how far it is, if it takes long.
        """
        found: dict[Path, str | AudioError] = {}
        unread = []
        for file in dict.fromkeys(files):
            audio = self.known(file)
            if audio is None:
                unread.append(file)
            else:
                found[file] = audio
        said = time.monotonic()
        for start in range(0, len(unread), _FILES_AT_ONCE):
            some = unread[start : start + _FILES_AT_ONCE]
            found |= dict(zip(some, self._read_and_keep(some, jobs), strict=True))
            done = start + len(some)
            if time.monotonic() - said > _SAY_EVERY_S:
                said = time.monotonic()
                report(f"{done} of {len(unread)} files identified by their audio")
        return [found[file] for file in files]

    def _read_and_keep(self, files: Sequence[Path], jobs: int) -> Iterator[str | AudioError]:
        def read(file: Path) -> KnownFile | AudioError:
            try:
                return self._read(file)
            except AudioError as error:
                return error

        results = list(read_ahead(read, files, jobs=jobs))
        new = [entry for entry in results if isinstance(entry, KnownFile)]
        if new:
            lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in new)
            # In one write to a file opened for appending; the first line break ends what another
            # writer, who was killed, may have left without one.
            with suppress(OSError), self._path.open("ab") as table:  # it only saves reading
                table.write(b"\n" + lines)
        for file, entry in zip(files, results, strict=True):
            yield entry if isinstance(entry, AudioError) else self._remember(file, entry).audio

    def _read(self, file: Path) -> KnownFile:
        try:
            state = FileState.of(file)  # before reading: a change during it shows as another time
        except OSError as error:
            raise unreadable(file, error) from None
        return KnownFile(_name(file), state.size, state.mtime_ns, self._identify(file))

    def _remember(self, file: Path, entry: KnownFile) -> KnownFile:
        self._known[_name(file)] = entry
        return entry


def _read_table(path: Path) -> Iterator[KnownFile]:
    if not path.is_file():
        return
    decoder = msgspec.json.Decoder(KnownFile)
    with path.open("rb") as table:
        for line in table:
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError:
                continue


def _name(file: Path) -> str:
    return str(file.absolute())
