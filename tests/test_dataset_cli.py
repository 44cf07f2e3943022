"""`moodtheme dataset`: what is printed where, and the exit status."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import toy_jamendo
from mirror import Mirror, running_mirror
from moodtheme.cli import app as program
from moodtheme.datasets import read_table


class Command:
    """Runs the program in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._capsys, self._patch = capsys, patch

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Return the exit status, standard output and standard error."""
        self._patch.setattr("sys.argv", ["moodtheme", "dataset", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            program.main()
        out, err = self._capsys.readouterr()
        return int(ended.value.code or 0), out, err


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr(
        "moodtheme.fetched.downloads._LONGEST_WAIT_S", 0.0
    )  # retries without pauses
    return Command(capsys, monkeypatch)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with running_mirror() as server:
        server.files |= toy_jamendo.mirror_files()
        yield server


@pytest.fixture
def metadata(tmp_path: Path) -> Path:
    return toy_jamendo.write_metadata(tmp_path / "data")


def test_download_verify_repair(
    run: Command, mirror: Mirror, metadata: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "music"
    lists = ["--metadata", metadata]
    download = ["download", "jamendo", folder, *lists, "--mirror", mirror.url]
    status, out, err = run(*download, "--limit", 2)
    assert (status, out) == (0, f"jamendo audio: 2 of 2 archives, 8 tracks in {folder}\n")
    assert "[1/2] autotagging_moodtheme_audio-00.tar: 4 tracks verified and in place" in err
    assert "\x1b" not in err

    assert run("verify", "jamendo", folder, *lists, "--limit", 2)[:2] == (
        0,
        "jamendo audio: 8 whole, 0 missing, 0 corrupt\n",
    )
    (folder / "00" / "100.mp3").write_bytes(b"bit rot")
    (folder / "01" / "101.mp3").unlink()
    status, out, err = run("verify", "jamendo", folder, *lists, "--limit", 2)
    assert status == 1
    assert out.splitlines() == [
        "corrupt\t00/100.mp3",
        "missing\t01/101.mp3",
        "jamendo audio: 6 whole, 1 missing, 1 corrupt",
    ]
    assert "--remove-corrupt" in err
    assert run("verify", "jamendo", folder, *lists, "--remove-corrupt")[0] == 1
    assert run(*download)[0] == 0
    assert run("verify", "jamendo", folder, *lists)[:2] == (
        0,
        "jamendo audio: 12 whole, 0 missing, 0 corrupt\n",
    )


def test_a_failed_archive_is_named_with_its_reason(
    run: Command, mirror: Mirror, metadata: Path, tmp_path: Path
) -> None:
    del mirror.files["autotagging_moodtheme/audio/autotagging_moodtheme_audio-01.tar"]
    status, out, err = run(
        "download", "jamendo", tmp_path / "music", "--metadata", metadata, "--mirror", mirror.url
    )
    assert (status, out.split(",")[0]) == (1, "jamendo audio: 2 of 3 archives")
    assert "failed: autotagging_moodtheme_audio-01.tar: " in err
    assert "answered 404" in err
    assert "the size of 1 archives is not known" in err


def test_too_little_room_stops_before_the_first_byte(
    run: Command,
    mirror: Mirror,
    metadata: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    status, out, err = run(
        "download", "jamendo", tmp_path / "music", "--metadata", metadata, "--mirror", mirror.url
    )
    assert (status, out) == (1, "")
    assert "has 1.0 kB free; make room" in err
    assert {method for method, *_ in mirror.requests} == {"HEAD"}


def test_wrong_usage_is_status_two(run: Command, metadata: Path, tmp_path: Path) -> None:
    assert run("download", "imagenet", tmp_path)[0] == 2
    assert run("download", "jamendo", tmp_path, "--type", "video")[0] == 2
    assert run("download", "jamendo", tmp_path, "--limit", "0")[0] == 2
    status, _, err = run("verify", "jamendo", tmp_path / "none", "--metadata", metadata)
    assert status == 2
    assert "no such folder" in err
    assert run("truth", "jamendo", "-o", tmp_path / "t.npy", "--part", "half")[0] == 2


def test_info_of_the_official_lists(run: Command, metadata: Path) -> None:
    status, out, _ = run("info", "jamendo", "--metadata", metadata)
    assert status == 0
    assert out.startswith("jamendo: 12 tracks, 56 tags\nhours: 0.3\nartists: 6, albums: 3\n")
    assert "files here" not in out
    assert "artists in both train and test: 0\n" in out
    assert any(line.split() == ["happy", "6", "2", "2", "2"] for line in out.splitlines())
    facts = json.loads(run("info", "jamendo", "--metadata", metadata, "--json")[1])
    assert (facts["tracks"], facts["files_present"]) == (12, None)
    assert facts["tags"][0] == {
        "tag": "action",
        "tracks": 3,
        "by_split": {"train": 1, "validation": 1, "test": 1},
    }


def test_info_of_a_table_shows_what_leaks(run: Command, tmp_path: Path) -> None:
    table = tmp_path / "songs.tsv"
    table.write_text(
        "path\ttags\tsplit\tartist\na.mp3\tx\ttrain\tAnn\nb.mp3\ty\ttest\tAnn\n", encoding="utf-8"
    )
    (tmp_path / "a.mp3").touch()
    status, out, _ = run("info", table)
    assert status == 0
    assert "files here: 1 of 2" in out
    assert "train and test: 1: Ann\n" in out
    assert any("test" in line and line.endswith(" x") for line in out.splitlines())
    assert json.loads(run("info", table, "--json")[1])["overlaps"][0]["artists"] == ["Ann"]


def test_a_bad_table_is_one_sentence_and_status_one(run: Command, tmp_path: Path) -> None:
    (tmp_path / "songs.csv").write_text("file,tags\n", encoding="utf-8")
    status, out, err = run("info", tmp_path / "songs.csv")
    assert (status, out) == (1, "")
    assert err.startswith("moodtheme: ")
    assert err.count("\n") == 1


def test_a_folder_is_divided_and_its_truth_written(run: Command, tmp_path: Path) -> None:
    for tag in ("happy", "sad"):
        (tmp_path / "music" / tag).mkdir(parents=True)
        for number in range(10):
            (tmp_path / "music" / tag / f"{number}.mp3").touch()
    output = tmp_path / "songs.tsv"
    status, out, err = run("split", tmp_path / "music", "--output", output, "--seed", 3)
    assert (status, out) == (0, f"{output}: train 12, validation 4, test 4\n")
    assert "the artist of 20 tracks is not known" in err
    table = read_table(output)
    assert [file.parent.name for file in table.files] == ["happy"] * 10 + ["sad"] * 10
    status, out, _ = run("truth", output, "--output", tmp_path / "truth.npy")
    assert (status, out) == (0, f"{tmp_path / 'truth.npy'}: 4 tracks, 2 tags\n")
    truth = np.load(tmp_path / "truth.npy", allow_pickle=False)
    assert truth.dtype == np.bool_
    np.testing.assert_array_equal(truth.sum(axis=0), [2, 2])
    status, _, err = run("truth", output, "--output", tmp_path / "none" / "truth.npy")
    assert status == 2
    assert "cannot be written" in err
