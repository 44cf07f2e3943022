"""The plugin in a real beets library: `beet` itself imports, queries and writes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("beets", reason="beets is not installed")

import mutagen
from mutagen.id3 import ID3

FOLDER = Path(__file__).parents[1] / "beetsplug"


class Beets:
    """A library of its own, and the program."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder
        (folder / "config.yaml").write_text(
            f"directory: {folder / 'music'}\nlibrary: {folder / 'library.db'}\n"
            f"pluginpath: {FOLDER}\nplugins: moodtheme\nimport: {{copy: yes, write: yes}}\n"
            f"{more}"
        )

    def __call__(self, *arguments: object) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "beets", *map(str, arguments)],
            env={**os.environ, "BEETSDIR": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


def _piece(path: Path, subtype: str) -> Path:
    """Twelve seconds of slow chords."""
    path.parent.mkdir(exist_ok=True)
    time_s = np.arange(12 * 44_100) / 44_100
    chord = sum(np.sin(2 * np.pi * f * time_s) for f in (110.0, 164.8, 220.0, 261.6))
    soundfile.write(path, 0.1 * chord * (0.6 + 0.4 * np.sin(time_s)), 44_100, subtype=subtype)
    file = mutagen.File(path, easy=True)
    if file.tags is None:
        file.add_tags()
    file["title"], file["artist"] = path.stem, "Nobody"
    file.save()
    return path


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    _piece(folder / "one.flac", "PCM_16")
    _piece(folder / "two.mp3", "MPEG_LAYER_III")
    return folder


def test_moods_on_import_in_the_library_and_in_files(tmp_path: Path, incoming: Path) -> None:
    beets = Beets(tmp_path)
    beets("import", "-A", "-q", incoming)
    rows = beets("ls", "-f", "$title|$moods|$valence|$arousal").splitlines()
    assert len(rows) == 2
    for row in rows:
        title, moods, valence, arousal = row.split("|")
        (path,) = (tmp_path / "music").rglob(f"*{title}.*")
        assert -1 <= float(valence) <= 1
        assert -1 <= float(arousal) <= 1
        tags = mutagen.File(path).tags
        held = tags["TMOO"].text if path.suffix == ".mp3" else tags.get("MOOD", [])
        # Formatted, several values are joined.
        assert [m for m in moods.replace("\\␀", "; ").split("; ") if m] == list(held)
        number = tags["TXXX:MOODTHEME_VALENCE" if path.suffix == ".mp3" else "MOODTHEME_VALENCE"]
        assert float(str(number[0])) == pytest.approx(float(valence), abs=1e-3)
        assert held, "the chords have moods that stand out"
    mood = held[0]
    assert len(beets("ls", f"moods:{mood}").splitlines()) == 2
    assert len(beets("ls", "arousal:-1..1", "valence:-1..1").splitlines()) == 2
    assert beets("ls", "moods:nosuchmood") == ""


def test_moods_that_are_there_stay_until_forced(tmp_path: Path, incoming: Path) -> None:
    file = mutagen.File(incoming / "one.flac")
    file["MOOD"] = ["Sunday", "slow hands"]
    file.save()
    beets = Beets(tmp_path, "moodtheme: {auto: no}\n")
    beets("import", "-A", "-q", incoming)
    assert "Sunday" in beets("ls", "-f", "$moods", "title:one")
    beets("moodtheme")
    assert "Sunday" in beets("ls", "-f", "$moods", "title:one")
    assert beets("ls", "-f", "$valence", "title:two").strip()
    (path,) = (tmp_path / "music").rglob("*one.flac")
    assert mutagen.File(path)["MOOD"] == ["Sunday", "slow hands"]
    beets("moodtheme", "--force", "--nowrite", "title:one")
    assert "Sunday" not in beets("ls", "-f", "$moods", "title:one")
    assert mutagen.File(path)["MOOD"] == ["Sunday", "slow hands"]
    beets("moodtheme", "--force", "title:one")
    assert "Sunday" not in mutagen.File(path)["MOOD"]


def test_id3_of_version_2_3_keeps_its_moods(tmp_path: Path, incoming: Path) -> None:
    beets = Beets(tmp_path, "id3v23: yes\n")
    beets("import", "-A", "-q", incoming)
    (path,) = (tmp_path / "music").rglob("*two.mp3")
    tags = ID3(path, translate=False)
    assert tags.version == (2, 3, 0)
    assert tags["TXXX:MOOD"].text[0]
    assert beets("ls", "-f", "$moods", "title:two").strip()
    beets("update")
    assert beets("ls", "-f", "$moods", "title:two").strip()


def test_a_file_that_fails_does_not_stop_the_others(tmp_path: Path, incoming: Path) -> None:
    silent = incoming / "silent.flac"
    soundfile.write(silent, np.zeros(5 * 44_100), 44_100)
    beets = Beets(tmp_path)
    assert "silent" in beets("import", "-A", "-q", incoming)
    assert len(beets("ls", "-f", "$title", "valence::.").splitlines()) == 2
