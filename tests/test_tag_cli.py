"""`moodtheme tag`: formats, exit status, bad files beside good ones, interruption, resumption."""

import csv
import io
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from moodtheme import __version__
from moodtheme.audio import audio_identity
from moodtheme.tagging.bundle_files import read_manifest
from program import Program
from toy_bundle import make_bundle

RATE = 16_000


def write_music(path: Path, *, seconds: float = 3.0, rate: int = RATE, channels: int = 1) -> None:
    rng = np.random.default_rng(len(path.name))
    audio = 0.2 * rng.standard_normal((round(seconds * rate), channels))
    soundfile.write(path, audio.clip(-1, 1), rate)


@pytest.fixture
def mixed_folder(tmp_path: Path) -> Path:
    """Four good files and five bad ones."""
    folder = tmp_path / "music"
    folder.mkdir()
    write_music(folder / "surround.flac", rate=96_000, channels=6)
    write_music(folder / "telephone.wav", rate=8_000)
    write_music(folder / "Ænima – 日本語 🎵.wav")
    write_music(folder / "whole.mp3", seconds=20.0)
    content = (folder / "whole.mp3").read_bytes()
    (folder / "truncated.mp3").write_bytes(content[: len(content) // 2])
    (folder / "stub.mp3").write_bytes(content[:600])
    (folder / "text.mp3").write_text("These are the lyrics, not the song.\n" * 50, encoding="utf-8")
    (folder / "empty.wav").touch()
    write_music(folder / "blip.wav", seconds=0.2)
    soundfile.write(folder / "silent.wav", np.zeros(3 * RATE), RATE)
    (folder / "cover.jpg").write_bytes(b"\xff\xd8\xff not audio")
    return folder


def test_every_bad_file_is_named_and_every_good_one_tagged(
    program: Program, model: Path, mixed_folder: Path
) -> None:
    code, out, err = program("tag", mixed_folder, "--model", model, "--format", "json", "--jobs", 2)
    assert code == 1
    assert "2 at once, a thread each" in err
    results = {Path(r["path"]).name: r for r in json.loads(out)}
    errors = {name: r["error"] for name, r in results.items() if r["error"] is not None}
    assert set(errors) == {"stub.mp3", "text.mp3", "empty.wav", "blip.wav", "silent.wav"}
    assert "too short: 0.20 s" in errors["blip.wav"]
    assert "silent" in errors["silent.wav"]
    assert "empty" in errors["empty.wav"]
    assert "not audio" in errors["text.mp3"]
    for name, reason in errors.items():
        assert results[name]["tags"] == []
        assert f"{mixed_folder / name}: {reason}" in err
    good = set(results) - set(errors)
    assert good == {
        "surround.flac", "telephone.wav", "Ænima – 日本語 🎵.wav", "whole.mp3", "truncated.mp3",
    }  # fmt: skip
    for name in good:
        scores = [t["score"] for t in results[name]["tags"]]
        assert len(scores) == 3
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)
    assert results["truncated.mp3"]["duration_s"] == pytest.approx(10, abs=1)


def test_the_json_is_the_contracts(program: Program, model: Path, tmp_path: Path) -> None:
    write_music(tmp_path / "a.wav")
    code, out, _ = program("tag", tmp_path / "a.wav", "--model", model, "--format", "json")
    assert code == 0
    (entry,) = json.loads(out)
    assert list(entry) == [
        "path", "duration_s", "tags", "dimensions", "notes", "warnings", "audio", "model",
        "version", "error",
    ]  # fmt: skip
    assert (entry["dimensions"], entry["notes"], entry["warnings"]) == ({}, [], [])
    assert entry["audio"] == audio_identity(tmp_path / "a.wav")
    assert entry["model"] == {"name": "toy", "digest": read_manifest(model).digest}
    assert entry["version"] == __version__
    assert entry["path"] == str(tmp_path / "a.wav")
    assert entry["duration_s"] == 3.0
    assert entry["error"] is None
    assert {t["tag"] for t in entry["tags"]} == {"loud", "quiet", "steady"}
    for tag in entry["tags"]:
        assert list(tag) == ["tag", "score", "standing", "probability", "decision"]
        assert tag["standing"] is None
        assert tag["probability"] is None
        assert tag["decision"] is None


def test_top_timeline_and_the_other_formats_say_the_same(
    program: Program, model: Path, tmp_path: Path
) -> None:
    write_music(tmp_path / "a.wav", seconds=9.0)
    common = ("tag", tmp_path / "a.wav", "--model", model, "--top", 2, "--timeline")
    _, out, _ = program(*common, "--format", "json")
    (entry,) = json.loads(out)
    assert len(entry["tags"]) == 2
    assert [(w["start_s"], w["end_s"]) for w in entry["timeline"]] == [
        (0, 2), (2, 4), (4, 6), (6, 8), (8, 9),
    ]  # fmt: skip
    (section,) = entry["sections"]
    assert (section["start_s"], section["end_s"], len(section["tags"])) == (0, 9, 2)
    assert all(len(w["tags"]) == 2 for w in entry["timeline"])

    _, out, _ = program(*common, "--format", "jsonl")
    assert [json.loads(line) for line in out.splitlines()] == [entry]

    _, out, _ = program(*common, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 2 + 5 * 2
    whole = [(r["tag"], float(r["score"])) for r in rows if not r["start_s"]]
    assert whole == [(t["tag"], t["score"]) for t in entry["tags"]]
    assert {row["audio"] for row in rows} == {entry["audio"]}
    assert {(row["model"], row["model_digest"]) for row in rows} == {tuple(entry["model"].values())}

    _, out, _ = program(*common)
    heading, line, *sections, by = out.splitlines()
    assert heading.startswith("FILE")
    assert "0:09" in line
    assert f"{entry['tags'][0]['tag']} {entry['tags'][0]['score']:.2f}" in line
    assert len(sections) == 1
    assert "toy" in by and entry["model"]["digest"][:8] in by and __version__ in by

    _, out, _ = program(*common, "--scores")
    assert entry["audio"].rpartition(":")[2][:8] in out
    assert program(*common, "--scores", "--format", "csv")[0] == 2


def test_paths_that_are_not_there_and_folders_without_audio_are_failures(
    program: Program, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "a.txt").write_text("no music", encoding="utf-8")
    write_music(tmp_path / "a.wav")
    arguments = [tmp_path / "gone.mp3", tmp_path / "papers", tmp_path / "a.wav"]
    _, out, _ = program("tag", *arguments, "--model", model, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [bool(row["error"]) for row in rows[:3]] == [True, True, False]
    code, out, err = program("tag", *arguments, "--model", model, "--format", "json")
    assert code == 1
    assert [r["error"] is None for r in json.loads(out)] == [False, False, True]
    assert "gone.mp3" in err
    assert "papers" in err


def test_a_file_named_directly_is_tried_whatever_its_name(
    program: Program, model: Path, tmp_path: Path
) -> None:
    write_music(tmp_path / "song.wav")
    (tmp_path / "song.wav").rename(tmp_path / "song.data")
    code, out, _ = program("tag", tmp_path / "song.data", "--model", model, "--format", "json")
    assert (code, json.loads(out)[0]["error"]) == (0, None)
    assert program("tag", tmp_path, "--model", model)[0] == 0  # and found by what it holds


@pytest.mark.parametrize(
    "arguments",
    [
        ("tag",),
        ("tag", "a.wav", "--format", "yaml"),
        ("tag", "a.wav", "--top", "0"),
        ("tag", "a.wav", "--jobs", "0"),
        ("tag", "a.wav", "--model", "no-such-model"),
        ("tag", "a.wav", "--resume"),
        ("tag", "a.wav", "--output", "no/such/folder/out.json"),
    ],
)
def test_wrong_usage_exits_with_2(program: Program, arguments: tuple[str, ...]) -> None:
    code, out, err = program(*arguments)
    assert (code, out) == (2, "")
    assert err


def test_a_damaged_model_is_named(program: Program, model: Path, tmp_path: Path) -> None:
    for file in model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "toy.onnx").write_bytes(b"broken")
    code, _, err = program("tag", "a.wav", "--model", tmp_path)
    assert code == 1
    assert "toy.onnx has SHA-256" in err


def test_names_that_would_steer_a_terminal_are_shown_escaped(
    program: Program, model: Path, tmp_path: Path
) -> None:
    write_music(tmp_path / "a\x1b[31m\nb.wav")
    code, out, _ = program("tag", tmp_path, "--model", model)
    assert code == 0
    assert "\x1b" not in out
    assert len(out.splitlines()) == 3


def on_a_terminal(*arguments: object, columns: int, **environment: str) -> str:
    """What a terminal of a width shows of a run, standard output and error together."""
    import fcntl  # only on POSIX
    import pty
    import termios

    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "moodtheme", *map(str, arguments)],
        stdin=subprocess.DEVNULL, stdout=inside, stderr=inside,
        env={**os.environ, "TERM": "xterm", **environment},
    )  # fmt: skip
    os.close(inside)
    content = b""
    try:
        while block := os.read(terminal, 65536):
            content += block
    except OSError:
        pass  # Linux reports the closed terminal as an error
    os.close(terminal)
    process.wait()
    return content.decode()


