"""Tagging in parts, and on a Ray cluster: the same rows as here, none twice and none missing."""

import json
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from moodtheme import Tagger
from moodtheme.engines import Engine, Workers, run_units
from moodtheme.errors import BundleError, ReferenceMusicError
from moodtheme.library import Library
from moodtheme.tagging.batch import RemoteTagger
from program import Program
from toy_library import toy_tagger, write_piece


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for number in range(24):
        write_piece(tmp_path / "music" / f"{number:02}.flac", number)
    toy_tagger(tmp_path / "models")
    return tmp_path / "music"


def rows(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def tag(program: Program, music: Path, output: Path, *more: object) -> int:
    model = output.parent / "models" / "one"
    return program("tag", music, "--model", model, "-o", output, "-q", *more)[0]


def test_the_parts_together_are_the_whole(music: Path, tmp_path: Path, program: Program) -> None:
    assert tag(program, music, tmp_path / "whole.jsonl") == 0
    parts = []
    for number in (1, 2, 3):
        file = tmp_path / f"{number}.jsonl"
        assert tag(program, music, file, "--shard", f"{number}/3") == 0
        parts.append(rows(file))
    assert all(parts)
    together = sorted((row for part in parts for row in part), key=lambda row: str(row["path"]))
    assert together == rows(tmp_path / "whole.jsonl")


def test_a_file_stays_in_its_part_when_others_come(
    music: Path, tmp_path: Path, program: Program
) -> None:
    tag(program, music, tmp_path / "before.jsonl", "--shard", "1/2")
    for number in range(4):
        write_piece(music / f"0-{number}.flac", 30 + number)
    tag(program, music, tmp_path / "after.jsonl", "--shard", "1/2")
    after = {row["path"] for row in rows(tmp_path / "after.jsonl")}
    assert {row["path"] for row in rows(tmp_path / "before.jsonl")} <= after


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "a/b", "1/0"])
def test_a_part_that_cannot_be_is_named(
    shard: str, music: Path, tmp_path: Path, program: Program
) -> None:
    status, _, err = program("tag", music, "--shard", shard, "-o", tmp_path / "a.jsonl")
    assert status == 2 and f"--shard {shard}" in err


def test_an_address_is_for_ray(music: Path, program: Program) -> None:
    status, _, err = program("tag", music, "--address", "127.0.0.1:1")
    assert status == 2 and "--engine ray" in err


def test_a_worker_with_another_model_refuses(music: Path) -> None:
    remote = RemoteTagger(model=str(music.parent / "models" / "one"), digest="0" * 64)
    with pytest.raises(BundleError, match="another model"):
        remote((music / "00.flac",))


def test_a_library_is_music_to_stand_among(
    music: Path, tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "library.db"
    monkeypatch.setenv("MOODTHEME_LIBRARY", str(file))
    tagger = Tagger.load(tmp_path / "models" / "one")
    with Library(write=True) as library:
        library.scan([music], tagger)
        reference = library.reference()
    for named in ("library", file):
        assert tag(program, music / "23.flac", tmp_path / "a.jsonl", "--relative-to", named) == 0
        (row,) = rows(tmp_path / "a.jsonl")
        assert row["relative_to"]["tracks"] == 24  # type: ignore[index]
        standings = {tag["tag"]: tag["standing"] for tag in row["tags"]}  # type: ignore[union-attr, attr-defined]
        assert (standings["loud"], standings["quiet"]) == (1.0, 0.0)
        (tmp_path / "a.jsonl").unlink()
    with Library() as library:
        tags = library.track(music / "23.flac").tags(relative_to=reference)
        mine = Tagger.load(tmp_path / "models" / "one", relative_to=reference)
        assert tags == mine.tag(music / "23.flac")
    toy_tagger(tmp_path / "models", name="two")
    status, _, err = program(
        "tag", music, "--model", tmp_path / "models" / "two", "--relative-to", "library"
    )
    assert status == ReferenceMusicError.exit_code and "scan it with that" in err


def tag_there(music: Path, program: Program, output: Path, *more: object) -> int:
    return tag(program, music, output, "--engine", "ray", "--jobs", "2", *more)


@pytest.fixture
def two_workers() -> None:
    """A local cluster of two workers can be had."""
    pytest.importorskip("ray", reason="pip install 'moodtheme[ray]'")


@pytest.mark.slow
@pytest.mark.usefixtures("two_workers")
def test_the_rows_are_those_of_this_machine(music: Path, tmp_path: Path, program: Program) -> None:
    (music / "short.wav").write_bytes(b"RIFF")
    here, there = tmp_path / "here.jsonl", tmp_path / "there.jsonl"
    assert tag(program, music, here) == tag_there(music, program, there) == 1
    assert here.read_bytes() == there.read_bytes()
    assert tag_there(music, program, there, "--resume") == 1
    assert here.read_bytes() == there.read_bytes()


@pytest.mark.slow
@pytest.mark.usefixtures("two_workers")
def test_a_killed_worker_has_its_files_done_again(
    music: Path, tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its workers find this module by this.
    folders = (str(Path(__file__).parent), os.environ.get("PYTHONPATH"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, folders)))
    killed = tmp_path / "killed"
    tagger = Tagger.load(tmp_path / "models" / "one")
    remote = RemoteTagger(model=str(tmp_path / "models" / "one"), digest=tagger.bundle.digest)
    files = sorted(music.iterdir())
    units = [tuple(files[start : start + 4]) for start in range(0, len(files), 4)]
    workers = Workers(engine=Engine.RAY, jobs=2)
    found = run_units(partial(tag_or_die, remote, killed), units, workers)
    results = [result for unit in found for result in unit]
    assert killed.exists()
    assert results == [tagger.tag(file) for file in files]


def tag_or_die(remote: RemoteTagger, killed: Path, files: tuple[Path, ...]) -> object:
    """Tag files; the first time that the third unit is asked for, the worker dies by a kill."""
    if files[0].name == "08.flac" and not killed.exists():
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return remote(files)
