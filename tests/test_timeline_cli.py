"""The command that follows one piece: its formats, its picture, and what it refuses."""

import csv
import io
import json
import struct
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile

from moodtheme import Tagger
from moodtheme.timelines import picture
from program import Program
from toy_bundle import make_bundle

RATE = 8_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "toy"
    make_bundle(folder, decided=True)
    return folder


@pytest.fixture(scope="module")
def piece(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 s of quiet noise, then 20 s of loud."""
    path = tmp_path_factory.mktemp("music") / "quiet & loud.flac"
    level = np.repeat([0.01, 0.99], 20 * RATE)
    samples = level * np.sign(np.random.default_rng(0).standard_normal(40 * RATE))
    soundfile.write(path, samples, RATE)
    return path


def test_the_formats_say_the_same(
    program: Program, model: Path, piece: Path, tmp_path: Path
) -> None:
    common = ("timeline", piece, "--model", model)
    code, out, _ = program(*common, "--format", "json")
    entry = json.loads(out)
    assert code == 0
    assert (entry["path"], entry["duration_s"]) == (str(piece), 40)
    assert (entry["hop_s"], entry["heard_s"], entry["steady"]) == (2, 6, True)
    assert "timeline" not in entry and len(entry["sections"]) == 1
    loud = entry["curves"]["tags"]["loud"]
    assert len(loud) == 20 and max(loud[:9]) < min(loud[11:])
    (peak,) = [peak for peak in entry["peaks"] if peak["tag"] == "loud"]
    assert peak["start_s"] >= 18 and peak["end_s"] == 40

    _, out, _ = program(*common, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [float(row["loud"]) for row in rows] == loud

    for name, begins in (("a.txt", "0.000000\t"), ("a.lrc", "[00:00.00]"), ("a.vtt", "WEBVTT\n")):
        assert program(*common, "-o", tmp_path / name)[:2] == (0, "")
        assert (tmp_path / name).read_text("utf-8").startswith(begins)

    _, out, _ = program(*common, "--every", "5")
    assert "0:00-0:40" in out and "In short: " in out and "most loud at 0:22 (0:20-0:40)" in out


def test_a_timeline_of_the_tagger_is_the_same(program: Program, model: Path, piece: Path) -> None:
    _, out, _ = program("timeline", piece, "--model", model, "--format", "json")
    found = Tagger.load(model).timeline(piece)
    assert json.loads(out)["curves"]["start_s"] == [step.start_s for step in found]


def test_a_picture_is_whole_and_takes_the_colours_of_its_page(
    program: Program, model: Path, piece: Path, tmp_path: Path
) -> None:
    common = ("timeline", piece, "--model", model, "--picture")
    assert program(*common, tmp_path / "a.svg", "--tag", "quiet")[0] == 0
    text = (tmp_path / "a.svg").read_text("utf-8")
    ElementTree.fromstring(text)
    assert "prefers-color-scheme: dark" in text and "quiet &amp; loud.flac" in text
    program(*common, tmp_path / "b.svg", "--tag", "quiet")
    assert (tmp_path / "b.svg").read_text("utf-8") == text
    pictures = {}
    for theme in ("light", "dark"):
        assert program(*common, tmp_path / f"{theme}.png", "--theme", theme)[0] == 0
        pictures[theme] = (tmp_path / f"{theme}.png").read_bytes()
    assert pictures["light"] != pictures["dark"]
    assert struct.unpack(">II", pictures["dark"][16:24]) == (1500, 1080)


def luminance(colour: str) -> float:
    """Relative luminance of a colour by the Web Content Accessibility Guidelines."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colours", [picture.LIGHT, picture.DARK])
def test_curves_and_words_can_be_told_from_the_page(colours: Any) -> None:
    page = luminance(colours.page)
    for colour, least in [
        *product(colours.curves, [3.0]),
        (colours.ink, 7.0),
        (colours.faint, 3.0),
    ]:
        light, dark = sorted((luminance(colour), page), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= least, colour
    assert len(set(colours.curves)) == len(colours.curves) >= picture.SHOWN


def test_what_cannot_be_is_refused_before_listening(
    program: Program, model: Path, piece: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = ("timeline", piece, "--model", model)
    for wrong, named in (
        (("--picture", tmp_path / "a.gif"), ".svg or .png"),
        (("--tag", "loud"), "--picture"),
        (("--tag", "sour", "--picture", tmp_path / "a.svg"), "sour"),
        (("-o", piece), "quiet & loud.flac"),
    ):
        code, _, err = program(*common, *wrong)
        assert code == 2 and named in err, err
    (tmp_path / "notes.txt").write_text("no music", encoding="utf-8")
    code, _, err = program("timeline", tmp_path / "notes.txt", "--model", model)
    assert code == 1 and "notes.txt" in err
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, _, err = program(*common, "--picture", tmp_path / "a.svg")
    assert code == 2 and "pip install 'moodtheme[plots]'" in err
    assert not (tmp_path / "a.svg").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux: /proc")
def test_three_hours_stay_under_400_mb(model: Path, tmp_path: Path) -> None:
    long = tmp_path / "long.flac"
    second = 0.3 * np.random.default_rng(0).standard_normal(RATE)
    with soundfile.SoundFile(long, "w", RATE, 1) as file:
        for number in range(3 * 3600):
            file.write(second * (0.1 + 0.9 * (number // 600 % 2)))
    code = f"""
import re, sys
from pathlib import Path
from moodtheme.cli import app
sys.argv = ["moodtheme", "timeline", {str(long)!r}, "--model", {str(model)!r}, "--format", "json",
    "--picture", {str(tmp_path / "a.svg")!r}, "-o", {str(tmp_path / "a.json")!r}]
try:
    app.main()
finally:
    print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert int(done.stdout) / 1024 < 400
    entry = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert len(entry["curves"]["start_s"]) == 5400
    assert (tmp_path / "a.svg").stat().st_size < 3e6
