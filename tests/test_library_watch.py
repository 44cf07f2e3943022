"""Watching: events where they can be had, and a look at everything all the same."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from moodtheme.library import Library
from moodtheme.library.watch import can_watch, changes, highest
from toy_library import toy_tagger, write_piece


def test_folders_inside_others_are_left_out() -> None:
    folders = [Path("a/b/c"), Path("a/b"), Path("d"), Path("a/bc")]
    assert highest(folders) == [Path("a/b"), Path("a/bc"), Path("d")]


def test_everything_is_due_from_time_to_time(tmp_path: Path) -> None:
    stop = threading.Event()
    for touched in changes([tmp_path], every_s=0.0, stop=stop):
        assert touched is None
        stop.set()


def test_a_change_names_its_folder(tmp_path: Path) -> None:
    pytest.importorskip("watchfiles", reason="pip install 'moodtheme[watch]'")
    assert can_watch()
    (tmp_path / "album").mkdir()
    stop = threading.Event()

    def touch() -> None:
        number = 0
        while not stop.wait(0.2):  # the watch begins at some time
            number += 1
            (tmp_path / "album" / f"{number}.txt").write_text("new", encoding="utf-8")

    writer = threading.Thread(target=touch)
    writer.start()
    try:
        found = changes([tmp_path], every_s=60.0, stop=stop)
        assert next(found) is None  # what changed before the watch began
        assert next(found) == [tmp_path / "album"]
    finally:
        stop.set()
        writer.join()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="only on POSIX: signals")
def test_what_is_copied_into_a_watched_folder_is_there_soon(tmp_path: Path) -> None:
    toy_tagger(tmp_path / "models")
    write_piece(tmp_path / "music" / "old" / "0.flac", 0)
    library = tmp_path / "library.db"
    command = [sys.executable, "-m", "moodtheme", "library", "scan", tmp_path / "music"]
    command += ["--library", library, "--model", tmp_path / "models" / "one", "--watch"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "watching" in line:
                break
        write_piece(tmp_path / "music" / "new" / "1.flac", 1)
        (tmp_path / "music" / "old" / "0.flac").rename(tmp_path / "music" / "moved.flac")
        deadline = time.monotonic() + 600
        wanted = {"1.flac", "moved.flac"}
        there: set[str] = set()
        while there != wanted and time.monotonic() < deadline:
            time.sleep(0.2)
            with Library(library) as reader:
                there = {path.name for track in reader.tracks() for path in track.places}
        process.send_signal(signal.SIGINT)
    assert there == wanted
    assert process.returncode == 130
