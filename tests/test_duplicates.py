"""The same audio in two parts of a collection is named, whatever the files are called."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from moodtheme.datasets import find_shared_audio, read_table
from moodtheme.datasets.duplicates import Split, shared_audio_warning
from moodtheme.errors import ReproductionError
from program import Program

RATE = 8_000
PARTS = ("train", "validation", "test")


def noise(path: Path, seed: int, seconds: float = 2.0) -> Path:
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * RATE))
    soundfile.write(path, samples, RATE)
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two tracks a part; the second of the last is a tagged copy of the first of the first."""
    rows = ["track,path,split,tags"]
    for number in range(6):
        path = noise(tmp_path / f"{number}.wav", number)
        rows.append(f"t{number},{path.name},{PARTS[number // 2]},{'calm' if number % 2 else 'sad'}")
    chunk = b"LIST" + struct.pack("<I", 16) + b"INFOINAM" + struct.pack("<I", 4) + b"new\0"
    (tmp_path / "5.wav").write_bytes((tmp_path / "0.wav").read_bytes() + chunk)
    written = tmp_path / "tracks.csv"
    written.write_text("\n".join(rows) + "\n")
    return written


def test_a_tagged_copy_in_another_part_is_found(table: Path) -> None:
    (shared,) = find_shared_audio(read_table(table))
    assert [(split, file.name) for split, file in shared.files] == [
        (Split.TRAIN, "0.wav"),
        (Split.TEST, "5.wav"),
    ]
    assert shared.identity.startswith("a1:")


def test_copies_in_one_part_and_tracks_without_one_are_nobody_s_business(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        noise(tmp_path / name, 1)
    noise(tmp_path / "d.wav", 2)
    (tmp_path / "tracks.csv").write_text(
        "track,path,split,tags\na,a.wav,train,x\nb,b.wav,train,x\nc,c.wav,,x\nd,d.wav,test,x\n"
    )
    assert find_shared_audio(read_table(tmp_path / "tracks.csv")) == ()
    assert shared_audio_warning(read_table(tmp_path / "tracks.csv")) is None


def test_the_same_beginning_is_not_the_same_audio(tmp_path: Path) -> None:
    """A long intro that two recordings share: whole files decide."""
    intro = np.random.default_rng(0).integers(-9_000, 9_000, 150_000).astype(np.int16)
    for name, seed in (("a", 1), ("b", 2), ("c", 1)):
        rest = np.random.default_rng(seed).integers(-9_000, 9_000, 9_000).astype(np.int16)
        soundfile.write(tmp_path / f"{name}.wav", np.concatenate([intro, rest]), RATE)
    (tmp_path / "tracks.csv").write_text(
        "track,path,split,tags\na,a.wav,train,x\nb,b.wav,validation,x\nc,c.wav,test,x\n"
    )
    (shared,) = find_shared_audio(read_table(tmp_path / "tracks.csv"))
    assert [file.stem for _, file in shared.files] == ["a", "c"]


def test_files_are_read_once_and_only_beginnings_where_those_differ(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moodtheme.audio import known_files
    from moodtheme.datasets import duplicates

    read: list[str] = []

    def counting(identify):
        return lambda path: read.append(Path(path).name) or identify(path)

    monkeypatch.setattr(duplicates, "audio_beginning", counting(duplicates.audio_beginning))
    monkeypatch.setattr(known_files, "audio_identity", counting(known_files.audio_identity))
    find_shared_audio(read_table(table))
    assert sorted(read) == sorted([f"{n}.wav" for n in range(6)] + ["0.wav", "5.wav"])
    read.clear()
    find_shared_audio(read_table(table))
    assert read == []


def test_a_cache_that_cannot_be_written_only_costs_time(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MOODTHEME_CACHE", str(tmp_path / "file" / "cache"))
    assert len(find_shared_audio(read_table(table))) == 1


@pytest.mark.parametrize("command", ["dataset info", "train", "reproduce"])
def test_commands_warn_and_name_the_files(
    command: str, table: Path, tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object) -> None:
        raise ReproductionError("stopped here")

    monkeypatch.setattr("moodtheme.reproduction.run.estimate", stop)
    words: dict[str, list[object]] = {
        "dataset info": ["dataset", "info", table],
        # A missing training track ends it before anything is trained.
        "train": ["train", "crnn-gru", "--dataset", table, "--run", tmp_path / "run"],
        "reproduce": ["reproduce", tmp_path / "run", "--dataset", table, "--weights", "random"],
    }
    if command == "train":
        (tmp_path / "1.wav").unlink()
    _, _, err = program(*words[command], *([] if command == "dataset info" else ["--offline"]))
    said = " ".join(err.split())
    assert "1 recording is in more than one part" in said
    assert f"{tmp_path / '0.wav'} (train) = {tmp_path / '5.wav'} (test)" in said
    assert said.count("5.wav") == 1
