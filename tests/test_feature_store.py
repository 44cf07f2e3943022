"""The feature store: right rows, each once, and builds that are killed."""

import json
import pickle
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.errors import AudioError, DatasetError
from moodtheme.feature_store import appending, feature_statistics, find_stores
from moodtheme.feature_store.append_store import INDEX
from moodtheme.feature_store.extractor import Extractor, ExtractorInfo
from moodtheme.feature_store.store import FEATURES, FeatureStore
from moodtheme.recipes import DeepSpectrumView, OpenSmileView
from moodtheme.training.kinds.features import StoredFeatures
from toy_extractor import (
    N_FEATURES,
    RATE,
    VIEW,
    ToyMaker,
    assert_right,
    build,
    expected,
    features_of,
    info,
    write_tracks,
)

ROW = VIEW.windows * N_FEATURES * 4


def place(folder: Path) -> Path:
    return folder / info().key


def held(folder: Path) -> int:
    return sum(path.stat().st_size for path in place(folder).glob("shard-*"))


def test_features_are_those_of_each_track_alone(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 11)
    store, failures = build(tmp_path / "features", files)
    assert failures == [] and len(store) == 11
    assert store.read(files[0]).shape == (VIEW.windows, N_FEATURES)
    assert_right(store, files)
    assert list(store.damaged_rows()) == []


def test_the_row_is_mapped_from_the_disk_and_cannot_be_changed(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 1)
    row = build(tmp_path / "features", files)[0].read(files[0])
    assert isinstance(row, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        row[0, 0] = 1.0


def test_the_same_audio_under_two_names_is_stored_once(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 2)
    twin = tmp_path / "twin.wav"
    twin.write_bytes(files[1].read_bytes())
    store, _ = build(tmp_path / "features", [*files, twin])
    assert len(store) == 2 and held(tmp_path / "features") == 2 * ROW
    assert_right(store, [*files, twin])
    files[0].rename(tmp_path / "moved.wav")
    assert_right(store, [tmp_path / "moved.wav"])


def test_a_file_that_was_tagged_anew_keeps_its_features(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 1)
    build(tmp_path / "features", files)
    files[0].write_bytes(files[0].read_bytes() + b"LIST" + struct.pack("<I", 4) + b"INFO")
    lines: list[str] = []
    store, _ = build(tmp_path / "features", files, lines=lines)
    assert len(store) == 1 and lines == []


def test_only_what_is_missing_or_has_changed_is_extracted(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 4)
    folder, lines = tmp_path / "features", []
    build(folder, files[:3])
    build(folder, files, lines=lines)
    assert len(lines) == 1 and lines[0].startswith(f"1 of 4 tracks to extract to {place(folder)}")
    soundfile.write(files[0], 0.1 * np.sin(np.arange(2 * RATE)), RATE)
    assert not FeatureStore(place(folder)).has(files[0])
    store, _ = build(folder, files)
    assert len(store) == 5
    assert_right(store, files)
    before = lines.copy()
    build(folder, files, lines=lines)
    assert lines == before


def test_files_are_read_again_only_when_size_or_time_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_tracks(tmp_path / "music", 3)
    folder = tmp_path / "features"
    build(folder, files)
    hashed: list[Path] = []
    from moodtheme.audio import known_files

    original = known_files.audio_identity
    monkeypatch.setattr(
        known_files, "audio_identity", lambda path: hashed.append(path) or original(path)
    )
    with (folder / known_files.FILE_TABLE).open("ab") as table:
        table.write(b'{"file": "half a li')
    build(folder, files)
    assert hashed == []
    files[1].touch()
    store, _ = build(folder, files)
    assert hashed == [files[1]] and len(store) == 3
    build(folder, files)
    assert hashed == [files[1]]


def test_features_of_other_weights_or_views_lie_beside(tmp_path: Path) -> None:
    base = DeepSpectrumView(window_s=1.0)
    made = {
        ExtractorInfo(view=view, weights=weights, n_features=4).key
        for view, weights in (
            (base, "a"),
            (base, "b"),
            (msgspec.structs.replace(base, window_s=5.0), "a"),
            (msgspec.structs.replace(base, colour_map="viridis"), "a"),
            (msgspec.structs.replace(base, duration_s=30.0), "a"),
            (OpenSmileView(), "a"),
        )
    }
    assert len(made) == 6
    same = msgspec.structs.replace(base, duration_s=29.5)  # still 29 windows
    assert ExtractorInfo(view=same, weights="a", n_features=4).key in made
    with appending.appending(tmp_path / "x", FEATURES, info()):
        pass
    other = appending.appending(tmp_path / "x", FEATURES, info(weights="other"))
    with pytest.raises(DatasetError, match="holds others"), other:
        pass


def test_shards_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appending, "_SHARD_BYTES", 3 * ROW + 100)
    files = write_tracks(tmp_path / "music", 8)
    build(tmp_path / "features", files[:4])
    store, _ = build(tmp_path / "features", files)
    sizes = [path.stat().st_size for path in sorted(place(tmp_path / "features").glob("shard-*"))]
    assert sizes == [3 * ROW, 3 * ROW, 2 * ROW]
    assert_right(store, files)


