"""MTG-Jamendo from a mirror to a folder, through every kind of interruption."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import toy_jamendo
from mirror import Fault, Mirror, running_mirror
from moodtheme.datasets import download as dataset_download
from moodtheme.datasets.download import (
    Archive,
    Space,
    TrackState,
    archive_urls,
    download,
    published_archives,
    space_for,
    verify,
)
from moodtheme.datasets.jamendo import DataType, Metadata
from moodtheme.errors import DatasetError
from moodtheme.fetched import downloads

AUDIO = DataType.AUDIO


@dataclass
class Heard:
    """Writes down what a download tells."""

    events: list[tuple[str, str]] = field(default_factory=list)
    tracks: int = 0

    def started(self, archive: Archive) -> None:
        self.events.append(("started", archive.name))

    def received(self, done: int, total: int | None) -> None:
        assert total is None or done <= total

    def unpacked(self, done: int, total: int) -> None:
        assert done <= total
        self.tracks += 1

    def finished(self, archive: Archive) -> None:
        self.events.append(("finished", archive.name))

    def failed(self, archive: Archive, reason: str) -> None:
        self.events.append((reason, archive.name))


@pytest.fixture
def metadata(tmp_path: Path) -> Path:
    return toy_jamendo.write_metadata(tmp_path / "data")


@pytest.fixture
def archives(metadata: Path) -> tuple[Archive, ...]:
    return published_archives(Metadata(folder=metadata), AUDIO)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setattr(downloads, "_LONGEST_WAIT_S", 0.0)  # retries without their pauses
    with running_mirror() as server:
        for data_type in DataType:
            server.files |= toy_jamendo.mirror_files(data_type)
        yield server


def path_on_mirror(number: int, data_type: str = "audio") -> str:
    name = toy_jamendo.archive_name(data_type, number)
    return f"autotagging_moodtheme/{data_type}/{name}"


def files_in(folder: Path) -> list[str]:
    """Files but locks, which stay behind when a process is killed."""
    return sorted(
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file() and file.suffix != ".lock"
    )


def bring(archives: tuple[Archive, ...], folder: Path, mirror: Mirror, **options: bool) -> Heard:
    heard = Heard()
    failures = download(archives, folder, AUDIO, listener=heard, mirrors=[mirror.url], **options)
    assert failures == []
    return heard


@pytest.mark.parametrize("data_type", DataType)
def test_every_type_arrives_whole(
    tmp_path: Path, metadata: Path, mirror: Mirror, data_type: DataType
) -> None:
    folder = tmp_path / "music"
    found = published_archives(Metadata(folder=metadata), data_type)
    assert download(found, folder, data_type, listener=Heard(), mirrors=[mirror.url]) == []
    assert files_in(folder) == toy_jamendo.track_names(data_type)
    for track in toy_jamendo.track_names(data_type):
        assert (folder / track).read_bytes() == toy_jamendo.content_of(track)


def test_the_publishers_addresses(archives: tuple[Archive, ...]) -> None:
    assert archive_urls(archives[1], AUDIO) == [
        "https://cdn.freesound.org/mtg-jamendo/autotagging_moodtheme/audio/"
        "autotagging_moodtheme_audio-01.tar",
        "https://essentia.upf.edu/documentation/datasets/mtg-jamendo/autotagging_moodtheme/audio/"
        "autotagging_moodtheme_audio-01.tar",
    ]


def test_a_second_run_asks_for_nothing(
    tmp_path: Path, archives: tuple[Archive, ...], mirror: Mirror
) -> None:
    bring(archives, tmp_path / "music", mirror)
    mirror.requests.clear()
    assert bring(archives, tmp_path / "music", mirror).events == []
    assert mirror.requests == []


def test_archives_are_kept_on_demand(
    tmp_path: Path, archives: tuple[Archive, ...], mirror: Mirror
) -> None:
    bring(archives[:1], tmp_path / "music", mirror, keep_archives=True)
    assert archives[0].name in files_in(tmp_path / "music")


def test_a_killed_transfer_goes_on(
    tmp_path: Path, archives: tuple[Archive, ...], mirror: Mirror
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    (folder / f"{archives[0].name}.partial").write_bytes(mirror.files[path_on_mirror(0)][:100_000])
    bring(archives[:1], folder, mirror)
    assert mirror.gets(path_on_mirror(0)) == ["bytes=100000-"]
    assert files_in(folder) == toy_jamendo.track_names(archive=0)


def test_a_kill_between_verification_and_unpacking_costs_no_transfer(
    tmp_path: Path, archives: tuple[Archive, ...], mirror: Mirror
) -> None:
    folder = tmp_path / "music"
    (folder / "00").mkdir(parents=True)
    (folder / archives[0].name).write_bytes(mirror.files[path_on_mirror(0)])
    # ... and within unpacking: a whole track, and one that was being written
    whole, started = toy_jamendo.track_names(archive=0)[:2]
    (folder / whole).write_bytes(toy_jamendo.content_of(whole))
    (folder / f"{started}.partial").write_bytes(b"the beginn")
    bring(archives[:1], folder, mirror)
    assert mirror.requests == []
    assert files_in(folder) == toy_jamendo.track_names(archive=0)
    assert (folder / started).read_bytes() == toy_jamendo.content_of(started)


def test_a_damaged_archive_in_the_place_is_fetched_again(
    tmp_path: Path, archives: tuple[Archive, ...], mirror: Mirror
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    (folder / archives[0].name).write_bytes(b"half of it")
    bring(archives[:1], folder, mirror)
    assert files_in(folder) == toy_jamendo.track_names(archive=0)


def test_a_process_killed_at_work_is_continued_by_the_next(
    tmp_path: Path, metadata: Path, mirror: Mirror
) -> None:
    mirror.faults[path_on_mirror(1)] = [Fault(break_after=65536), Fault(silent_s=600)]
    folder = tmp_path / "music"
    arguments = ["dataset", "download", "jamendo", str(folder), "--metadata", str(metadata)]
    command = [sys.executable, "-c", "from moodtheme.cli.app import main; main()", *arguments]
    command += ["--mirror", mirror.url]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 600
        while len(mirror.gets(path_on_mirror(1))) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        first.kill()
        first.wait()
    name = toy_jamendo.archive_name("audio", 1)
    assert files_in(folder) == sorted([*toy_jamendo.track_names(archive=0), f"{name}.partial"])
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert mirror.gets(path_on_mirror(1))[-1] == "bytes=65536-"
    assert files_in(folder) == toy_jamendo.track_names()
    assert done.stdout == f"jamendo audio: 3 of 3 archives, 12 tracks in {folder}\n"


def test_one_bad_archive_does_not_stop_the_others(
    tmp_path: Path, archives: tuple[Archive, ...], mirror: Mirror
) -> None:
    mirror.files[path_on_mirror(1)] = b"some other file"
    folder = tmp_path / "music"
    ((failed, reason),) = download(archives, folder, AUDIO, listener=Heard(), mirrors=[mirror.url])
    assert failed is archives[1]
    assert "SHA-256" in reason
    expected = [*toy_jamendo.track_names(archive=0), *toy_jamendo.track_names(archive=2)]
    assert files_in(folder) == expected


def test_the_other_mirror_helps_out(
    tmp_path: Path, archives: tuple[Archive, ...], mirror: Mirror
) -> None:
    folder = tmp_path / "music"
    mirrors = [f"{mirror.url}/not-here", mirror.url]
    assert download(archives, folder, AUDIO, listener=Heard(), mirrors=mirrors) == []
    assert files_in(folder) == toy_jamendo.track_names()


def test_after_three_failures_in_a_row_the_rest_is_not_tried(
    tmp_path: Path, archives: tuple[Archive, ...], mirror: Mirror
) -> None:
    mirror.files.clear()
    failures = download(
        [*archives, archives[0]], tmp_path, AUDIO, listener=Heard(), mirrors=[mirror.url]
    )
    assert [("404" in reason, "not tried" in reason) for _, reason in failures] == [
        (True, False),
        (True, False),
        (True, False),
        (False, True),
    ]


def test_the_room_needed_is_worked_out_from_what_is_missing(
    tmp_path: Path, archives: tuple[Archive, ...], mirror: Mirror
) -> None:
    size = len(mirror.files[path_on_mirror(0)])

    def space(*, keep: bool = False) -> Space:
        return space_for(archives, tmp_path, AUDIO, mirrors=[mirror.url], keep_archives=keep)

    assert (space().needed, space().unstated, space().guess) == (4 * size, 0, 4 * size)
    assert space(keep=True).needed == 6 * size
    assert space().free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)
    (tmp_path / "00").mkdir()
    for track in toy_jamendo.track_names(archive=0)[:2]:
        (tmp_path / track).touch()
    (tmp_path / f"{archives[1].name}.partial").write_bytes(bytes(size // 2))
    assert space().needed == 2 * size + size // 2 + size
    assert space(keep=True).needed == 2 * size + size // 2 + 3 * size - size // 2


def test_sizes_that_are_not_stated_are_guessed_and_said(
    tmp_path: Path, archives: tuple[Archive, ...], mirror: Mirror
) -> None:
    mirror.sizes = False
    space = space_for(archives * 4, tmp_path / "new" / "folder", AUDIO, mirrors=[mirror.url])
    assert (space.needed, space.unstated) == (0, 12)
    assert space.guess == 13 * 1_520_000_000
    assert len(mirror.requests) == 3


def test_a_full_disk_is_reported_as_such(
    tmp_path: Path,
    archives: tuple[Archive, ...],
    mirror: Mirror,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> Iterator[str]:
        raise OSError(28, "No space left on device", "the disk")
        yield ""

    monkeypatch.setattr(dataset_download, "unpack", full)
    ((_, reason),) = download(archives[:1], tmp_path, AUDIO, listener=Heard(), mirrors=[mirror.url])
    assert "No space left on device" in reason


def test_a_check_tells_whole_missing_and_corrupt_apart(
    tmp_path: Path, archives: tuple[Archive, ...], mirror: Mirror
) -> None:
    bring(archives, tmp_path / "music", mirror)
    whole, missing, corrupt, *_ = toy_jamendo.track_names()
    (tmp_path / "music" / missing).unlink()
    (tmp_path / "music" / corrupt).write_bytes(b"bit rot")
    found = dict(verify(archives, tmp_path / "music"))
    assert list(found) == toy_jamendo.track_names()
    assert (found[whole], found[missing], found[corrupt]) == (
        TrackState.WHOLE,
        TrackState.MISSING,
        TrackState.CORRUPT,
    )


@pytest.mark.parametrize(
    ("kind", "text", "complaint"),
    [
        ("tracks", "0" * 64 + " ../1.mp3\n", "is no track"),
        ("tracks", "0" * 64 + " 00/../../1.mp3\n", "is no track"),
        ("tracks", "0" * 64 + " 00/1.mp3\n", "lists no track of the archive"),
        ("tars", "0" * 64 + " ../autotagging_moodtheme_audio-00.tar\n", "lists no track of"),
        ("tars", "no checksum\n", "line 1: is not"),
    ],
)
def test_lists_of_checksums_are_not_trusted_either(
    metadata: Path, kind: str, text: str, complaint: str
) -> None:
    (metadata / "download" / f"autotagging_moodtheme_audio_sha256_{kind}.txt").write_text(
        text, encoding="utf-8"
    )
    with pytest.raises(DatasetError, match=complaint):
        published_archives(Metadata(folder=metadata), AUDIO)
