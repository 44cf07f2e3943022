"""What happens to files whatever goes wrong while their tags are written."""

import errno
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from moodtheme.errors import (
    ChangedFileError,
    TagFileError,
    TagJournalError,
    UnsupportedTagsError,
    WriteError,
)
from moodtheme.writing import (
    Field,
    Journal,
    Record,
    Said,
    Undone,
    last_journal,
    plan_tags,
    read_journal,
    undo,
    write_tags,
)
from moodtheme.writing import beside as beside_module
from moodtheme.writing.edits import Edit, Source, differing, edited, in_order, inverse
from moodtheme.writing.forms import find_form
from tagged_files import FORMS, encode, make

SAID = Said(
    moods=("dark", "epic"),
    numbers={Field.VALENCE: "-0.250"},
    record=Record(moods=("dark", "epic"), audio="a1:x", model="m", digest="d", version="1"),
)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    return make("FLAC", tmp_path)


def apply(path: Path, **options: bool) -> Any:
    with Journal.begun(path.parent / "journal") as journal:
        write_tags(plan_tags(path, SAID), journal, **options)
    return read_journal(path.parent / "journal")[-1]


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.suffix == beside_module.SUFFIX]


# --- the file as the system sees it ------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="only on POSIX")
def test_permissions_attributes_and_links_stay(music: Path) -> None:
    music.chmod(0o640)
    link = music.with_name("link.flac")
    link.symlink_to(music.name)
    attribute = b"user.rating"
    has_attributes = True
    try:
        os.setxattr(music, attribute, b"5")  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        has_attributes = False
    apply(link)
    assert link.is_symlink()
    assert plan_tags(music, SAID).changes == {}
    assert music.stat().st_mode & 0o777 == 0o640
    if has_attributes:
        assert os.getxattr(music, attribute) == b"5"  # type: ignore[attr-defined]
    assert leftovers(music.parent) == []


def test_the_time_of_the_last_change_is_kept_on_request(music: Path) -> None:
    os.utime(music, ns=(10**18, 10**18))
    line = apply(music)
    assert music.stat().st_mtime_ns > 10**18
    undo(line)
    assert music.stat().st_mtime_ns == 10**18
    apply(music, keep_time=True)
    assert music.stat().st_mtime_ns == 10**18


@pytest.mark.skipif(os.name != "posix", reason="only on POSIX")
def test_files_with_several_names_are_written_on_request_alone(music: Path) -> None:
    other = music.with_name("other.flac")
    other.hardlink_to(music)
    before = music.read_bytes()
    with pytest.raises(TagFileError, match="2 names"):
        apply(music)
    assert music.read_bytes() == before
    apply(music, part_links=True)
    assert plan_tags(music, SAID).changes == {}
    assert other.read_bytes() == before


def test_read_only_files_stay(music: Path) -> None:
    music.chmod(0o444)
    with pytest.raises(TagFileError, match="read-only"):
        apply(music)
    music.chmod(0o644)