def test_what_cannot_be_used_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 3)
    bad, twin, short = tmp_path / "bad.mp3", tmp_path / "twin.mp3", tmp_path / "short.wav"
    bad.write_bytes(b"no music at all" * 100)
    twin.write_bytes(bad.read_bytes())
    soundfile.write(short, np.ones(RATE // 2), RATE)
    gone = tmp_path / "gone.wav"
    wanted = [gone, files[0], bad, short, files[1], twin, files[2]]
    store, failures = build(tmp_path / "features", wanted)
    assert [failure.path for failure in failures] == [gone, bad, short, twin]
    assert "too short" in failures[2].reason
    assert_right(store, files)
    assert not store.has(short)
    with pytest.raises(DatasetError, match="no features of it"):
        store.read(short)
    with pytest.raises(AudioError, match="cannot be read"):
        store.read(gone)


def test_a_file_that_changes_while_it_is_read_is_not_stored(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 3)
    store, failures = build(tmp_path / "features", files, ToyMaker(changing=files[1]))
    assert [failure.path for failure in failures] == [files[1]]
    assert "changed while it was read" in str(failures[0])
    assert len(store) == 2 and not store.has(files[1])
    store, failures = build(tmp_path / "features", files)
    assert failures == []
    assert_right(store, files)


def test_silence_and_short_tracks_have_features_too(tmp_path: Path) -> None:
    silent, short = tmp_path / "silent.wav", tmp_path / "short.wav"
    soundfile.write(silent, np.zeros(2 * RATE), RATE)
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, round(1.25 * RATE)).astype(np.float32)
    soundfile.write(short, sound, RATE, subtype="FLOAT")
    store, failures = build(tmp_path / "features", [silent, short])
    assert failures == []
    assert not store.read(silent).any()
    looped = np.concatenate([sound, sound])[: VIEW.samples]
    np.testing.assert_array_equal(
        store.read(short), features_of(looped.reshape(VIEW.windows, VIEW.window_samples))
    )


@pytest.mark.parametrize(
    ("damage", "lost"),
    [("half a line", 1), ("rows too many", 0), ("half a row", 1), ("wrong bytes", 1), ("shard", 3)],
)
def test_what_a_kill_leaves_behind_is_cut_off(tmp_path: Path, damage: str, lost: int) -> None:
    files = write_tracks(tmp_path / "music", 5)
    folder = tmp_path / "features"
    build(folder, files[:3])
    index, shard = place(folder) / INDEX, place(folder) / "shard-0000.f32"
    whole = shard.read_bytes()
    if damage == "half a line":
        index.write_bytes(index.read_bytes()[:-20])
    if damage == "rows too many":
        shard.write_bytes(whole + whole[: ROW + 7])
    if damage == "half a row":
        shard.write_bytes(whole[:-100])
    if damage == "wrong bytes":
        shard.write_bytes(whole[:-8] + b"\0\0\0\0\0\0\x80?")
    if damage == "shard":
        shard.unlink()
    lines: list[str] = []
    store, _ = build(folder, files, lines=lines)
    assert lines[0].startswith(f"{2 + lost} of 5 tracks")
    assert_right(store, files)
    assert held(folder) == 5 * ROW and list(store.damaged_rows()) == []


def test_the_store_is_the_same_whether_stopped_or_not(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 9)
    build(tmp_path / "once", files)
    for count in (1, 5, 9):
        build(tmp_path / "often", files[:count])
    for name in (INDEX, "shard-0000.f32"):
        once, often = (place(tmp_path / which) / name for which in ("once", "often"))
        assert once.read_bytes() == often.read_bytes()


@pytest.mark.slow
def test_a_build_killed_at_random_moments_ends_right(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 200)
    folder = tmp_path / "features"
    rng = np.random.default_rng(0)
    stored = [0]
    for _ in range(8):
        child = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("toy_extractor.py"), folder, files[0].parent],
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None and child.stdout.readline() == b"started\n"
        index = place(folder) / INDEX
        wanted = stored[-1] + rng.integers(1, 20)
        while child.poll() is None and not (
            index.exists() and index.read_bytes().count(b"\n") >= wanted
        ):
            time.sleep(0.001)
        child.kill()
        child.communicate()
        if (place(folder) / "store.json").exists():
            store = FeatureStore(place(folder))
            stored.append(len(store))
            assert list(store.damaged_rows()) == []
            assert_right(store, [file for file in files if store.has(file)])
    assert stored == sorted(stored) and stored[-1] > 0
    assert len({count for count in stored if 0 < count < 200}) > 1, stored
    store, failures = build(folder, files)
    assert failures == [] and len(store) == 200 and held(folder) == 200 * ROW
    assert_right(store, files)


