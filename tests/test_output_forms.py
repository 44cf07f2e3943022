"""What is written is valid JSON and CSV, whatever the names, the encoding and the stream."""

import csv
import io
import json
import os
import sys
from pathlib import Path

import pytest

from moodtheme.cli.outputs import JSON_ESCAPES
from moodtheme.files import csv_line
from program import Program
from toy_music import run, write_music

posix = pytest.mark.skipif(os.name != "posix", reason="devices and pipes are POSIX's")


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
