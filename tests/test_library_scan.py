"""Scanning: what is new, changed, moved, gone or away, and what is kept through it all."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile

from moodtheme import Tagger
from moodtheme.errors import BusyError, UsageError
from moodtheme.library import Library, ScannedFile, ScanOptions, ScanReport
from moodtheme.tagging.bundle import Thresholds
from moodtheme.tagging.bundle_files import write_bundle
from toy_library import age, content, toy_tagger, write_piece


@pytest.fixture
def tagger(tmp_path: Path) -> Tagger:
    return toy_tagger(tmp_path / "models")


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for number in range(4):
        write_piece(tmp_path / "music" / f"album-{number % 2}" / f"{number}.flac", number)
    return tmp_path / "music"


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library.db", write=True) as library:
        yield library


def names(library: Library) -> list[str]:
    return sorted(path.name for track in library.tracks() for path in track.places)


def counts(report: ScanReport) -> dict[str, int]:
    return {
        "unchanged": report.unchanged,
        "scored": report.scored,
        "recognised": report.recognised,
        "failed": report.failed,
        "moved": report.departed.moved,
        "missing": report.departed.missing,
    }


def test_a_scan_keeps_what_the_tagger_says(library: Library, tagger: Tagger, music: Path) -> None:
    report = library.scan([music], tagger, ScanOptions(jobs=2))
    assert counts(report)["scored"] == len(library) == 4
    for track in library.tracks():
        assert track.tags() == tagger.tag(track.path)
        assert track.result.embedding is not None


def test_a_timeline_is_kept_too(library: Library, tagger: Tagger, music: Path) -> None:
    library.scan([music], tagger)
    report = library.scan([music], tagger, ScanOptions(timeline=True))
    assert report.scored == 4
    for track in library.tracks():
        assert track.tags() == tagger.tag(track.path, timeline=True)


def test_an_unchanged_file_is_not_even_opened(
    library: Library, tagger: Tagger, music: Path
) -> None:
    library.scan([music], tagger)
    seen: list[ScannedFile] = []
    report = library.scan([music], tagger, tell=seen.append)
    assert not seen
    assert counts(report) == {**dict.fromkeys(counts(report), 0), "unchanged": 4}
    assert library.scan([music], tagger, ScanOptions(verify=True)).recognised == 4


def test_moved_and_retagged_files_are_not_heard_again(
    library: Library, tagger: Tagger, music: Path
) -> None:
    library.scan([music], tagger)
    before = [row[3:] for row in content(library)]
    (music / "album-0").rename(music / "renamed")
    for file in (music / "album-1").iterdir():
        samples, rate = soundfile.read(file)
        with soundfile.SoundFile(file, "w", rate, 1) as sound:
            sound.title = "Another title"
            sound.write(samples)
        age(file, seconds=30)
    report = library.scan([music], tagger)
    assert report.scored == 0
    assert counts(report)["moved"] == 2 and counts(report)["missing"] == 0
    assert [row[3:] for row in content(library)] == before
    assert {path.parent.name for track in library.tracks() for path in track.places} == {
        "renamed",
        "album-1",
    }


def test_two_copies_are_one_track_with_two_places(
    library: Library, tagger: Tagger, music: Path
) -> None:
    shutil.copy2(music / "album-0" / "0.flac", music / "copy.flac")
    report = library.scan([music], tagger, ScanOptions(jobs=3))
    assert (report.scored, report.recognised) == (4, 1)
    assert Counter(len(track.places) for track in library.tracks()) == {1: 3, 2: 1}
    (music / "copy.flac").unlink()
    assert library.scan([music], tagger).scored == 0
    assert names(library) == ["0.flac", "1.flac", "2.flac", "3.flac"]


def test_new_audio_under_an_old_name_is_another_track(
    library: Library, tagger: Tagger, music: Path
) -> None:
    library.scan([music], tagger)
    write_piece(music / "album-0" / "0.flac", 7)
    report = library.scan([music], tagger)
    assert (report.scored, report.unchanged, len(library)) == (1, 3, 4)


def test_what_fails_is_kept_with_its_reason_and_not_tried_again(
    library: Library, tagger: Tagger, music: Path
) -> None:
    (music / "broken.mp3").write_bytes(b"no music")
    age(music / "broken.mp3")
    soundfile.write(music / "silent.wav", np.zeros(20_000), 8_000)
    shutil.copy(music / "silent.wav", music / "silent-too.wav")
    for file in music.glob("silent*"):
        age(file)
    told: list[ScannedFile] = []
    assert library.scan([music], tagger, ScanOptions(jobs=2), tell=told.append).failed == 3
    reasons = {file.path.name: file.reason for file in told if file.error}
    assert reasons["silent.wav"] and reasons["silent.wav"] == reasons["silent-too.wav"]
    told.clear()
    assert library.scan([music], tagger, tell=told.append).failed == 3
    assert not told
    library.scan([music], tagger, ScanOptions(retry=True), tell=told.append)
    assert {file.path.name for file in told} == reasons.keys()
    write_piece(music / "broken.mp3", 5)
    assert library.scan([music], tagger).scored == 1


def test_another_model_hears_what_is_stale_and_says_so_first(
    library: Library, tagger: Tagger, music: Path, tmp_path: Path
) -> None:
    library.scan([music], tagger)
    other = toy_tagger(tmp_path / "models", name="two")
    lines: list[str] = []
    said_by_then: list[int] = []
    report = library.scan(
        [music], other, report=lines.append, begin=lambda count: said_by_then.append(len(lines))
    )
    assert "4 tracks" in lines[0] and other.bundle.digest[:8] in lines[0]
    assert said_by_then == [1]
    assert report.scored == 4
    assert library.model.bundle.digest == other.bundle.digest


def test_a_model_that_only_says_other_things_hears_nothing_again(
    library: Library, tagger: Tagger, music: Path, tmp_path: Path
) -> None:
    library.scan([music], tagger)
    thresholds = Thresholds(values=(0.0, 0.0, 1.0), method="fixed", chosen_on="nothing")
    bundle = msgspec.structs.replace(tagger.bundle, thresholds=thresholds)
    folder = tmp_path / "models" / "decided"
    write_bundle(folder, bundle, [tmp_path / "models" / "one" / bundle.members[0].file])
    decided = Tagger.load(folder)
    report = library.scan([music], decided)
    assert (report.scored, report.unchanged) == (0, 4)
    for track in library.tracks():
        assert track.tags() == decided.tag(track.path)


def test_a_deleted_file_is_missing_and_comes_back_without_being_heard(
    library: Library, tagger: Tagger, music: Path, tmp_path: Path
) -> None:
    library.scan([music], tagger)
    (music / "album-0" / "0.flac").rename(tmp_path / "aside.flac")
    assert counts(library.scan([music], tagger))["missing"] == 1
    assert names(library) == ["1.flac", "2.flac", "3.flac"]
    (tmp_path / "aside.flac").rename(music / "album-0" / "0.flac")
    assert library.scan([music], tagger).scored == 0
    assert len(names(library)) == 4


def test_a_folder_that_is_empty_or_gone_takes_nothing_along(
    library: Library, tagger: Tagger, music: Path, tmp_path: Path
) -> None:
    library.scan([music], tagger)
    music.rename(tmp_path / "unmounted")
    for make in (lambda: None, music.mkdir):
        make()
        report = library.scan([music], tagger)
        assert report.departed.away == {music: 4}
        assert len(names(library)) == 4


def test_a_drive_inside_that_is_not_mounted_takes_nothing_along(
    library: Library, tagger: Tagger, music: Path, tmp_path: Path
) -> None:
    # As a link to where a drive was mounted; that a mount point lies on another drive than its
    # files did is what the number of the device tells.
    (music / "album-0").rename(tmp_path / "drive")
    (music / "album-0").symlink_to(tmp_path / "drive")
    library.scan([music], tagger)
    (tmp_path / "drive").rename(tmp_path / "elsewhere")
    assert library.scan([music], tagger).departed.away == {music / "album-0": 2}
    (music / "album-0").unlink()
    (music / "album-0").mkdir()
    library._database.change("UPDATE places SET device = device + 1")
    assert library.scan([music], tagger).departed.away == {music / "album-0": 2}
    assert len(names(library)) == 4


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="only on POSIX: bytes in names")
def test_names_that_are_no_utf_8_are_names(library: Library, tagger: Tagger, music: Path) -> None:
    name = os.fsdecode(b"caf\xe9.flac")
    write_piece(music / "new.flac", 9).rename(music / name)
    library.scan([music], tagger)
    assert name in names(library)
    assert library.track(music / name).path == music / name


def test_a_name_in_another_case_is_the_same_file_where_the_system_says_so(
    library: Library, tagger: Tagger, music: Path
) -> None:
    library.scan([music], tagger)
    old, new = music / "album-0" / "0.flac", music / "album-0" / "0.FLAC"
    os.link(old, new)  # what a system that knows no case would show
    old.rename(music / "album-0" / "0.flac.bak")
    os.link(new, old)
    (music / "album-0" / "0.flac.bak").unlink()
    library.scan([music], tagger)
    assert [track.places for track in library.tracks() if new in track.places] != []


def test_a_file_found_by_its_audio_under_a_name_that_is_new(
    library: Library, tagger: Tagger, music: Path, tmp_path: Path
) -> None:
    library.scan([music], tagger)
    shutil.copy(music / "album-1" / "1.flac", tmp_path / "downloaded.flac")
    assert library.track(tmp_path / "downloaded.flac").path == music / "album-1" / "1.flac"
    with pytest.raises(UsageError, match="unknown"):
        library.track(tmp_path / "unknown.flac")


def test_one_writes_and_others_read(library: Library, tagger: Tagger, music: Path) -> None:
    with pytest.raises(BusyError, match=r"library\.db"):
        Library(library.path, write=True)
    with_results = []
    with Library(library.path) as reader:
        library.scan([music], tagger, tell=lambda file: with_results.append(len(reader)))
        assert len(reader) == 4
        with pytest.raises(UsageError, match="for reading"):
            reader.scan([music], tagger)
    assert with_results == [1, 2, 3, 4]
