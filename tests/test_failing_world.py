"""Streams, folders, networks and signals that fail: a sentence each, and nothing lost."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from program import Program
from toy_music import write_music

posix = pytest.mark.skipif(os.name != "posix", reason="devices and pipes are POSIX's")


@posix
@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
@pytest.mark.parametrize("stream", ["closed", "full", "broken"])
def test_standard_output_that_fails_is_said(
    model: Path, songs: list[Path], form: str, stream: str
) -> None:
    shell = {
        "closed": '"$@" >&-',
        "full": '"$@" >/dev/full',
        "broken": '"$@" | true; exit ${PIPESTATUS[0]}',
    }
    command = [sys.executable, "-m", "moodtheme", "tag", *map(str, songs), "--model", str(model)]
    done = subprocess.run(
        ["bash", "-c", shell[stream], "-", *command, "--format", form, "--quiet"],
        capture_output=True, encoding="utf-8", check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("moodtheme: ")
    assert "Traceback" not in done.stderr


@posix
def test_a_working_folder_that_is_gone_is_said(
    songs: list[Path], model: Path, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    for arguments, status in (
        (["tag", songs[0], "--model", model], 0),
        (["tag", "song.wav", "--model", model], 1),
        (["tag", ".", "--model", model], 1),
        (["tag", songs[0], "--model", model, "-o", "out.json"], 2),
    ):
        gone.mkdir()
        command = (
            f"import os, sys; os.rmdir({str(gone)!r}); from moodtheme.cli.app import main; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", command, *map(str, arguments)],
            cwd=gone, capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
        assert done.returncode == status
        assert "Traceback" not in done.stderr
        assert ("working folder has been deleted" in done.stderr) == bool(status)
        assert "the output" not in done.stderr


@pytest.mark.parametrize("variable", ["ALL_PROXY", "HTTPS_PROXY"])
def test_a_socks_proxy_is_named(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    monkeypatch.setenv("MOODTHEME_CACHE", str(tmp_path))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv(variable, "socks5://127.0.0.1:9")
    try:
        import socks  # noqa: F401
    except ImportError:
        code, _, err = program("models", "get", "mtg-baseline")
        assert code == 1
        assert "PySocks" in err
    else:
        pytest.skip("PySocks is installed, so such proxies work")


def test_a_cache_that_cannot_be_made_is_named(
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    model: Path,
    songs: list[Path],
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MOODTHEME_CACHE", str(tmp_path / "file" / "cache"))
    code, _, err = program("models", "get", "mtg-baseline")
    assert code == 1
    assert "MOODTHEME_CACHE" in err
    assert program("tag", *songs, "--model", model)[0] == 0


@posix
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("name", ["out.json", "out.jsonl", "out.csv"])
def test_a_signal_keeps_what_was_finished_under_another_name(
    model: Path, tmp_path: Path, number: signal.Signals, status: int, name: str
) -> None:
    music = tmp_path / "music"
    music.mkdir()
    first = write_music(music / "0000.wav")
    for i in range(1, 600):
        os.link(first, music / f"{i:04}.wav")  # linked files count once, so these are copies
        (music / f"{i:04}.wav").unlink()
        (music / f"{i:04}.wav").write_bytes(first.read_bytes())
    partial = tmp_path / f"{name}.partial"
    process = subprocess.Popen(
        [sys.executable, "-m", "moodtheme", "tag", str(music), "--model", str(model), "--jobs", "1",
         "-o", str(tmp_path / name)],
        stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        if partial.exists() and partial.read_text("utf-8").count("\n") > 4:
            break
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=600)
    assert process.returncode == status
    assert "Traceback" not in err
    assert str(partial) in err
    assert not (tmp_path / name).exists()
    content = partial.read_text("utf-8")
    if name == "out.json":
        assert len(json.loads(content)) >= 3
    elif name == "out.csv":
        assert all(row["error"] == "" for row in csv.DictReader(io.StringIO(content)))
    else:
        assert all(json.loads(line)["error"] is None for line in content.splitlines()[:3])
