"""`moodtheme write-tags`: what a result becomes in a file, and whose moods are whose."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from mutagen.flac import FLAC
from mutagen.id3 import ID3, TMOO, TXXX

from moodtheme.cli.write_tags_run import preview
from moodtheme.library import Library
from moodtheme.tagging.answers import DimensionScore, ModelIdentity, TagScore, TrackTags
from moodtheme.writing import (
    Choice,
    Field,
    Journal,
    Record,
    Said,
    plan_tags,
    read_journal,
    said,
    undo,
    write_tags,
)
from moodtheme.writing.moods import persons, record_of, wanted
from program import Program
from tagged_files import make
from toy_bundle import make_bundle
from toy_library import toy_tagger, write_piece


def result(*standings: tuple[str, float, bool | None], audio: str = "a1:x") -> TrackTags:
    tags = tuple(
        TagScore(name, place / 2, place, None, decision) for name, place, decision in standings
    )
    dimensions = (DimensionScore("valence", -0.31249, 0.2), DimensionScore("arousal", 0.5, 0.9))
    return TrackTags(
        Path("a.flac"), 10.0, tags, dimensions, audio=audio,
        model=ModelIdentity("small", "8560d1d8"), version="9.9",
    )  # fmt: skip


# --- what a result says ------------------------------------------------------------------------


def test_what_stands_out_is_written_and_nothing_where_nothing_does() -> None:
    tags = (("sad", 0.999, True), ("dark", 0.97, True), ("epic", 0.98, False))
    new = said(result(*tags))
    assert new.moods == ("sad", "dark")
    assert new.numbers == {Field.VALENCE: "-0.312", Field.AROUSAL: "0.500"}
    assert new.record.scores == {"dark": 0.485, "epic": 0.49, "sad": 0.4995}
    assert (new.record.model, new.record.digest) == ("small", "8560d1d8")
    none = said(result(("sad", 0.9, False), ("dark", 0.8, False)))
    assert none.moods == ()
    assert wanted({}, none, Choice()).keys() == {Field.RECORD, Field.VALENCE, Field.AROUSAL}


def test_fewer_and_stronger_moods_on_request() -> None:
    tags = [("a", 0.999, True), ("b", 0.98, True), ("c", 0.96, True)]
    assert said(result(*tags), choice=Choice(most=2)).moods == ("a", "b")
    assert said(result(*tags), choice=Choice(at_least=0.97)).moods == ("a", "b")
    assert said(result(*tags), choice=Choice(at_least=1.0)).moods == ()


# --- whose moods are whose ---------------------------------------------------------------------

NEW = Said(
    moods=("dark", "epic"),
    numbers={Field.VALENCE: "-0.250"},
    record=Record(moods=("dark", "epic"), audio="a1:x", model="m", digest="d", version="1"),
)


def after(
    there: dict[Field, tuple[str, ...]], new: Said, **choice: bool
) -> dict[Field, tuple[str, ...]]:
    return {**there, **wanted(there, new, Choice(**choice))}


def test_a_persons_moods_come_first_and_stay() -> None:
    mine = {Field.MOOD: ("Sunday", "DARK")}
    once = after(mine, NEW)
    assert once[Field.MOOD] == ("Sunday", "DARK", "epic")
    assert record_of(once).moods == ("epic",)  # what a person wrote is not ours
    calm = Said(moods=("calm",), numbers=NEW.numbers, record=Record(moods=("calm",), digest="e"))
    assert after(once, calm)[Field.MOOD] == ("Sunday", "DARK", "calm")
    assert after(once, calm, replace=True)[Field.MOOD] == ("calm",)
    nothing = Said(moods=(), numbers={}, record=Record(digest="e"))
    assert after(once, nothing)[Field.MOOD] == ("Sunday", "DARK")


def test_nothing_changes_where_all_is_there() -> None:
    once = after({}, NEW)
    assert wanted(once, NEW, Choice()) == {}
    newer = Said(
        moods=NEW.moods, numbers={Field.VALENCE: "-0.251"},
        record=Record(moods=NEW.moods, audio="a1:x", model="m", digest="d", version="2"),
    )  # fmt: skip
    assert wanted(once, newer, Choice()) == {}
    other = Said(
        moods=NEW.moods, numbers={Field.VALENCE: "-0.251"},
        record=Record(moods=NEW.moods, audio="a1:x", model="m", digest="other", version="2"),
    )  # fmt: skip
    assert wanted(once, other, Choice()).keys() == {Field.VALENCE, Field.RECORD}


@given(
    st.lists(st.sampled_from(["Sunday", "dark", "mine; too", "x/y"]), unique=True, max_size=4),
    st.lists(st.sampled_from(["dark", "epic", "calm"]), unique=True, max_size=3),
)
def test_persons_moods_survive_any_run(mine: list[str], ours: list[str]) -> None:
    new = Said(moods=tuple(ours), numbers={}, record=Record(moods=tuple(ours), digest=str(ours)))
    there = {Field.MOOD: tuple(mine)} if mine else {}
    once = after(after(there, NEW), new)
    assert once[Field.MOOD][: len(mine)] == tuple(mine)
    assert set(once[Field.MOOD]) == {*mine, *ours}
    assert after(once, new) == once


def test_ours_are_known_however_another_program_joined_them() -> None:
    record = Record(moods=("dark", "epic"))
    for joined in (("dark; epic",), ("dark/epic",), ("dark;epic",), ("epic",)):
        assert persons((*joined, "Sunday"), record) == ("Sunday",)
    assert persons(("dark; Sunday",), record) == ("dark; Sunday",)


def test_the_line_for_dj_software_replaces_itself_alone() -> None:
    there = {Field.COMMENT: ("bought in Köln [2019]", "second")}
    once = after(there, NEW, comment=True)
    assert once[Field.COMMENT] == ("bought in Köln [2019] [MOOD: dark; epic]", "second")
    assert wanted(once, NEW, Choice(comment=True)) == {}
    nothing = Said(moods=(), numbers={}, record=Record(digest="e"))
    assert after(once, nothing, comment=True)[Field.COMMENT] == there[Field.COMMENT]
    assert Field.COMMENT not in wanted({}, NEW, Choice())


# --- ID3v2.3 -----------------------------------------------------------------------------------


def test_id3_of_version_2_3_stays_and_keeps_its_moods(tmp_path: Path) -> None:
    path = make("MP3, ID3v2.3", tmp_path)
    with Journal.begun(tmp_path / "journal") as journal:
        write_tags(plan_tags(path, NEW), journal)
    assert path.read_bytes()[3] == 3
    tags = ID3(path, translate=False)
    assert tags["TMOO"].text == tags["TXXX:MOOD"].text == ["dark; epic"]
    assert tags["TYER"].text == ["1999"]
    # Why the tag is not left to mutagen: its way to ID3v2.3 drops the frame.
    tags.update_to_v23()
    assert "TMOO" not in tags


def test_moods_that_people_wrote_in_other_ways_are_seen(tmp_path: Path) -> None:
    path = make("MP3, ID3v2.3", tmp_path)
    tags = ID3(path, translate=False)
    tags.add(TXXX(1, "mood", ["Süß; slow"]))
    tags.add(TMOO(0, ["dark"]))
    tags.save(path, v2_version=3)
    plan = plan_tags(path, NEW)
    assert set(plan.kept) == {"Süß", "slow", "dark"}
    with Journal.begun(tmp_path / "journal") as journal:
        write_tags(plan, journal)
    (text,) = ID3(path, translate=False)["TMOO"].text
    assert set(text.split("; ")) == {"Süß", "slow", "dark", "epic"}


# --- the command -------------------------------------------------------------------------------


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two files, and a model that finds them loud."""
    make_bundle(tmp_path / "toy", decided=True)
    monkeypatch.setenv("MOODTHEME_JOURNALS", str(tmp_path / "journals"))
    folder = tmp_path / "music"
    folder.mkdir()
    noise = 0.4 * np.random.default_rng(0).uniform(-1, 1, 3 * 8_000)
    for name in ("a.flac", "b.wav"):
        soundfile.write(folder / name, noise, 8_000, "PCM_16")
    (folder / "c.flac").write_bytes(b"fLaC no music")
    monkeypatch.chdir(tmp_path)
    return folder


