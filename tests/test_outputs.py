"""Outputs of every command: what a path may be, what is never overwritten, what two runs do."""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from moodtheme.cli.outputs import require_output
from moodtheme.files import claimed_folder, locked
from program import Program
from toy_music import run, write_music

posix = pytest.mark.skipif(os.name != "posix", reason="devices and pipes are POSIX's")


@pytest.fixture
def matrices(tmp_path: Path) -> dict[str, Path]:
    rng = np.random.default_rng(0)
    paths = {name: tmp_path / f"{name}.npy" for name in ("truth", "a", "b")}
    np.save(paths["truth"], rng.random((40, 56)) < 0.3)
    for name in ("a", "b"):
        np.save(paths[name], rng.random((40, 56)).astype(np.float32))
    return paths


def writers(model: Path, songs: list[Path], matrices: dict[str, Path]) -> list[list[object]]:
    """Commands with a file for their results, without its name."""
    return [
        *(["tag", *songs, "--model", model, "--format", form, "-o"]
          for form in ("table", "json", "jsonl", "csv")),
        ["fuse", matrices["a"], matrices["b"], "-o"],
        ["decide", matrices["a"], "--thresholds", "0.5", "-o"],
        ["evaluate", matrices["a"], "--truth", matrices["truth"], "--json"],
    ]  # fmt: skip


@pytest.fixture(
    params=range(7), ids=["table", "json", "jsonl", "csv", "fuse", "decide", "evaluate"]
)
def writer(
    request: pytest.FixtureRequest, model: Path, songs: list[Path], matrices: dict[str, Path]
) -> list[object]:
    return writers(model, songs, matrices)[request.param]


@pytest.fixture(autouse=True)
def _no_devices_lost() -> Iterator[None]:
    """The devices that tests write to are devices afterwards too."""
    yield
    for name in ("/dev/null", "/dev/full"):
        if Path(name).exists():
            assert stat.S_ISCHR(Path(name).stat().st_mode)


# --- what an output path may be --------------------------------------------------------------


@posix
def test_a_device_is_written_into(program: Program, writer: list[object]) -> None:
    before = Path("/dev/null").stat()
    code, _, err = program(*writer, "/dev/null")
    after = Path("/dev/null").stat()
    assert code == 0, err
    assert stat.S_ISCHR(after.st_mode)
    assert (before.st_ino, before.st_rdev) == (after.st_ino, after.st_rdev)


