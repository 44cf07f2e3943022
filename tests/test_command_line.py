"""The command line itself: where files come from, help, what is said and what never is."""

import json
import os
from pathlib import Path

import pytest

from program import Program
from toy_music import run


@pytest.mark.parametrize("between", [b"\n", b"\0", b"\r\n"])
def test_files_come_from_a_list(
    program: Program, model: Path, songs: list[Path], tmp_path: Path, between: bytes
) -> None:
    (tmp_path / "list").write_bytes(between.join(os.fsencode(song) for song in songs) + between)
    code, out, _ = program(
        "tag", "--files-from", tmp_path / "list", "--model", model, "--format", "json"
    )
    assert code == 0
    assert [entry["path"] for entry in json.loads(out)] == [str(song) for song in songs]


def test_files_come_from_standard_input(model: Path, songs: list[Path]) -> None:
    names = b"\0".join(os.fsencode(song) for song in songs)
    done = run(
        "tag", songs[2], "--files-from", "-", "--model", model, "--format", "jsonl", input=names
    )
    paths = [json.loads(line)["path"] for line in done.stdout.splitlines()]
    assert paths == [str(songs[i]) for i in (2, 0, 1)]


def test_quiet_says_nothing_but_what_failed(
    program: Program, model: Path, songs: list[Path], tmp_path: Path
) -> None:
    common = ["--model", model, "-q", "--format", "json"]
    assert program("tag", *songs, *common)[2] == ""
    (tmp_path / "bad.wav").write_text("words")
    code, _, err = program("tag", *songs, tmp_path / "bad.wav", *common)
    assert code == 1
    assert len(err.splitlines()) == 1
    assert "bad.wav" in err


@pytest.mark.parametrize("word", ["song.mp3", "some/folder", "./song"])
def test_a_path_in_place_of_a_command_gets_the_command(program: Program, word: str) -> None:
    code, out, err = program(word, "--top", "3")
    assert (code, out) == (2, "")
    assert f"moodtheme tag {word} --top 3" in err


@pytest.mark.parametrize(
    "command", [(), ("tag",), ("models",), ("models", "get"), ("dataset", "truth"), ("reproduce",)]
)
def test_h_is_help(program: Program, command: tuple[str, ...]) -> None:
    code, short, _ = program(*command, "-h")
    assert code == 0
    assert short == program(*command, "--help")[1]


@pytest.mark.parametrize(
    "command", [("tag", "music"), ("models", "list"), ("doctor",), ("tag", "-h")]
)
def test_no_escape_code_reaches_a_pipe(
    model: Path, songs: list[Path], command: tuple[str, ...], tmp_path: Path
) -> None:
    more = ["--model", str(model)] if "music" in command else []
    environment = {
        **os.environ, "FORCE_COLOR": "1", "TTY_COMPATIBLE": "1", "PY_COLORS": "1",
        "CLICOLOR_FORCE": "1", "GITHUB_ACTIONS": "true", "COLUMNS": "80",
    }  # fmt: skip
    done = run(*command, *more, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert b"\x1b" not in done.stdout + done.stderr
