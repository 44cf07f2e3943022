"""Outputs of every command: what a path may be, what is never overwritten, how the world fails."""

import csv
import io
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from moodtheme.cli.outputs import JSON_ESCAPES, require_output
from moodtheme.files import claimed_folder, csv_line, locked
from program import Program
from toy_bundle import make_bundle

RATE = 16_000
posix = pytest.mark.skipif(os.name != "posix", reason="devices and pipes are POSIX's")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "toy"
    make_bundle(folder)
    return folder


def write_music(path: Path, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    audio = (0.2 * rng.standard_normal(3 * RATE)).clip(-1, 1)
    soundfile.write(path, audio, RATE, format=path.suffix[1:].upper())
    return path


@pytest.fixture
def songs(tmp_path: Path) -> list[Path]:
    (tmp_path / "music").mkdir()
    return [write_music(tmp_path / "music" / f"{i}.wav", i) for i in range(3)]


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


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    """The program in a process of its own."""
    command = [sys.executable, "-m", "moodtheme", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=600, **options)  # type: ignore[call-overload]


# --- what an output path may be ----------------------------------------------------------------


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


# --- what is never overwritten -----------------------------------------------------------------


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


# --- two runs ----------------------------------------------------------------------------------


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


# --- the world fails ---------------------------------------------------------------------------


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
    code = (
        "import signal; from moodtheme.cli.app import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler); main()"
    )
    partial = tmp_path / f"{name}.partial"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "tag", str(music), "--model", str(model), "--jobs", "1",
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


# --- valid whatever the stream -----------------------------------------------------------------


NAMES = ["ascii.wav", "é ü.wav", "日本 🎵.wav"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii", "latin-1", "shift_jis"])
@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_is_json_in_every_encoding(
    model: Path, tmp_path: Path, encoding: str, form: str
) -> None:
    files = [write_music(tmp_path / name, i) for i, name in enumerate(NAMES)]
    if sys.platform == "linux":
        files.append(files[0].with_name(os.fsdecode(b"caf\xe9.wav")))
        files[-1].write_bytes(files[0].read_bytes())
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = run("tag", *files, "--model", model, "--format", form, env=environment)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode(encoding)
    entries = json.loads(text) if form == "json" else list(map(json.loads, text.splitlines()))
    assert [entry["path"] for entry in entries] == [str(file) for file in files]


@pytest.mark.parametrize("text", ["é", "🎵", "日本", "\udce9", "a\ud83d", "𝄞é\udcff"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_what_an_encoding_lacks_is_escaped_as_json_does(text: str, encoding: str) -> None:
    written = json.dumps(text, ensure_ascii=False).encode(encoding, JSON_ESCAPES)
    assert json.loads(written.decode(encoding)) == text


@pytest.mark.parametrize("field", ["a\rb", "a\nb", "a\r\nb", 'a"b', "a,b", "\r", "", " a "])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_csv_survives(field: str, delimiter: str) -> None:
    line = csv_line([field, 1.5, None], delimiter=delimiter)
    assert line.endswith("\n")
    (row,) = csv.reader(io.StringIO(line, newline=""), delimiter=delimiter)
    assert row == [field, "1.5", ""]


@posix
def test_a_carriage_return_in_a_name_breaks_no_row(
    program: Program, model: Path, tmp_path: Path
) -> None:
    song = write_music(tmp_path / "a\rb\nc.wav")
    assert program("tag", song, "--model", model, "-o", tmp_path / "out.csv")[0] == 0
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["path"] for row in rows} == {str(song)}
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("name", "form", "start"),
    [
        ("a.csv", None, "path,"),
        ("a.JSON", None, "[\n{"),
        ("a.jsonl", None, '{"path"'),
        ("a.ndjson", None, '{"path"'),
        ("a.txt", None, "FILE"),
        ("a", None, "FILE"),
        ("a.csv", "json", "[\n{"),
    ],
)
def test_the_format_follows_the_name_unless_given(
    program: Program, model: Path, songs: list[Path], tmp_path: Path,
    name: str, form: str | None, start: str,
) -> None:  # fmt: skip
    more = [] if form is None else ["--format", form]
    assert program("tag", *songs, "--model", model, "-o", tmp_path / name, *more)[0] == 0
    assert (tmp_path / name).read_text("utf-8").startswith(start)


# --- the command line --------------------------------------------------------------------------


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


@pytest.fixture(autouse=True)
def _no_devices_lost() -> Iterator[None]:
    """The devices that tests write to are devices afterwards too."""
    yield
    for name in ("/dev/null", "/dev/full"):
        if Path(name).exists():
            assert stat.S_ISCHR(Path(name).stat().st_mode)
