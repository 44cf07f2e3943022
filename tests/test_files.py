"""Files of ours: whole or absent, locked, read by version."""

import errno
import os
import stat
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from moodtheme.errors import BusyError, DatasetError, UsageError, WriteError
from moodtheme.files import (
    cannot_write,
    free_room,
    locked,
    make_folder,
    replacing,
    require_writable,
)
from moodtheme.records import Records, read_record, write_record

RECORDS = Records(error=DatasetError, missing="name another", again="make it again")


@dataclass(frozen=True)
class Note:
    """A small record."""

    text: str
    count: int = 0


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, text: str = "new") -> None:
    with replacing(path) as temporary:
        temporary.write_text(text)


# --- whole or absent ---------------------------------------------------------------------------


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("reason", [RuntimeError("broke"), KeyboardInterrupt()])
def test_what_breaks_off_leaves_the_old_file(tmp_path: Path, reason: BaseException) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(type(reason)), replacing(path) as temporary:
        temporary.write_text("half")
        raise reason
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("length", [1, 100, 250])
def test_long_names_have_room_for_a_temporary_one(tmp_path: Path, length: int) -> None:
    path = tmp_path / ("n" * length)
    write(path)
    assert path.read_text() == "new"


def test_several_threads_write_one_file_each_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    texts = [str(number) * 100_000 for number in range(8)]
    threads = [threading.Thread(target=write, args=(path, text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts
    assert names(tmp_path) == ["a.txt"]


# --- what an output path may be ----------------------------------------------------------------


@pytest.mark.parametrize("relative", [False, True])
def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path: Path, relative: bool) -> None:
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "a.txt"
    target.write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to("there/a.txt" if relative else target)
    chain = tmp_path / "chain.txt"
    chain.symlink_to(link)
    write(chain)
    assert target.read_text() == "new"
    assert link.is_symlink()
    assert chain.is_symlink()
    assert names(target.parent) == ["a.txt"]


def test_a_link_to_nothing_has_its_file_made(tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to("later.txt")
    write(link)
    assert link.is_symlink()
    assert (tmp_path / "later.txt").read_text() == "new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    write(pipe, "x" * 200_000)
    reader.join()
    assert heard == [b"x" * 200_000]
    assert pipe.is_fifo()


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="no devices with names here")
def test_a_device_stays_a_device(tmp_path: Path) -> None:
    before = Path("/dev/null").stat()
    require_writable(Path("/dev/null"))
    write(Path("/dev/null"))
    after = Path("/dev/null").stat()
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    (tmp_path / "link").symlink_to("/dev/null")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()


def test_standard_output_by_its_name_is_written_into(tmp_path: Path) -> None:
    if not Path("/dev/stdout").exists():
        pytest.skip("standard output has no name here")
    code = (
        "from pathlib import Path; from moodtheme.files import replacing\n"
        "with replacing(Path('/dev/stdout')) as t: t.write_text('new')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"new"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match=r"/dev/full: cannot be written \(No space left"):
        write(Path("/dev/full"))


def test_a_folder_is_refused_before_and_when_written(tmp_path: Path) -> None:
    for attempt in (require_writable, write):
        with pytest.raises(UsageError, match="it is a folder"):
            attempt(tmp_path)


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    for attempt in (require_writable, write):
        with pytest.raises(UsageError, match="a folder that exists"):
            attempt(tmp_path / "none" / "a.txt")
        (tmp_path / "file").touch()
        with pytest.raises(UsageError, match="a folder that exists"):
            attempt(tmp_path / "file" / "a.txt")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"file.* cannot be made"):
        make_folder(tmp_path / "file" / "folder")


def test_a_ring_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(UsageError, match="cannot be written"):
        write(tmp_path / "a")


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, WriteError),
        (errno.EFBIG, WriteError),
        (errno.EIO, WriteError),
        (errno.EPIPE, WriteError),
        (errno.EACCES, UsageError),
        (errno.EROFS, UsageError),
    ],
)
def test_the_world_and_the_user_are_told_apart(number: int, kind: type[Exception]) -> None:
    error = cannot_write("out.csv", OSError(number, os.strerror(number)))
    assert type(error) is kind
    assert "out.csv" in str(error)


def test_free_room_is_known_of_folders_to_come(tmp_path: Path) -> None:
    assert free_room(tmp_path / "a" / "b" / "c") > 0


# --- locks -------------------------------------------------------------------------------------


def test_a_lock_refuses_others_and_is_gone_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    busy = pytest.raises(BusyError, match=r"a\.jsonl: another run")
    with locked(path), busy, locked(path, wait=False):
        pass
    assert names(tmp_path) == []
    with locked(path, wait=False):
        pass


def test_a_lock_is_of_the_file_not_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("a.jsonl")
    with locked(tmp_path / "a.jsonl"):
        for name in (tmp_path / "sub" / ".." / "a.jsonl", tmp_path / "link"):
            with pytest.raises(BusyError), locked(name, wait=False):
                pass


def test_a_lock_waits_for_the_other(tmp_path: Path) -> None:
    count = 0

    def add() -> None:
        nonlocal count
        with locked(tmp_path / "a"):
            seen = count
            threading.Event().wait(0.01)
            count = seen + 1

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count == 8


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys, os; from pathlib import Path; from moodtheme.files import locked\n"
        "with locked(Path(sys.argv[1])): os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], check=False)
    assert done.returncode == 9
    with locked(tmp_path / "a", wait=False):
        pass


# --- records -----------------------------------------------------------------------------------


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_record(tmp_path / "note.json", Note("ü\n", 3))
    assert read_record(tmp_path / "note.json", Note, RECORDS) == Note("ü\n", 3)
    write_record(tmp_path / "notes.json", [Note("a"), Note("b")])
    kind = tuple[Note, ...]
    assert read_record(tmp_path / "notes.json", kind, RECORDS) == (Note("a"), Note("b"))


@pytest.mark.parametrize(
    "content",
    ['{"format_version": 2}', '{"format_version": 2, "text": [1, {"other": "shape"}]}'],
)
def test_another_version_is_never_called_damaged(tmp_path: Path, content: str) -> None:
    path = tmp_path / "note.json"
    path.write_text(content)
    with pytest.raises(DatasetError, match=r"is of format 2, this .* update moodtheme"):
        read_record(path, Note, RECORDS)
    newer = replace(RECORDS, versions=(3, 4))
    with pytest.raises(DatasetError, match=r"is of format 2, this .* reads 3 and 4; make it again"):
        read_record(path, Note, newer)


@pytest.mark.parametrize("content", [b"", b"{", b'{"text": 3}', b"[]", b"\xff", b'{"count": 1}'])
def test_damage_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "note.json"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"note\.json is damaged: .*; make it again"):
        read_record(path, Note, RECORDS)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"note\.json: cannot be read .*; name another"):
        read_record(tmp_path / "note.json", Note, RECORDS)