def test_shown_written_and_undone(music: Path, program: Program) -> None:
    files = {path: path.read_bytes() for path in music.iterdir()}
    command = ("write-tags", "music", "--model", "toy")
    status, shown, err = program(*command, "--dry-run")
    assert status == 1  # c.flac
    assert "2 files would be written, none was" in err
    assert {path: path.read_bytes() for path in music.iterdir()} == files

    status, out, err = program(*command)
    assert (status, out) == (1, shown)
    assert "music/a.flac (Vorbis comments)\n  + MOOD steady\n  + MOOD loud\n" in out.replace(
        os.sep, "/"
    )
    assert "c.flac" in err
    assert "2 files written" in err
    assert FLAC(music / "a.flac")["mood"] == ["steady", "loud"]
    written = {path: path.read_bytes() for path in music.iterdir()}

    status, out, err = program(*command)
    assert (status, out) == (1, "")
    assert "0 files written; 2 had it all already" in err
    assert {path: path.read_bytes() for path in music.iterdir()} == written

    status, out, err = program("write-tags", "--undo")
    assert (status, out) == (0, "")
    assert "2 files written back, 0 already as it was, 0 failed" in err
    assert {path: path.read_bytes() for path in music.iterdir()} == files
    status, _, err = program("write-tags", "--undo")
    assert status == 1
    assert "nothing to undo" in err


