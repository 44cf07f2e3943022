"""`moodtheme tag --resume`: nothing is lost, and nothing is trusted."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from moodtheme.audio import ExcerptPolicy
from program import Program
from toy_bundle import make_bundle

RATE = 16_000


def write_music(path: Path, seed: int, *, seconds: float = 3.0) -> Path:
    rng = np.random.default_rng(seed)
    soundfile.write(path, (0.2 * rng.standard_normal(round(seconds * RATE))).clip(-1, 1), RATE)
    return path


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for i in range(4):
        write_music(folder / f"{i}.wav", i)
    return folder


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


Tag = Callable[..., tuple[int, str]]


@pytest.fixture
def tag(program: Program, model: Path, output: Path) -> Tag:
    def call(*arguments: object, model: Path = model) -> tuple[int, str]:
        code, out, err = program("tag", *arguments, "--model", model, "-o", output)
        assert out == ""
        return code, err

    return call


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_finished_file_is_the_same_after_a_resumption(
    tag: Tag, music: Path, output: Path
) -> None:
    assert tag(music)[0] == 0
    before = output.read_bytes()
    code, err = tag(music, "--resume")
    assert code == 0
    assert "4 results kept" in err
    assert output.read_bytes() == before
    assert not output.with_name("out.jsonl.partial").exists()


@pytest.mark.parametrize("cut", [1, 20, 300])
def test_what_a_kill_left_is_taken_up(tag: Tag, music: Path, output: Path, cut: int) -> None:
    tag(music)
    whole = output.read_bytes()
    lines = whole.splitlines(keepends=True)
    partial = output.with_name("out.jsonl.partial")
    # In the order in which they were done, the last one cut short.
    partial.write_bytes(lines[2] + lines[0] + lines[3][:cut])
    output.unlink()
    code, err = tag(music, "--resume")
    assert code == 0
    assert "2 results kept" in err
    assert output.read_bytes() == whole
    assert not partial.exists()


def test_rows_of_both_files_count(tag: Tag, music: Path, output: Path) -> None:
    tag(music)
    whole = output.read_bytes()
    lines = whole.splitlines(keepends=True)
    output.write_bytes(lines[1])
    output.with_name("out.jsonl.partial").write_bytes(lines[3])
    assert "2 results kept" in tag(music, "--resume")[1]
    assert output.read_bytes() == whole


def test_an_unfinished_run_is_not_begun_anew_by_oversight(
    tag: Tag, music: Path, output: Path
) -> None:
    tag(music)
    partial = output.rename(output.with_name("out.jsonl.partial"))
    before = partial.read_bytes()
    code, err = tag(music)
    assert code == 2
    assert "4 finished results" in err
    assert "--resume" in err
    assert partial.read_bytes() == before


def test_changed_audio_is_tagged_anew(tag: Tag, music: Path, output: Path) -> None:
    tag(music)
    old = rows(output)
    changed = write_music(music / "1.wav", 99)
    status = changed.stat()
    os.utime(changed, ns=(status.st_atime_ns, (music / "0.wav").stat().st_mtime_ns))
    _, err = tag(music, "--resume")
    assert "3 results kept" in err
    assert "1 results of before were made anew: changed audio" in err
    new = rows(output)
    assert [a == b for a, b in zip(old, new, strict=True)] == [True, False, True, True]
    assert new[1]["audio"] != old[1]["audio"]


def test_touched_and_retagged_files_keep_their_rows(tag: Tag, music: Path) -> None:
    with soundfile.SoundFile(music / "5.flac", "w", RATE, 1) as file:
        file.write(np.random.default_rng(5).standard_normal(3 * RATE) * 0.1)
    tag(music)
    for file in music.iterdir():
        file.touch()
    with soundfile.SoundFile(music / "5.flac", "w", RATE, 1) as file:
        file.title = "Another title"
        file.write(np.random.default_rng(5).standard_normal(3 * RATE) * 0.1)
    assert "5 results kept" in tag(music, "--resume")[1]


def test_another_name_of_the_same_file_is_the_same_file(
    tag: Tag, music: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag(music)
    before = rows(output)
    monkeypatch.chdir(music.parent)
    for name in ("music/../music", "music", "./music/"):
        code, err = tag(name, "--resume")
        assert code == 0
        assert "4 results kept" in err
        after = rows(output)
        assert [Path(row["path"]) for row in after] == [Path(name) / f"{i}.wav" for i in range(4)]
        assert [row["tags"] for row in after] == [row["tags"] for row in before]


def test_a_moved_file_keeps_its_row(tag: Tag, music: Path, output: Path) -> None:
    tag(music)
    before = rows(output)
    (music / "2.wav").rename(music / "9.wav")
    assert "4 results kept" in tag(music, "--resume")[1]
    after = rows(output)
    assert [Path(row["path"]).name for row in after] == ["0.wav", "1.wav", "3.wav", "9.wav"]
    assert {**after[3], "path": ""} == {**before[2], "path": ""}


def test_other_options_and_models_are_not_mixed_in(
    tag: Tag, music: Path, output: Path, tmp_path: Path
) -> None:
    tag(music)
    for arguments in (["--top", "1"], ["--top", "2"], ["--timeline"], []):
        _, err = tag(music, "--resume", *arguments)
        assert "4 results of before were made anew: other options" in err
    make_bundle(tmp_path / "other" / "toy", policy=ExcerptPolicy.CENTRE)
    _, err = tag(music, "--resume", model=tmp_path / "other" / "toy")
    assert "4 results of before were made anew: another model" in err
    assert len({row["model"]["digest"] for row in rows(output)}) == 1


def test_rows_of_music_that_is_not_named_stay(tag: Tag, music: Path, output: Path) -> None:
    tag(music / "0.wav", music / "1.wav")
    assert tag(music / "2.wav", music / "0.wav", "--resume")[0] == 0
    assert [Path(row["path"]).name for row in rows(output)] == ["1.wav", "2.wav", "0.wav"]


def test_rows_of_other_music_that_differ_are_counted(
    tag: Tag, music: Path, output: Path, tmp_path: Path
) -> None:
    tag(music)
    make_bundle(tmp_path / "other" / "toy", policy=ExcerptPolicy.CENTRE)
    _, err = tag(music / "0.wav", "--resume", model=tmp_path / "other" / "toy")
    assert "3 results of music not named this time stay as they were: another model" in err
    assert len(rows(output)) == 4
    _, err = tag(music, "--resume")
    assert "stay as they were" not in err


def test_lines_that_are_no_results_are_counted(tag: Tag, music: Path, output: Path) -> None:
    tag(music)
    whole = output.read_bytes()
    output.write_bytes(b'{"path": 3}\n' + whole + b"\n[]")
    code, err = tag(music, "--resume")
    assert code == 0
    assert "2 lines of before are not results and were left out" in err
    assert output.read_bytes() == whole
    assert "left out" not in tag(music, "--resume")[1]


def test_failures_are_tried_again(tag: Tag, music: Path, output: Path) -> None:
    (music / "1.wav").write_text("not yet audio")
    code, _ = tag(music, music.parent / "gone.wav")
    assert code == 1
    write_music(music / "1.wav", 1)
    code, err = tag(music, "--resume")
    assert code == 0
    assert "3 results kept" in err
    assert [row["error"] for row in rows(output)] == [None] * 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_disk_that_fills_at_the_end_costs_nothing(
    tag: Tag, music: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moodtheme import files

    def fill(temporary: Path, place: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "put_in_place", fill)
        code, err = tag(music)
    assert code == 1
    assert "No space left" in err
    assert "4 finished results" in err
    assert not output.exists()
    assert "4 results kept" in tag(music, "--resume")[1]
    assert len(rows(output)) == 4


@pytest.mark.slow
def test_killed_at_random_moments_nothing_finished_is_lost(model: Path, tmp_path: Path) -> None:
    """Twenty kills in one run over sixty files; the file is the one of an undisturbed run."""
    music = tmp_path / "music"
    music.mkdir()
    for i in range(60):
        write_music(music / f"{i:02}.wav", i, seconds=60)
    output, partial = tmp_path / "out.jsonl", tmp_path / "out.jsonl.partial"
    command = [sys.executable, "-m", "moodtheme", "tag", str(music), "--model", str(model),
               "--jobs", "2", "--quiet", "--format", "jsonl", "--resume", "-o"]  # fmt: skip
    calm = tmp_path / "calm.jsonl"
    start = time.monotonic()
    subprocess.run([*command, str(calm)], check=True)
    lasted = time.monotonic() - start
    start = time.monotonic()
    subprocess.run([*command, str(calm)], check=True)  # all there: what starting takes
    starting = time.monotonic() - start

    def finished() -> dict[str, str]:
        found = {}
        for file in (output, partial):
            for line in file.read_bytes().splitlines(keepends=True) if file.exists() else ():
                if line.endswith(b"\n"):
                    try:
                        entry = json.loads(line)
                    except ValueError:
                        continue  # what an earlier kill cut short
                    found[entry["path"]] = entry["audio"]
        return found

    draw = random.Random(60)
    before: dict[str, str] = {}
    kills = 0
    for _ in range(100):
        process = subprocess.Popen([*command, str(output)])
        try:
            process.wait(draw.uniform(0.7 * starting, lasted))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        after = finished()
        assert before.items() <= after.items()
        before = after
        if kills == 20:
            break
        if output.exists():  # it got to the end: begin again
            assert output.read_bytes() == calm.read_bytes()
            output.unlink()
            partial.unlink(missing_ok=True)
            before = {}
    assert kills == 20
    subprocess.run([*command, str(output)], check=True)
    assert output.read_bytes() == calm.read_bytes()
    assert not partial.exists()
