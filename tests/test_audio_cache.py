"""Decoded audio on disk: right samples, short reads, and builds that are killed."""

import json
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from moodtheme.audio import ExcerptPolicy, read_audio, read_excerpt
from moodtheme.errors import AudioError, DatasetError
from moodtheme.feature_store import appending
from moodtheme.training.audio_cache import AudioCache, build_cache, plan_cache

RATE = 8_000


def write_tracks(folder: Path, count: int, *, seconds: float = 2.0) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number in range(count):
        rng = np.random.default_rng(number)
        level = 10 ** -rng.uniform(0, 3)
        audio = level * rng.uniform(-1, 1, (round((seconds + number / 10) * 11_025), 2))
        file = folder / f"{number}.flac"
        soundfile.write(file, audio, 11_025, subtype="PCM_16")
        files.append(file)
    return files


def build(folder: Path, files: list[Path], *, jobs: int = 2) -> list[AudioError]:
    return build_cache(folder, files, sample_rate=RATE, jobs=jobs)


def opened(folder: Path) -> AudioCache:
    return AudioCache(folder, sample_rate=RATE)


def assert_right(cache: AudioCache, files: list[Path]) -> None:
    for file in files:
        expected = read_audio(file, sample_rate=RATE).samples
        found = cache.read(file)
        assert len(found) == cache.length(file) == len(expected)
        # Half a step of 16 bits below the track's own peak.
        assert np.abs(found - expected).max() <= np.abs(expected).max() / 32_767 * 0.51


def test_samples_are_those_of_the_file_whatever_its_level(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 4)
    assert build(tmp_path / "cache", files) == []
    assert_right(opened(tmp_path / "cache"), files)


