"""The library's file: versions, damage, hostile content, full disks, kills."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from moodtheme import Tagger
from moodtheme.errors import LibraryError, QueryError, UsageError, WriteError
from moodtheme.library import Library
from moodtheme.library.schema import APPLICATION_ID, MIGRATIONS, VERSION
from toy_library import content, toy_tagger, write_piece


@pytest.fixture
def tagger(tmp_path: Path) -> Tagger:
    return toy_tagger(tmp_path / "models")


@pytest.fixture
def filled(tmp_path: Path, tagger: Tagger) -> Path:
    """A library file with three tracks."""
    for number in range(3):
        write_piece(tmp_path / "music" / f"{number}.flac", number)
    with Library(tmp_path / "library.db", write=True) as library:
        library.scan([tmp_path / "music"], tagger)
    return tmp_path / "library.db"


def change(path: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql, values)


def test_a_file_of_version_1_is_brought_up_to_date(filled: Path, tmp_path: Path) -> None:
    with Library(filled) as library:
        expected = content(library)
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript(
            f"{MIGRATIONS[0]} PRAGMA user_version = 1; PRAGMA application_id = {APPLICATION_ID};"
        )
        connection.execute("ATTACH ? AS new", (str(filled),))
        for table in ("models", "tracks", "results", "places", "roots"):
            connection.execute(f"INSERT INTO {table} SELECT * FROM new.{table}")
        connection.commit()
    with Library(old) as library:  # for reading
        assert content(library) == expected
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    with Library(old, write=True) as library:
        assert content(library) == expected


def test_a_later_version_is_refused(filled: Path) -> None:
    change(filled, f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(LibraryError, match="install a newer one"):
        Library(filled)


@pytest.mark.parametrize("write", [False, True])
def test_other_files_are_refused_and_stay(write: bool, tmp_path: Path) -> None:
    text, database = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("not a library" * 100, encoding="utf-8")
    change(database, "CREATE TABLE songs (title TEXT)")
    for file in (text, database):
        before = file.read_bytes()
        with pytest.raises(LibraryError, match=file.name):
            Library(file, write=write)
        assert file.read_bytes() == before


def test_a_library_that_is_not_there_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="moodtheme library scan"):
        Library(tmp_path / "none.db")
    assert not list(tmp_path.iterdir())


def test_an_empty_library_says_how_to_fill_it(tmp_path: Path) -> None:
    with Library(tmp_path / "new.db", write=True) as library:
        assert list(library.tracks()) == [] and len(library) == 0
        with pytest.raises(QueryError, match="holds no results yet"):
            _ = library.model


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE results SET scores = x'00'",
        "UPDATE results SET scores = zeroblob(4096)",
        "UPDATE results SET scores = 'text'",
        "UPDATE results SET embedding = x'0000c07f0000c07f'",
        "UPDATE results SET notes = 'no json'",
        "UPDATE results SET duration_s = 'long'",
        "UPDATE results SET timeline = x'0102'",
        "UPDATE models SET manifest = x'7b7d'",
        "UPDATE models SET manifest = 5",
        "UPDATE models SET digest = 'abc'",
    ],
)
def test_content_that_cannot_be_is_refused(sql: str, filled: Path) -> None:
    change(filled, sql)
    with Library(filled) as library, pytest.raises(LibraryError, match="damaged"):
        [track.tags() for track in library.tracks()]


def test_nothing_runs_that_is_not_ours(filled: Path) -> None:
    change(
        filled,
        "CREATE TRIGGER evil AFTER INSERT ON places BEGIN DELETE FROM tracks; END",
    )
    with pytest.raises(LibraryError, match="not laid out"):
        Library(filled, write=True)


def test_a_damaged_file_is_an_error_of_ours(filled: Path) -> None:
    content = bytearray(filled.read_bytes())
    content[200:] = bytes(byte ^ 0x55 for byte in content[200:])
    filled.write_bytes(content)
    with pytest.raises(LibraryError, match=r"library\.db"), Library(filled) as library:
        list(library.tracks())


def test_a_full_disk_is_said_and_what_was_finished_stays(tmp_path: Path, tagger: Tagger) -> None:
    for number in range(60):  # their long names do not fit on the first page
        write_piece(tmp_path / "music" / f"{number:0230}.flac", number)
    with Library(tmp_path / "library.db", write=True) as library:
        pages = library._database.row("PRAGMA page_count")[0]
        library._database.row(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(WriteError, match=r"library\.db.*full"):
            library.scan([tmp_path / "music"], tagger)
    with Library(tmp_path / "library.db", write=True) as library:
        kept = len(library)
        assert library.scan([tmp_path / "music"], tagger).scored == 60 - kept
        assert 0 < kept < 60


SCAN = """
import sys, time
from pathlib import Path
from moodtheme import Tagger
from moodtheme.library import Library, ScanOptions
with Library(sys.argv[1], write=True) as library:
    def tell(file):
        print(file.path.name, flush=True)
        time.sleep(0.01)
    library.scan([sys.argv[2]], Tagger.load(sys.argv[3]), ScanOptions(jobs=2), tell=tell)
"""


@pytest.mark.skipif(os.name != "posix", reason="only on POSIX: signals")
def test_a_kill_loses_nothing_that_was_said_to_be_done(tmp_path: Path, tagger: Tagger) -> None:
    for number in range(12):
        write_piece(tmp_path / "music" / f"{number:02}.flac", number)
    file = tmp_path / "library.db"
    command = [sys.executable, "-c", SCAN, file, tmp_path / "music", tmp_path / "models" / "one"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGKILL)
    with Library(file) as library:  # a reader, with what the kill left beside it
        kept = {path.name for track in library.tracks() for path in track.places}
    assert {name.strip() for name in told} <= kept
    with Library(file, write=True) as library:
        report = library.scan([tmp_path / "music"], tagger)
        assert (report.scored, report.unchanged) == (12 - len(kept), len(kept))
        after = content(library)
    with Library(tmp_path / "whole.db", write=True) as library:
        library.scan([tmp_path / "music"], tagger)
        assert content(library) == after