@posix
def test_a_pipe_is_written_into(program: Program, writer: list[object], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.npy"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    code, _, err = program(*writer, pipe)
    reader.join(600)
    assert code == 0, err
    assert len(heard[0]) > 100
    assert pipe.is_fifo()


@posix
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_a_descriptor_goes_on_where_it_is(writer: list[object], tmp_path: Path, name: str) -> None:
    """What the shell writes into the same file next comes behind the results."""
    command = [sys.executable, "-m", "moodtheme", *map(str, writer), name]
    with (tmp_path / "all").open("wb") as stream:
        subprocess.run(command, stdout=stream, check=True)
        written = os.lseek(stream.fileno(), 0, os.SEEK_CUR)
    assert written == (tmp_path / "all").stat().st_size > 100


@posix
@pytest.mark.parametrize("there", [True, False])
def test_a_link_has_its_target_written(
    program: Program, writer: list[object], tmp_path: Path, there: bool
) -> None:
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "target.npy"
    if there:
        target.write_text("[]")
    link = tmp_path / "link.npy"
    link.symlink_to("far/target.npy")
    code, _, err = program(*writer, link)
    assert code == 0, err
    assert link.is_symlink()
    assert len(target.read_bytes()) > 100
    assert [path.name for path in target.parent.iterdir()] == ["target.npy"]


def test_a_folder_is_refused(program: Program, writer: list[object], tmp_path: Path) -> None:
    (tmp_path / "folder.npy").mkdir()
    code, out, err = program(*writer, tmp_path / "folder.npy")
    assert (code, out) == (2, "")
    assert "folder.npy" in err
    assert list((tmp_path / "folder.npy").iterdir()) == []


def test_a_dash_is_no_name_of_an_output(
    program: Program, writer: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = program(*writer, "-")
    assert (code, out) == (2, "")
    assert "an output cannot be called -" in err
    assert not Path("-").exists()


@posix
def test_a_full_disk_is_said(program: Program, writer: list[object]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no full device here")
    code, _, err = program(*writer, "/dev/full")
    assert code == 1
    assert "/dev/full: cannot be written (No space left" in err


@posix
def test_a_limit_of_file_sizes_is_said(writer: list[object], tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    target = tmp_path / "limited.npy"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    done = run(*writer, target, preexec_fn=limit)
    assert done.returncode == 1
    assert b"limited.npy: cannot be written (File too large)" in done.stderr
    assert b"Traceback" not in done.stderr
    assert not target.exists()


# --- what is never overwritten ---------------------------------------------------------------


def test_no_input_is_overwritten(
    program: Program, model: Path, songs: list[Path], matrices: dict[str, Path], tmp_path: Path
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(f"{songs[0]}\n")
    (tmp_path / "link.wav").symlink_to(songs[1])
    a, b, truth = matrices["a"], matrices["b"], matrices["truth"]
    attempts: list[tuple[Path, list[object]]] = [
        (songs[1], ["tag", *songs, "--model", model, "-o", songs[1]]),
        (songs[1], ["tag", songs[0].parent, "--model", model, "-o", tmp_path / "link.wav"]),
        (songs[1], ["tag", tmp_path / "music", "-o", tmp_path / "music/../music/1.wav"]),
        (listed, ["tag", "--files-from", listed, "-o", listed]),
        (b, ["fuse", a, b, "-o", b]),
        (a, ["decide", a, "--thresholds", "0.5", "-o", a]),
        (truth, ["decide", a, "--thresholds", "oracle", "--truth", truth, "-o", truth]),
        (truth, ["evaluate", a, "--truth", truth, "--json", truth]),
    ]  # fmt: skip
    for file, arguments in attempts:
        before = file.read_bytes()
        code, out, err = program(*arguments)
        assert (code, out) == (2, ""), arguments
        assert file.name in err
        assert file.read_bytes() == before


@pytest.mark.parametrize(
    "name", ["old.wav", "old.ogg", "old.mp3", "old.flac", "notes.txt", "out.csv"]
)
def test_no_audio_is_overwritten_whatever_its_name(
    program: Program, writer: list[object], tmp_path: Path, name: str
) -> None:
    kind = name.rpartition(".")[2]
    song = write_music(tmp_path / f"song.{kind if kind in {'ogg', 'mp3', 'flac'} else 'wav'}")
    target = song.rename(tmp_path / name)
    before = target.read_bytes()
    code, _, err = program(*writer, target)
    assert code == 2
    assert name in err
    assert target.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"", b"[]\n", b"path,\n", bytes(1000), b"\xff\xfb" * 40, b"hello\n"]
)
def test_what_holds_no_audio_may_be_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "out.json").write_bytes(content)
    require_output(tmp_path / "out.json")


@pytest.mark.parametrize("name", ["", ".partial"])
def test_a_resumption_leaves_foreign_files_alone(
    program: Program, model: Path, songs: list[Path], tmp_path: Path, name: str
) -> None:
    for content in ("Dear diary\n", "no line end", '{"mine": 1}\n', "[1, 2]\n", "\n\n"):
        target = tmp_path / f"notes.jsonl{name}"
        target.write_text(content)
        code, _, err = program(
            "tag", *songs, "--model", model, "-o", tmp_path / "notes.jsonl", "--resume"
        )
        assert code == 2
        assert target.name in err
        assert target.read_text() == content


# --- two runs --------------------------------------------------------------------------------


def test_a_second_run_on_one_output_is_refused(
    program: Program, model: Path, songs: list[Path], tmp_path: Path
) -> None:
    for name in ("out.jsonl", "out.csv"):
        target = tmp_path / name
        with locked(target):
            code, out, err = program("tag", *songs, "--model", model, "-o", target)
        assert (code, out) == (1, "")
        assert name in err
        assert not target.exists()
        assert program("tag", *songs, "--model", model, "-o", target)[0] == 0
    assert not list(tmp_path.glob(".*.lock"))


def test_two_runs_of_one_folder_are_refused(program: Program, tmp_path: Path) -> None:
    with claimed_folder(tmp_path / "demo"):
        code, out, err = program("demo", tmp_path / "demo")
    assert (code, out) == (1, "")
    assert f"{tmp_path / 'demo'}: another run is writing it" in err
    assert not (tmp_path / "demo").exists()  # nothing was written, so nothing stays


def test_music_of_others_is_not_written_over(program: Program, tmp_path: Path) -> None:
    song = write_music(tmp_path / "1-market-morning.flac")
    before = song.read_bytes()
    code, _, err = program("demo", tmp_path)
    assert code == 2
    assert song.name in err
    assert song.read_bytes() == before