def test_a_full_disk_leaves_the_file(music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = music.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Journal.begun(music.parent / "journal") as journal:
        plan = plan_tags(music, SAID)
        monkeypatch.setattr(beside_module.os, "fsync", full)
        with pytest.raises((TagFileError, WriteError), match="No space left"):
            write_tags(plan, journal)
        monkeypatch.undo()
        assert music.read_bytes() == before
        assert leftovers(music.parent) == []
        write_tags(plan, journal)
    assert plan_tags(music, SAID).changes == {}


def test_without_a_journal_nothing_is_written(music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = music.read_bytes()
    with Journal.begun(music.parent / "journal") as journal:
        plan = plan_tags(music, SAID)

        def refuse(line: object) -> None:
            raise WriteError("the journal cannot be written")

        monkeypatch.setattr(journal, "add", refuse)
        with pytest.raises(WriteError):
            write_tags(plan, journal)
    assert music.read_bytes() == before
    assert leftovers(music.parent) == []
    assert not (music.parent / "journal").exists()  # there is nothing to undo


def test_a_file_changed_between_plan_and_writing_stays(music: Path) -> None:
    plan = plan_tags(music, SAID)
    music.write_bytes(music.read_bytes() + b"\0")
    with Journal.begun(music.parent / "journal") as journal, pytest.raises(ChangedFileError):
        write_tags(plan, journal)


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_any_moment_every_file_is_old_or_new_and_can_be_undone(
    seed: int, tmp_path: Path
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    source = make("FLAC", tmp_path).read_bytes()
    for number in range(12):
        (folder / f"{number:02}.flac").write_bytes(source)
    journal = tmp_path / "journal"
    program = (
        "import sys; from pathlib import Path\n"
        "from moodtheme.writing import *\n"
        "from test_write_tags_safety import SAID\n"
        "print('ready', flush=True)\n"
        "with Journal.begun(Path(sys.argv[2])) as journal:\n"
        "    for path in sorted(Path(sys.argv[1]).iterdir()):\n"
        "        write_tags(plan_tags(path, SAID), journal)\n"
        "        print(path, flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder), str(journal)],
        stdout=subprocess.PIPE, env=environment,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"ready"
    for _ in range(seed):
        process.stdout.readline()
    time.sleep(0.003 * seed)
    process.kill()
    process.wait()
    lines = read_journal(journal) if journal.exists() else []
    told = {Path(line.path).name for line in lines}
    for path in sorted(folder.glob("*.flac")):
        is_new = plan_tags(path, SAID).changes == {}
        assert is_new or path.read_bytes() == source
        assert not is_new or path.name in told
    for line in lines:
        assert undo(line) in set(Undone)
    assert all(path.read_bytes() == source for path in folder.glob("*.flac"))
    # The next run takes away what the kill left beside a file.
    with Journal.begun(journal) as again:
        for path in sorted(folder.glob("*.flac")):
            write_tags(plan_tags(path, SAID), again)
    assert leftovers(folder) == []


# --- undoing -----------------------------------------------------------------------------------


def test_undo_refuses_a_file_that_has_changed_since(music: Path) -> None:
    line = apply(music)
    music.write_bytes(music.read_bytes() + b"\0")
    with pytest.raises(ChangedFileError, match=r"music\.flac"):
        undo(line)
    music.unlink()
    with pytest.raises(TagFileError, match="no longer there"):
        undo(line)


def test_undo_twice_changes_nothing_more(music: Path) -> None:
    before = music.read_bytes()
    line = apply(music)
    assert undo(line) is Undone.WRITTEN
    assert undo(line) is Undone.ALREADY
    assert music.read_bytes() == before


def test_a_journal_cut_short_by_a_kill_is_read_and_gone_on_with(music: Path) -> None:
    apply(music)
    journal = music.parent / "journal"
    with journal.open("ab") as file:
        file.write(b'{"path": "/music/b.flac", "bef')
    assert len(read_journal(journal)) == 1
    undo(read_journal(journal)[0])
    apply(music)
    journal.write_bytes(journal.read_bytes().replace(b'"before"', b'"bef0re"', 1))
    with pytest.raises(TagJournalError, match="line 2 is damaged"):
        read_journal(journal)


@pytest.mark.parametrize("written", [0, 7, 40])
def test_a_journal_that_a_kill_kept_from_beginning_tells_of_nothing(
    music: Path, written: int
) -> None:
    journal = music.parent / "journal"
    apply(music)
    head = journal.read_bytes().split(b"\n")[0]
    undo(read_journal(journal)[0])
    journal.write_bytes(head[:written])
    assert read_journal(journal) == []
    apply(music)
    assert journal.read_bytes().split(b"\n")[0] == head
    assert [line.path for line in read_journal(journal)] == [str(music)]


def test_foreign_journals_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"path": "a.mp3"}\n')
    with pytest.raises(TagJournalError, match="no journal"):
        read_journal(other)
    with pytest.raises(TagJournalError), Journal.begun(other):
        pass
    other.write_text('{"journal": "moodtheme write-tags", "format": 9}\n')
    with pytest.raises(TagJournalError, match="format 9"):
        read_journal(other)
    monkeypatch.setenv("MOODTHEME_JOURNALS", str(tmp_path / "none"))
    with pytest.raises(TagJournalError, match="nothing to undo"):
        last_journal()


# --- what is refused ---------------------------------------------------------------------------


def test_several_streams_in_ogg_are_refused(tmp_path: Path) -> None:
    one, other = make("Ogg Vorbis", tmp_path), make("Ogg Opus", tmp_path)
    chained = tmp_path / "chained.ogg"
    chained.write_bytes(one.read_bytes() + other.read_bytes())
    with pytest.raises(UnsupportedTagsError, match="several streams"):
        plan_tags(chained, SAID)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.mkv", b"\x1a\x45\xdf\xa3" + bytes(64), "Matroska"),
        ("a.wav", b"RF64" + bytes(64), "64 bits"),
        ("a.wav", b"RIFF\xff\xff\xff\xffWAVE" + bytes(64), "another length"),
        ("a.txt", b"no music at all", "not known"),
        ("a.mp3", b"ID3\4\0\x40" + bytes(64), "not known|extended"),
        ("a.ogg", b"OggS\0\2" + bytes(64), "Vorbis, Opus|no page|cut short"),
        ("a.mp4", b"\0\0\0\x10ftypqt  " + bytes(64), "QuickTime"),
    ],
)
def test_unknown_and_unsafe_forms_are_refused_with_a_reason(
    name: str, content: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnsupportedTagsError, match=reason):
        plan_tags(path, SAID)
    assert path.read_bytes() == content


def test_fragmented_mp4_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    encode(path, "aac", "mp4", movflags="frag_keyframe+empty_moov")
    with pytest.raises(UnsupportedTagsError, match="fragments"):
        plan_tags(path, SAID)


# --- stretches ---------------------------------------------------------------------------------


def test_headers_that_outgrow_their_pages_renumber_the_others(tmp_path: Path) -> None:
    import mutagen

    path = make("Ogg Vorbis", tmp_path)
    file = mutagen.File(path)
    # As much as fills the pages of the headers: 255 pieces of 255 bytes each.
    room = 255 * 255
    file["NOTE"] = ["x" * (room - 4600 % room)]
    file.save()
    before = path.read_bytes()
    for _ in range(40):
        journal = tmp_path / "journal"
        with Journal.begun(journal) as begun:
            write_tags(plan_tags(path, SAID), begun)
        (line,) = read_journal(journal)
        renumbered = len(line.edits)
        undo(line)
        journal.unlink()
        assert path.read_bytes() == before
        if renumbered > 5:
            return
        file["NOTE"] = [file["NOTE"][0] + "x" * 120]
        file.save()
        before = path.read_bytes()
    pytest.fail("no length of comments made another page necessary")


def test_what_differs_is_found_and_nothing_else() -> None:
    before, after = b"abc" * 500, b"abc" * 250 + b"X" + b"abc" * 251
    edits = differing(before, after, 100)
    at, out = 100, b""
    for edit in edits:
        out += before[at - 100 : edit.start - 100] + edit.content
        at = edit.end
    assert out + before[at - 100 :] == after
    assert differing(before, before, 0) == []
    assert differing(b"abcd", b"abXd", 7) == [Edit(9, 10, b"X")]


@pytest.mark.parametrize("form", FORMS)
def test_damaged_tags_are_refused_or_written_and_undone(form: str, tmp_path: Path) -> None:
    path = make(form, tmp_path)
    whole = path.read_bytes()
    for seed in range(12):
        draw = random.Random(f"{form} {seed}")
        path.write_bytes(damaged(whole, draw))
        try:
            plan = plan_tags(path, SAID)
            with Source(path) as source:
                edits = in_order(find_form(source).edits(plan.changes))
                back = inverse(source, edits)
                new = b"".join(edited(path, edits))
        except UnsupportedTagsError:
            continue
        other = path.with_name("other")
        other.write_bytes(new)
        assert b"".join(edited(other, back)) == path.read_bytes()


def damaged(whole: bytes, draw: random.Random) -> bytes:
    """A file with a few bytes changed, taken out or put in, where tags are more often than not."""
    content = bytearray(whole)
    for _ in range(draw.choice((1, 2, 5))):
        size = len(content)
        place = draw.choice(
            (draw.randrange(200), draw.randrange(min(size, 4_000)), size - 1 - draw.randrange(200))
        )
        kind = draw.randrange(3)
        if kind == 0:
            content[place : place + 4] = draw.randbytes(4)
        elif kind == 1:
            del content[place : place + draw.randrange(1, 40)]
        else:
            content[place:place] = bytes(draw.randrange(1, 40))
    return bytes(content)