def test_channels_that_cancel_out_are_learnt_from_as_they_are_tagged(tmp_path: Path) -> None:
    file = tmp_path / "opposite.wav"
    left = np.random.default_rng(0).uniform(-0.5, 0.5, 2 * RATE).astype(np.float32)
    soundfile.write(file, np.stack([left, -left], axis=1), RATE, subtype="FLOAT")
    assert build(tmp_path / "cache", [file]) == []
    step = 0.51 * np.abs(left).max() / 32_767
    np.testing.assert_allclose(opened(tmp_path / "cache").read(file), left, atol=step)
    excerpt = read_excerpt(file, length_s=1.0, policy=ExcerptPolicy.CENTRE)
    np.testing.assert_array_equal(excerpt.samples, left[RATE // 2 :][:RATE])


@pytest.mark.parametrize("level", [0.0, 0.25])
def test_silence_and_a_constant_offset_are_learnt_from(tmp_path: Path, level: float) -> None:
    file = tmp_path / "still.wav"
    soundfile.write(file, np.full(2 * RATE, level), RATE, subtype="FLOAT")
    assert build(tmp_path / "cache", [file]) == []
    np.testing.assert_allclose(opened(tmp_path / "cache").read(file), level, atol=1e-5)


def test_loud_audio_does_not_clip(tmp_path: Path) -> None:
    file = tmp_path / "loud.wav"
    rng = np.random.default_rng(0)
    soundfile.write(file, 2.5 * rng.uniform(-1, 1, 20_000), RATE, subtype="FLOAT")
    build(tmp_path / "cache", [file])
    assert_right(opened(tmp_path / "cache"), [file])


def test_silence_stays_silence(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(20_000), RATE)
    build(tmp_path / "cache", [tmp_path / "silent.wav"])
    assert not opened(tmp_path / "cache").read(tmp_path / "silent.wav").any()


def test_any_part_is_the_same_part_of_the_whole(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 3)
    build(tmp_path / "cache", files)
    cache = opened(tmp_path / "cache")
    whole = cache.read(files[1])
    for start, samples in ((0, 10), (7, 4000), (len(whole) - 5, 100), (len(whole) - 1, None)):
        end = None if samples is None else start + samples
        np.testing.assert_array_equal(cache.read(files[1], start, samples), whole[start:end])


def test_only_what_is_missing_or_has_changed_is_decoded(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 4)
    folder = tmp_path / "cache"
    build(folder, files[:2])
    plan = plan_cache(folder, files, sample_rate=RATE)
    assert plan.missing == tuple(files[2:])
    exact = sum(len(read_audio(file, sample_rate=RATE).samples) for file in files[2:]) * 2
    assert abs(plan.needed - exact) <= 2 * len(files)
    build(folder, files)
    assert plan_cache(folder, files, sample_rate=RATE).missing == ()
    soundfile.write(files[0], np.full(RATE * 2, 0.25), RATE)
    assert plan_cache(folder, files, sample_rate=RATE).missing == (files[0],)
    build(folder, files)
    assert_right(opened(folder), files)


def test_shards_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appending, "_SHARD_BYTES", 80_000)
    files = write_tracks(tmp_path / "music", 5)
    build(tmp_path / "cache", files)
    assert len(list((tmp_path / "cache").rglob("shard-*.i16"))) == 3
    assert_right(opened(tmp_path / "cache"), files)


def test_what_cannot_be_decoded_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 2)
    bad, short = tmp_path / "bad.mp3", tmp_path / "short.wav"
    bad.write_bytes(b"no music at all" * 100)
    soundfile.write(short, np.zeros(RATE // 2), RATE)
    failures = build(tmp_path / "cache", [files[0], bad, short, files[1]])
    assert [failure.path for failure in failures] == [bad, short]
    assert_right(opened(tmp_path / "cache"), files)


@pytest.mark.parametrize("damage", ["half a line", "samples too many", "samples lost"])
def test_what_a_kill_leaves_behind_is_cut_off(tmp_path: Path, damage: str) -> None:
    files = write_tracks(tmp_path / "music", 4)
    folder = tmp_path / "cache"
    build(folder, files[:3], jobs=1)
    index, shard = (folder / "8000-hz" / name for name in ("index.jsonl", "shard-0000.i16"))
    if damage == "half a line":
        index.write_bytes(index.read_bytes()[:-20])
    if damage == "samples too many":
        shard.write_bytes(shard.read_bytes() + b"\x01\x02\x03")
    if damage == "samples lost":
        shard.write_bytes(shard.read_bytes()[:-100])
    missing = plan_cache(folder, files, sample_rate=RATE).missing
    assert missing == tuple(files[3:] if damage == "samples too many" else files[2:])
    build(folder, files)
    assert_right(opened(folder), files)


def _build_forever(folder: Path, files: list[Path]) -> None:
    build(folder, files, jobs=1)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="only on POSIX")
def test_a_build_killed_at_random_moments_ends_right(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 60, seconds=20)
    folder = tmp_path / "cache"
    context = multiprocessing.get_context("fork")
    rng = np.random.default_rng(0)
    kills = 0
    for _ in range(10):
        child = context.Process(target=_build_forever, args=(folder, files))
        child.start()
        time.sleep(rng.uniform(0.02, 0.25))
        if child.is_alive():
            child.kill()
            kills += 1
        child.join()
    assert kills
    build(folder, files)
    assert_right(opened(folder), files)
    held = sum(path.stat().st_size for path in folder.rglob("shard-*.i16"))
    assert held == 2 * sum(opened(folder).length(file) for file in files)


def test_a_file_that_was_moved_or_renamed_is_not_decoded_again(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 3)
    folder = tmp_path / "cache"
    build(folder, files)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("shard-*")}
    moved = [file.rename(tmp_path / f"{number} moved.flac") for number, file in enumerate(files)]
    lines: list[str] = []
    assert build_cache(folder, [*moved, moved[0]], sample_rate=RATE, report=lines.append) == []
    assert lines == []
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("shard-*")} == before
    assert_right(opened(folder), moved)


def test_a_folder_that_is_no_cache_is_refused(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music" / "8000-hz", 1)
    with pytest.raises(DatasetError, match="holds something else"):
        opened(tmp_path / "music")
    build(tmp_path / "cache", files)
    with (tmp_path / "cache" / "8000-hz" / "index.jsonl").open("a") as index:
        index.write(json.dumps({"file": 3}) + "\n")
    with pytest.raises(DatasetError, match="line 2, is damaged"):
        opened(tmp_path / "cache")


def test_a_cache_of_an_older_version_is_named_as_such(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "8000-hz"
    folder.mkdir(parents=True)
    (folder / "index.jsonl").write_text('{"format": 1, "sample_rate": 8000}\n', encoding="utf-8")
    (folder / "shard-0000.i16").write_bytes(b"\0\0")
    with pytest.raises(DatasetError, match="older version") as raised:
        opened(tmp_path / "cache")
    assert f"delete {folder}" in str(raised.value) and "damaged" not in str(raised.value)


def test_too_little_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 1)
    with pytest.raises(DatasetError, match="make room"):
        build_cache(tmp_path / "cache", files, sample_rate=RATE, durations=[1e12])
    assert not list((tmp_path / "cache").rglob("shard-*"))