@pytest.mark.skipif(os.name != "posix", reason="only on POSIX: no terminal")
def test_a_terminal_sets_the_width_and_names_a_failure_once(model: Path, tmp_path: Path) -> None:
    write_music(tmp_path / "a.wav")
    arguments = ("tag", tmp_path / "a.wav", tmp_path / "gone-away.mp3", "--model", model)
    shown = on_a_terminal(*arguments, columns=40)
    assert shown.count("gone-away.mp3") == 1
    assert "gone-away.mp3                          -\r\n" in shown
    assert "1 of 2 files tagged" in shown
    assert "\x1b[1mFILE" in shown
    assert "\x1b[31merror: " in shown
    assert "\x1b[31m" not in on_a_terminal(*arguments, columns=40, NO_COLOR="1")


def test_a_pipe_has_no_colour_and_the_width_that_is_asked_for(
    program: Program, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "an album of a name that is much longer than a column"
    folder.mkdir()
    write_music(folder / "a.wav")
    monkeypatch.setenv("FORCE_COLOR", "1")
    _, out, _ = program("tag", folder, "--model", model)
    assert "\x1b" not in out
    assert str(folder / "a.wav") in out
    monkeypatch.setenv("COLUMNS", "40")
    _, out, err = program("tag", folder, tmp_path / "gone", "--model", model)
    assert max(map(len, out.splitlines())) <= 40
    assert "1 of 2 files tagged" in err
    program("tag", folder, "--model", model, "--output", tmp_path / "moods.txt")
    assert max(map(len, (tmp_path / "moods.txt").read_text("utf-8").splitlines())) <= 40


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux are such names stored")
def test_a_name_that_is_not_utf_8_survives(program: Program, model: Path, tmp_path: Path) -> None:
    write_music(tmp_path / "a.wav")
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    (tmp_path / "a.wav").rename(name)
    target = tmp_path / "out.jsonl"
    common = ("tag", tmp_path, "--model", model, "--format", "jsonl", "--output", target)
    assert program(*common)[0] == 0
    assert json.loads(target.read_text(encoding="utf-8"))["path"] == name
    code, _, err = program(*common, "--resume")
    assert code == 0
    assert "1 results kept" in err


def test_an_output_file_is_whole_and_leaves_nothing_else(
    program: Program, model: Path, mixed_folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.json"
    code, out, _ = program(
        "tag", mixed_folder, "--model", model, "--format", "json", "--output", target
    )
    assert (code, out) == (1, "")
    assert len(json.loads(target.read_text(encoding="utf-8"))) == 10
    assert sorted(p.name for p in tmp_path.iterdir()) == ["music", "out.json"]


def test_resuming_tags_only_what_is_missing(program: Program, model: Path, tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for i in range(4):
        write_music(music / f"{i}.wav")
    (music / "2.wav").write_text("not yet audio", encoding="utf-8")
    target = tmp_path / "out.jsonl"
    common = ("tag", music, "--model", model, "--format", "jsonl", "--output", target)
    assert program(*common)[0] == 1
    first = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    # A killed run leaves its lines, the last one cut short, under the temporary name.
    lines = target.read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "out.jsonl.partial").write_text(
        "".join(lines[:2]) + lines[3][:20], encoding="utf-8"
    )
    target.unlink()
    write_music(music / "2.wav")
    code, _, err = program(*common, "--resume")
    assert code == 0
    assert "2 results kept" in err
    second = {r["path"]: r for r in map(json.loads, target.read_text("utf-8").splitlines())}
    assert len(second) == 4
    for entry in first:
        if entry["error"] is None:
            assert second[entry["path"]] == entry


FILES = 400  # so many that the run is at work whenever a busy machine looks


@pytest.mark.skipif(os.name != "posix", reason="only on POSIX")
def test_an_interruption_leaves_finished_results_intact(model: Path, tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    first = music / "000.flac"
    tone = np.arange(60 * 44_100) // 50 % 2 - 0.5  # a square wave, small as FLAC
    soundfile.write(first, tone, 44_100)
    for i in range(1, FILES):
        shutil.copyfile(first, music / f"{i:03}.flac")
    target = tmp_path / "out.json"
    run = subprocess.Popen(
        [sys.executable, "-m", "moodtheme", "tag", str(music),
         "--model", str(model), "--format", "json", "--jobs", "1", "--output", str(target)],
        stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    partial = tmp_path / "out.json.partial"
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and run.poll() is None:
        if partial.exists() and partial.read_text("utf-8").count("\n") > 3:
            break
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGINT)
    _, err = run.communicate(timeout=600)
    assert run.returncode == 130
    assert "Traceback" not in err
    assert not target.exists()
    assert str(partial) in err
    results = json.loads(partial.read_text("utf-8"))
    assert 3 <= len(results) < FILES
    assert all(r["error"] is None and len(r["tags"]) == 3 for r in results)


def test_wide_csv_has_a_row_a_file_and_a_column_a_tag(tmp_path: Path, program: Program) -> None:
    make_bundle(tmp_path / "toy", decided=True)
    noise = 0.4 * np.random.default_rng(0).uniform(-1, 1, 3 * 8_000)
    soundfile.write(tmp_path / "a.wav", noise, 8_000)
    (tmp_path / "b.wav").write_bytes(b"no sound")
    output = tmp_path / "moods.csv"
    for _ in range(2):  # what it wrote before it may replace
        arguments = ("tag", tmp_path / "a.wav", tmp_path / "b.wav", "--model", tmp_path / "toy")
        assert program(*arguments, "--wide", "-o", output)[0] == 1
    assert output.read_bytes().startswith(b"\xef\xbb\xbfpath,")
    one, other = csv.DictReader(io.StringIO(output.read_text("utf-8-sig")))
    assert (one["moods"], one["error"]) == ("steady; loud", "")
    assert float(one["loud"]) > 0.5 > float(one["quiet"])
    assert other["moods"] == other["loud"] == ""
    assert "not audio" in other["error"]
    for more in (["--format", "json"], ["--timeline"]):
        assert program(*arguments, "--wide", *more)[0] == 2


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "table"])
def test_an_address_stays_as_it_was_given(
    program: Program, model: Path, tmp_path: Path, form: str
) -> None:
    address = "https://example.org/song.mp3"
    command = ("tag", "--model", model, "--format", form)
    code, out, err = program(*command, address)
    assert code == 1 and address in out and f"moodtheme: {address}: an address" in err
    listed = tmp_path / "list"
    listed.write_text(f"{address}\n", encoding="utf-8")
    code, _, err = program(*command, "--files-from", listed, "--output", tmp_path / "out")
    assert code == 1 and address in err
    assert address in (tmp_path / "out").read_text(encoding="utf-8")
