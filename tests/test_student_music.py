"""The tables a distillation learns from: made from folders, with licences, resumable."""

import csv
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

import no_music
import piano_pieces
import student_music
from midi_voices import with_programs
from moodtheme.distillation.combination import FEELINGS
from moodtheme.distillation.hearing import read_answers
from moodtheme.distillation.plan import NO_MUSIC, Part, read_music_table

RATE = 16_000


def write_tone(path: Path, seconds: float = 3.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.sin(np.arange(round(seconds * RATE)) / 9), RATE)


@pytest.fixture
def collections(tmp_path: Path) -> tuple[Path, Path]:
    """Two packages, one of them with terms, and four genres of two recordings."""
    packages = tmp_path / "packages"
    write_tone(packages / "a-game" / "music" / "town.ogg", seconds=31.0)
    (packages / "a-game" / "doc").mkdir()
    (packages / "a-game" / "doc" / "copyright").write_text("CC-BY-SA-4.0")
    write_tone(packages / "b-game" / "battle.ogg", seconds=31.0)
    write_tone(packages / "b-game" / "jingle.ogg", seconds=8.0)
    answers = [["track id", "genre", *FEELINGS]]
    for genre, first in student_music.EMOTIFY.items():
        for number in range(1, 101):
            path = tmp_path / "emotify" / "emotifymusic" / genre / f"{number}.mp3"
            if number <= 2:
                write_tone(path)
            answers.append([str(first + number), genre, *[f" {number % 2}"] * 9])
    with (tmp_path / "emotify" / "data.csv").open("w", newline="") as file:
        csv.writer(file).writerows(answers)
    return packages, tmp_path / "emotify"


def test_tables_name_music_its_parts_and_its_licences(
    collections: tuple[Path, Path], tmp_path: Path
) -> None:
    packages, emotify = collections
    out = tmp_path / "out"
    arguments = [str(out), "--packages", str(packages), "--emotify", str(emotify)]
    arguments += ["--test-groups", "b-game", "--demo", "0", "--sounds", "1"]
    student_music.main(arguments)
    tracks = {
        track.path: track for track in read_music_table(out / "music.csv", group_column="group")
    }
    by_name = {path.name: track for path, track in tracks.items()}
    assert by_name["battle.ogg"].part is Part.TEST
    assert by_name["town.ogg"].part is None
    assert by_name["town.ogg"].reference == "game soundtracks"
    assert "jingle.ogg" not in by_name
    recordings = [path for path in tracks if path.suffix == ".mp3"]
    assert {path.stem for path in recordings} == {"1"}  # the even half is not even heard
    assert {tracks[path].weight for path in recordings} == {2.0}
    sounds = [track for track in tracks.values() if track.reference == NO_MUSIC]
    assert len(sounds) == len(no_music.KINDS)

    said = read_answers(out / "answers.csv")
    assert {path for path in said if path.is_file()} == set(recordings)
    assert all((felt == 1.0).all() for felt in said.values())

    with (out / "licences.csv").open(newline="") as file:
        licences = {row["collection"]: row for row in csv.DictReader(file)}
    assert "copyright" in licences["a-game"]["licence"]
    assert "unknown" in licences["b-game"]["licence"]
    assert "CC BY-NC-SA" in licences["Emotify, odd numbers"]["licence"]
    assert licences["Emotify, odd numbers"]["files"] == "4"

    made = {path: path.stat().st_mtime_ns for path in (out / "audio").rglob("*.flac")}
    student_music.main(arguments)
    assert made == {path: path.stat().st_mtime_ns for path in (out / "audio").rglob("*.flac")}


@pytest.mark.parametrize("kind", ["noise", "tone", "clicks", "applause"])
def test_sounds_are_the_seeds(kind: str) -> None:
    first, again, other = (no_music.make_sound(kind, 0, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert len(first) == no_music.SAMPLES
    assert np.abs(first).max() == pytest.approx(0.7)
    assert not np.array_equal(first, other)


def test_programmes_are_replaced_in_place_but_the_drums_are_not() -> None:
    events = b"\x00\xff\x03\x04name"  # a title
    events += b"\x00\xc0\x05" + b"\x81\x00\x90\x3c\x40" + b"\x10\x3c\x00"  # and running status
    events += (
        b"\x00\xc9\x08" + b"\x00\xf0\x03\x01\x02\xf7" + b"\x00\xc1\x05\x00\x06\x00\xff\x2f\x00"
    )
    midi = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480)
    midi += b"MTrk" + struct.pack(">I", len(events)) + events
    changed = with_programs(midi, lambda program: program + 40)
    places = [i for i, (a, b) in enumerate(zip(midi, changed, strict=True)) if a != b]
    assert [midi[place] for place in places] == [5, 5, 6]
    assert [changed[place] for place in places] == [45, 45, 46]


def test_without_drums_their_keys_are_none_that_sound() -> None:
    events = b"\x00\x99\x24\x40" + b"\x00\x90\x24\x40" + b"\x00\xff\x2f\x00"
    midi = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480)
    midi += b"MTrk" + struct.pack(">I", len(events)) + events
    changed = with_programs(midi, lambda program: program, drums=False)
    assert changed == midi.replace(b"\x99\x24", b"\x99\x00")


def test_piano_pieces_are_the_seeds_and_differ_in_what_makes_music_lively() -> None:
    def composed(seed: int) -> bytes:
        return piano_pieces.compose(np.random.default_rng(seed), 48.0)

    assert composed(1) == composed(1) != composed(2)
    lengths = [len(composed(seed)) for seed in range(20)]  # so many notes
    assert max(lengths) > 3 * min(lengths)
    with_programs(composed(3), lambda program: program)  # whole MIDI: every event is read


@pytest.fixture
def font() -> Path:
    if shutil.which("fluidsynth") is None:
        pytest.skip("needs FluidSynth")
    font = Path("/usr/share/sounds/sf2/default-GM.sf2")
    if not font.exists():
        pytest.skip("needs a sound font")
    return font


def test_piano_is_played_and_split_by_piece(tmp_path: Path, font: Path) -> None:
    arguments = [str(tmp_path), "--piano", "8", "--sound-font", str(font)]
    student_music.main([*arguments, "--demo", "0", "--sounds", "0"])
    tracks = read_music_table(tmp_path / "music.csv", group_column="group")
    assert [track.part for track in tracks] == [Part.TRAIN] * 7 + [Part.VALIDATION]
    assert all(track.duration_s > 30 for track in tracks)


def test_midi_is_played_in_four_ways_under_the_terms_of_its_package(
    tmp_path: Path, font: Path
) -> None:
    packages = [tmp_path / "one", tmp_path / "other"]
    for number, package in enumerate(packages):
        package.mkdir()
        composed = piano_pieces.compose(np.random.default_rng(number), 10.0)
        (package / "same-name.mid").write_bytes(composed)
        (package / "copyright").write_text("terms")
    arguments = [str(tmp_path / "out"), "--midi", *map(str, packages), "--sound-font", str(font)]
    student_music.main([*arguments, "--demo", "0", "--sounds", "0"])
    with (tmp_path / "out" / "licences.csv").open(newline="") as file:
        rows = [(row["collection"], row["licence"], row["files"]) for row in csv.DictReader(file)]
    assert rows == [
        ("MIDI of one", "free, see one/copyright", "4"),
        ("MIDI of other", "free, see other/copyright", "4"),
    ]