def test_damage_is_found_by_its_checksum(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 3)
    store, _ = build(tmp_path / "features", files)
    with (place(tmp_path / "features") / "shard-0000.f32").open("r+b") as shard:
        shard.seek(ROW + 12)
        shard.write(b"\1")
    assert list(store.damaged_rows()) == [1]


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 1)
    folder = tmp_path / "features"
    with pytest.raises(DatasetError, match="holds no features"):
        find_stores(tmp_path)
    with pytest.raises(DatasetError, match="holds no features"):
        FeatureStore(tmp_path)
    build(folder, files)
    assert find_stores(folder) == find_stores(place(folder)) == [place(folder)]
    index, description = place(folder) / INDEX, place(folder) / "store.json"
    index.write_bytes(index.read_bytes() + b'{"audio": 3}\n')
    with pytest.raises(DatasetError, match="line 2, is damaged"):
        FeatureStore(place(folder))
    content = json.loads(description.read_text("utf-8"))
    description.write_text(json.dumps(content | {"format": 99}), encoding="utf-8")
    with pytest.raises(DatasetError, match="format 99"):
        FeatureStore(place(folder))
    description.write_text("{", encoding="utf-8")
    with pytest.raises(DatasetError, match="is damaged"):
        FeatureStore(place(folder))
    description.unlink()
    with pytest.raises(DatasetError, match="older version of moodtheme, or has lost its store"):
        build(folder, files)


def test_too_little_room_is_said_before_anything_is_extracted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_tracks(tmp_path / "music", 3)
    monkeypatch.setattr(appending, "free_room", lambda path: 3 * ROW - 1)
    with pytest.raises(DatasetError, match="make room"):
        build(tmp_path / "features", files)
    assert held(tmp_path / "features") == 0


@given(tracks=st.integers(0, 9), windows=st.integers(1, 40), seed=st.integers(0, 99))
def test_any_number_of_tracks_goes_through_in_calls_of_whole_tracks(
    tracks: int, windows: int, seed: int
) -> None:
    view = OpenSmileView(window_s=0.5, duration_s=windows / 2, sample_rate=20)
    calls = []

    def begin(audio: np.ndarray) -> Callable[[], np.ndarray]:
        calls.append(len(audio))
        return lambda: audio[:, :3]

    extractor = Extractor(ExtractorInfo(view=view, weights="", n_features=3), begin)
    audio = np.random.default_rng(seed).normal(size=(tracks, view.samples)).astype(np.float32)
    np.testing.assert_array_equal(extractor(audio), audio.reshape(tracks, windows, 10)[:, :, :3])
    assert sum(calls) == tracks * windows
    assert all(call % windows == 0 and call <= max(32, windows) for call in calls)


def test_statistics_are_those_of_all_windows_together(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 6)
    store, _ = build(tmp_path / "features", files)
    some = files[1:5]
    mean, deviation = feature_statistics(store, some)
    every = np.concatenate([expected(file) for file in some]).astype(np.float64)
    np.testing.assert_allclose(mean, every.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(deviation, every.std(axis=0), rtol=1e-6)
    assert mean.dtype == deviation.dtype == np.float32


def test_a_feature_that_never_changes_can_be_divided_by(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(2 * RATE), RATE)
    store, _ = build(tmp_path / "features", [tmp_path / "silent.wav"])
    mean, deviation = feature_statistics(store, [tmp_path / "silent.wav"])
    assert not mean.any() and (deviation == 1).all()
    with pytest.raises(DatasetError, match="at least one track"):
        feature_statistics(store, [])


def test_training_examples_are_small_and_right(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 4)
    store, _ = build(tmp_path / "features", files)
    examples = StoredFeatures(store, files[::-1])
    copied = pickle.dumps(examples)
    assert len(copied) < 2_000
    copy = pickle.loads(copied)
    rng = np.random.default_rng(0)
    for row, file in enumerate(files[::-1]):
        shown = copy.training_input(row, rng).values[0]
        np.testing.assert_array_equal(shown, expected(file))
        assert shown.dtype == np.float32
        weighted = copy.evaluation_inputs(row)
        np.testing.assert_array_equal(weighted.inputs, shown[None])
        assert weighted.weights.tolist() == [1.0]
    assert len(copy) == 4
