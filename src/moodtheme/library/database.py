"""The library's file: opened with suspicion, brought up to date, written by one process at a time.

SQLite in WAL mode: readers see a whole state while a writer goes on, a kill at any moment loses at
most what was not yet said to be there, and a loss of power at most the last moments. The writer
holds a lock beside the file.
"""

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import platformdirs

from moodtheme.errors import BusyError, LibraryError, MoodthemeError, UsageError, WriteError
from moodtheme.files import locked, make_folder
from moodtheme.library.schema import APPLICATION_ID, MIGRATIONS, VERSION

ENVIRONMENT_VARIABLE = "MOODTHEME_LIBRARY"
_PATIENCE_MS = 10_000  # how long a reader waits for a writer that tidies up
_PAGE = 16_384  # bytes; seven tracks of 2 kB with embeddings share one, of 4096 none would
_LONGEST = 1 << 26  # bytes of a value: a day of music with a timeline has about 10 MB
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_TOOBIG}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_CLOSED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}


def default_place() -> Path:
    """``$MOODTHEME_LIBRARY`` where that is set, else ``library.db`` in the user's data folder."""
    if chosen := os.environ.get(ENVIRONMENT_VARIABLE):
        return Path(chosen).expanduser()
    return platformdirs.user_data_path("moodtheme", appauthor=False) / "library.db"


class Database:
    """A connection to a library file, opened and refused as by `moodtheme.Library`."""

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        self.write = write
        with ExitStack() as stack:
            if write:
                make_folder(path.parent)
                stack.enter_context(locked(path, wait=False))
            elif not path.exists():
                raise UsageError(
                    f"{path}: there is no library yet; make one with: moodtheme library scan FOLDER"
                )
            with speaking(path):
                self._connection = stack.enter_context(closing(_connect(path, write=write)))
                _bring_up_to_date(self._connection, path, write=write)
                stack.callback(self._tidy)
            self._open = stack.pop_all()

    def close(self) -> None:
        """Close it; may be called twice."""
        with speaking(self.path):
            self._open.close()

    def rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """All rows of a query."""
        with speaking(self.path):
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: tuple[Any, ...] = ()) -> Any:
        """The first row of a query, or None."""
        with speaking(self.path):
            return self._connection.execute(sql, values).fetchone()

    def change(self, sql: str, values: tuple[Any, ...] = ()) -> int:
        """Change rows, and return the number of the last that was inserted.

        Begins a transaction, if none is under way, that `commit` ends.
        """
        if not self.write:
            raise UsageError(f"{self.path} was opened for reading; open it with write=True")
        with speaking(self.path):
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            return self._connection.execute(sql, values).lastrowid or 0

    def put(self, table: str, key: str, row: Mapping[str, Any]) -> None:
        """Insert a row, or change the one with the same key to it; other columns stay."""
        changes = ", ".join(f"{name} = excluded.{name}" for name in row if name != key)
        self.change(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))}) "
            f"ON CONFLICT ({key}) DO UPDATE SET {changes}",
            tuple(row.values()),
        )

    def commit(self) -> None:
        """Have what was changed be there for all, also after a kill."""
        with speaking(self.path):
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Changes that happen together or not at all."""
        self.commit()
        try:
            yield
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.rollback()
            raise
        self.commit()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Queries that all see the same state, whatever others write meanwhile."""
        with speaking(self.path):
            mine = not self._connection.in_transaction
            if mine:
                self._connection.execute("BEGIN")
        try:
            yield
        finally:
            if mine:
                self.commit()

    def state(self) -> tuple[int, int]:
        """Changes when the file does, by whomever."""
        return self.row("PRAGMA data_version")[0], self._connection.total_changes

    def size(self) -> int:
        """Bytes of the file, with what waits beside it to be put into it."""
        log = self.path.with_name(self.path.name + "-wal")
        return sum(file.stat().st_size for file in (self.path, log) if file.exists())

    def _tidy(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.rollback()
            if self.write:  # so that the file alone can be copied
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def speaking(path: Path) -> Iterator[None]:
    """Say what went wrong with a library file in its own words."""
    try:
        yield
    except sqlite3.Error as error:
        raise _said(path, error) from error


def _said(path: Path, error: sqlite3.Error) -> MoodthemeError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says more exactly how
    if code in _BUSY:
        return BusyError(f"{path}: another program holds it; wait for that to end, and try again")
    if code in _FULL:
        return WriteError(
            f"{path}: cannot be written ({error}); all that was finished is in it: see to the "
            "disk and run the same command again"
        )
    if code in _CLOSED:
        return UsageError(
            f"{path}: cannot be opened ({error}); name a library in a folder that you may write to"
        )
    return LibraryError(
        f"{path} is damaged or no library ({error}); name another, or move it away and scan again"
    )


def _connect(path: Path, *, write: bool) -> sqlite3.Connection:
    mode = "rwc" if write else "ro"
    try:
        return _prepared(f"{path.absolute().as_uri()}?mode={mode}")
    except sqlite3.OperationalError as error:
        # A reader needs a file beside the library; on a medium that takes none, nobody writes.
        if write or getattr(error, "sqlite_errorcode", 0) & 0xFF not in _CLOSED:
            raise
        return _prepared(f"{path.absolute().as_uri()}?mode=ro&immutable=1")


def _prepared(address: str) -> sqlite3.Connection:
    # Autocommit: transactions are begun and ended here.
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        for setting in (
            f"busy_timeout = {_PATIENCE_MS}",
            "trusted_schema = OFF",
            "cell_size_check = ON",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {setting}")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _bring_up_to_date(connection: sqlite3.Connection, path: Path, *, write: bool) -> None:
    """Check that it is a library, and make an older version, or an empty file, this one's."""
    kind = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = _schema(connection)
    if kind != APPLICATION_ID and (tables or not write):
        raise LibraryError(f"{path} is no library of moodtheme's; name another file")
    if version > VERSION:
        raise LibraryError(
            f"{path} is of version {version}, and this moodtheme reads up to {VERSION}; install a "
            "newer one: pip install -U moodtheme"
        )
    if tables != _expected(version):
        raise LibraryError(
            f"{path} is not laid out as moodtheme does it; name another, or move it away and scan "
            "again"
        )
    if version < VERSION and not write:
        with closing(Database(path, write=True)):  # brings it up to date
            return
    if write:
        for setting in (f"page_size = {_PAGE}", "journal_mode = WAL", "synchronous = NORMAL"):
            connection.execute(f"PRAGMA {setting}")
    for number in range(version, VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA application_id = {APPLICATION_ID}; "
            f"PRAGMA user_version = {number + 1}; COMMIT;"
        )


def _schema(connection: sqlite3.Connection) -> set[tuple[str, ...]]:
    """Everything a file says of its layout."""
    return set(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))


def _expected(version: int) -> set[tuple[str, ...]]:
    with closing(sqlite3.connect(":memory:")) as empty:
        for migration in MIGRATIONS[: max(version, 0)]:
            empty.executescript(migration)
        return _schema(empty)


def now() -> int:
    """Seconds since 1970."""
    return int(time.time())
