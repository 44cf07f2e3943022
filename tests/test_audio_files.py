"""Finding audio files."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.audio import AUDIO_EXTENSIONS, find_audio_files, iter_audio_files
from moodtheme.errors import AudioError


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_folders_are_walked_in_order_for_audio_that_is_not_hidden(tmp_path: Path) -> None:
    wanted = [tmp_path / name for name in ("B.MP3", "a.flac", "x.m4a", "b/c.ogg", "b/d/e.mkv")]
    touch(*wanted, *(tmp_path / name for name in ("notes.txt", "._x.mp3", ".git/a.mp3", "b/f.jpg")))
    (tmp_path / "folder.mp3").mkdir()
    assert find_audio_files([tmp_path]) == (wanted, [])


def test_named_files_are_kept_whatever_their_names(tmp_path: Path) -> None:
    named = [tmp_path / "notes.txt", tmp_path / ".hidden.mp3"]
    touch(*named)
    assert find_audio_files([str(path) for path in named]) == (named, [])


def test_every_file_comes_once(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3", tmp_path / "b" / "c.mp3")
    (tmp_path / "again.mp3").symlink_to(tmp_path / "a.mp3")
    given = [tmp_path / "b" / "c.mp3", tmp_path, tmp_path / "b", tmp_path / "." / "a.mp3"]
    files, problems = find_audio_files(given)
    assert files == [tmp_path / "b" / "c.mp3", tmp_path / "a.mp3"]
    assert problems == []


def test_loops_of_links_end(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3", tmp_path / "b" / "c.mp3")
    (tmp_path / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "b" / "self").symlink_to(tmp_path / "b" / "self")
    (tmp_path / "other").symlink_to(tmp_path / "b")
    assert find_audio_files([tmp_path]) == ([tmp_path / "a.mp3", tmp_path / "b" / "c.mp3"], [])


def test_problems_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3", tmp_path / "b" / "text.txt")
    given = [tmp_path / "none.mp3", tmp_path / "b", tmp_path / "a.mp3", tmp_path / "a\0.mp3"]
    files, problems = find_audio_files(given)
    assert files == [tmp_path / "a.mp3"]
    assert [problem.path for problem in problems] == [given[0], given[1], given[3]]
    assert "no such file" in str(problems[0])
    assert "no audio files" in str(problems[1])
    assert all(";" in problem.reason for problem in problems)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_locked_folder_is_a_problem(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3", tmp_path / "b" / "c.mp3")
    (tmp_path / "b").chmod(0)
    try:
        files, problems = find_audio_files([tmp_path])
    finally:
        (tmp_path / "b").chmod(0o700)
    assert files == [tmp_path / "a.mp3"]
    assert [problem.path for problem in problems] == [tmp_path / "b"]


def test_files_come_one_by_one(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3")
    found = iter_audio_files([tmp_path / "a.mp3", *(tmp_path / f"{n}.mp3" for n in range(1000))])
    assert next(found) == tmp_path / "a.mp3"
    assert isinstance(next(found), AudioError)


@given(st.sampled_from(sorted(AUDIO_EXTENSIONS)))
def test_extensions_are_lower_case_with_a_dot(extension: str) -> None:
    assert extension == extension.lower()
    assert Path(f"a{extension}").suffix == extension