def test_one_file_that_fails_does_not_stop_the_others(music: Path, program: Program) -> None:
    (music / "a.flac").chmod(0o444)
    status, _, err = program("write-tags", "music", "--model", "toy", "--journal", "journal")
    assert status == 1
    assert "a.flac: is read-only" in err
    assert plan_tags(music / "b.wav", NEW).present[Field.MOOD] == ("steady", "loud")
    (music / "a.flac").chmod(0o644)
    changed = (music / "b.wav").read_bytes() + b"\0\0"
    (music / "b.wav").write_bytes(changed)
    status, _, err = program("write-tags", "--undo", "journal")
    assert status == 1
    assert "b.wav: has changed since" in err
    assert (music / "b.wav").read_bytes() == changed


def test_what_a_library_knows_is_written_without_listening(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOODTHEME_JOURNALS", str(tmp_path / "journals"))
    folder = tmp_path / "music"
    for number in range(3):
        write_piece(folder / f"{number}.flac", number)
    with Library(tmp_path / "library.db", write=True) as library:
        library.scan([folder], toy_tagger(tmp_path))
    (folder / "copy.flac").write_bytes((folder / "0.flac").read_bytes())
    write_piece(folder / "2.flac", 9)
    arguments = ("write-tags", folder, "--library-file", tmp_path / "library.db")
    status, _, err = program(*arguments)
    assert status == 1
    assert "2.flac: holds other audio than the library heard" in err
    assert "2 files written" in err
    assert FLAC(folder / "1.flac")["moodtheme"]
    assert program(*arguments[:1], folder / "1.flac", *arguments[2:])[:2] == (0, "")
    assert program(*arguments[:1], tmp_path / "toy", *arguments[2:])[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [(), ("--undo", "--dry-run"), ("a.flac", "--max", "0"), ("a.flac", "--at-least", "2")],
)
def test_wrong_usage(arguments: tuple[str, ...], music: Path, program: Program) -> None:
    assert program("write-tags", *arguments)[0] == 2


def test_the_preview_is_a_diff(tmp_path: Path) -> None:
    path = make("FLAC", tmp_path)
    file = FLAC(path)
    file["MOOD"] = ["Sunday"]
    file.save()
    with Journal.begun(tmp_path / "journal") as journal:
        write_tags(plan_tags(path, NEW), journal)
    calm = Said(moods=("calm",), numbers={}, record=Record(moods=("calm",), model="m", digest="e"))
    assert list(preview(plan_tags(path, calm)))[1:] == [
        "  - MOOD dark",
        "  - MOOD epic",
        "    MOOD Sunday  (yours)",
        "  + MOOD calm",
        "  ~ MOODTHEME 0 scores by m e",
    ]


@pytest.mark.slow
def test_the_program_killed_at_random_moments_loses_and_breaks_nothing(
    music: Path, tmp_path: Path
) -> None:
    source = (music / "a.flac").read_bytes()
    for path in music.iterdir():
        path.unlink()
    for number in range(40):
        (music / f"{number:02}.flac").write_bytes(source)
    command = [sys.executable, "-m", "moodtheme", "write-tags", "music", "--model", "toy"]
    draw, kills = random.Random(0), 0
    while True:
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        lines = draw.randrange(1, 12)
        told = sum(1 for _, line in zip(range(lines), process.stdout, strict=False))
        time.sleep(draw.random() / 50)
        process.kill()
        process.wait()
        kills += told == lines
        for path in music.glob("*.flac"):
            is_new = Field.MOOD in plan_tags(path, NEW).present
            assert is_new or path.read_bytes() == source
        if told < lines:
            break
    assert kills >= 10
    journals = sorted((tmp_path / "journals").glob("*.jsonl"))
    written = {line.path for journal in journals for line in read_journal(journal)}
    assert written == {str(path) for path in music.glob("*.flac")}
    for journal in reversed(journals):
        for line in read_journal(journal):
            undo(line)
    assert all(path.read_bytes() == source for path in music.glob("*.flac"))
