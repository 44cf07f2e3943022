"""Features of your own: files of numbers that systems are trained on and score with."""

import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.errors import FeatureFileError, UsageError
from moodtheme.feature_store.own_files import find_frames, read_frames
from moodtheme.recipes import RECIPES, View, find_recipe, with_values
from moodtheme.training.kinds import kind_of
from moodtheme.training.kinds.own import stretches_of
from program import Program
from toy_collection import write_collection

SMALL = ["units=8", "dense=8", "batch_size=4", "epochs=4", "patience=none"]
WIDTH = 6


def write_table(folder: Path, *, counts: tuple[int, int, int] = (8, 4, 4)) -> Path:
    """Tracks of two tags whose audio nobody has."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["path\ttags\tsplit"]
    for split, count in zip(("train", "validation", "test"), counts, strict=True):
        for number in range(count):
            tags = ["high"] * (number % 2 == 0) + ["noisy"] * (number % 4 < 2)
            lines.append(f"music/{split}-{number}.mp3\t{';'.join(tags)}\t{split}")
    (folder / "tracks.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "tracks.tsv"


def write_features(table: Path, folder: Path, *, frames: int | None = None) -> Path:
    """Some frames a track that tell its tags; as ``.npz`` where its number is odd."""
    folder.mkdir(parents=True)
    for line in table.read_text(encoding="utf-8").splitlines()[1:]:
        path, tags, _ = line.split("\t")
        rng = np.random.default_rng(list(path.encode()))
        features = rng.normal(100, 1, (frames or int(rng.integers(3, 20)), WIDTH))
        features[:, 0] += 5 * ("high" in tags)
        stem = Path(path).stem
        if int(stem[-1]) % 2:
            np.savez_compressed(folder / f"{stem}.npz", embedding=features.astype(np.float16))
        else:
            np.save(folder / f"{stem}.npy", features)
    return folder


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path)


@pytest.fixture
def features(table: Path, tmp_path: Path) -> Path:
    return write_features(table, tmp_path / "embeddings")


def command(table: Path, run: Path, *values: str) -> list[object]:
    settings = [part for value in [*SMALL, *values] for part in ("--set", value)]
    quiet = ["--device", "cpu", "--threads", 1, "--workers", 0, "--jobs", 1]
    return ["train", "own-gru", "--dataset", table, "--run", run, *quiet, *settings]


def test_from_files_of_features_to_scores_without_any_audio(
    program: Program, table: Path, features: Path, tmp_path: Path
) -> None:
    run, scores = tmp_path / "run", tmp_path / "scores.npy"
    status, out, err = program(*command(table, run, "frames=5"), "--features", features)
    assert status == 0, err
    assert "own-gru: validation ROC-AUC" in out
    assert "features of your own" in err and f"{WIDTH} a frame" in err
    status, out, err = program("predict", run, "--part", "validation", "-o", scores)
    assert status == 0, err
    assert out.strip() == f"{scores}: 4 tracks, 2 tags, all frames, 5 at a time"
    trained = np.load(run / "validation-scores.npz")["scores"]
    np.testing.assert_allclose(np.load(scores), trained, atol=1e-6)
    assert np.ptp(trained, axis=0).min() > 1e-4

    # Moved, they are named anew; a bundle they cannot become.
    moved = features.rename(tmp_path / "elsewhere")
    status, _, err = program("predict", run, "-o", scores)
    assert status == 1 and "test-0.mp3" in err
    assert program("predict", run, "-o", scores, "--features", moved)[0] == 0
    status, _, err = program("export", run)
    assert status == 2
    assert "own-gru hears features of your own, which a graph cannot compute from audio" in err
    assert "moodtheme predict" in err


def test_training_goes_on_from_any_epoch_with_the_same_numbers(
    program: Program, table: Path, features: Path, tmp_path: Path
) -> None:
    for run, epochs in (("short", 2), ("short", 4), ("whole", 4)):
        words = command(table, tmp_path / run, "frames=5", f"epochs={epochs}")
        status, _, err = program(*words, "--features", features)
        assert status == 0, err
    scores = [
        np.load(tmp_path / run / "validation-scores.npz")["scores"] for run in ("short", "whole")
    ]
    np.testing.assert_array_equal(*scores)


def test_whole_tracks_need_equally_many_frames(
    program: Program, table: Path, features: Path, tmp_path: Path
) -> None:
    words = command(table, tmp_path / "run")
    status, _, err = program(*words, "--features", features)
    assert status == 1 and "frames=30" in err and "train-" in err
    equal = write_features(table, tmp_path / "equal", frames=7)
    status, _, err = program(*command(table, tmp_path / "other"), "--features", equal)
    assert status == 0, err


def test_tracks_without_features_are_named(
    program: Program, table: Path, features: Path, tmp_path: Path
) -> None:
    (features / "train-2.npy").unlink()
    (features / "test-1.npz").unlink()
    status, _, err = program(*command(table, tmp_path / "run"), "--features", features)
    assert status == 1 and "1 of 12 tracks" in err and "train-2.mp3" in err
    assert not (tmp_path / "run").exists()
    status, _, err = program(*command(table, tmp_path / "run"))
    assert status == 2 and "--features FOLDER" in err


def test_files_that_cannot_be_used_are_named_with_their_reason_or_left_out(
    program: Program, table: Path, features: Path, tmp_path: Path
) -> None:
    np.save(features / "train-2.npy", np.full((4, WIDTH), np.nan))
    np.save(features / "train-4.npy", np.zeros((4, WIDTH + 1)))
    words = [*command(table, tmp_path / "run", "frames=5"), "--features", features]
    status, _, err = program(*words)
    assert status == 1 and "2 of 12 tracks" in err
    assert "train-2.npy" in err and "not finite" in err
    assert "train-4.mp3" in err and f"not {WIDTH}" in err
    status, _, err = program(*words, "--skip-unreadable")
    assert status == 0 and "2 tracks are left out" in err, err


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch exploded",)


def header(descr: str, shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


HOSTILE = {
    "a pickle": pickle.dumps(Bomb()),
    "a pickled array": b"",
    "another file": b"not an array at all" * 10,
    "an empty file": b"",
    "a header that claims a terabyte": header("<f4", (2**38, 1)),
    "a header whose product overflows": header("<f4", (2**40, 2**40)),
    "a header without its numbers": header("<f4", (10_000, 1_000)),
    "words": header("<U4", (1, 1)) + b"\0" * 16,
    "complex numbers": header("<c8", (1, 1)) + b"\0" * 8,
    "three axes": header("<f4", (1, 1, 1)) + b"\0" * 4,
    "no frames": header("<f4", (0, 8)),
    "a structure": header("|V8", (1, 1)) + b"\0" * 8,
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("packed", [False, True])
def test_hostile_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, packed: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    content = HOSTILE[what]
    if what == "a pickled array":
        file = io.BytesIO()
        np.save(file, np.array([Bomb()], dtype=object), allow_pickle=True)
        content = file.getvalue()
    path = tmp_path / "track.npy"
    path.write_bytes(content)
    if packed:
        path = tmp_path / "track.npz"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.npy", content)
    with pytest.raises(FeatureFileError) as raised:
        read_frames(path)
    assert str(path) in str(raised.value)
    assert not (tmp_path / "exploded").exists()


def test_an_archive_of_several_arrays_wants_to_know_which(tmp_path: Path) -> None:
    path = tmp_path / "track.npz"
    np.savez(path, one=np.zeros((2, 3)), two=np.ones(4))
    with pytest.raises(FeatureFileError, match="one, two"):
        read_frames(path)
    with pytest.raises(FeatureFileError, match="array=NAME"):
        read_frames(path, "three")
    assert read_frames(path, "one").shape == (2, 3)
    np.testing.assert_array_equal(read_frames(path, "two"), np.ones((1, 4), np.float32))
    path.write_bytes(b"PK no archive")
    with pytest.raises(FeatureFileError):
        read_frames(path)


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4", "i2", "u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_of_any_kind_are_read_as_they_are(tmp_path: Path, dtype: str, order: str) -> None:
    numbers = np.asarray(np.arange(12).reshape(3, 4), dtype=dtype, order=order)
    np.save(tmp_path / "a.npy", numbers)
    read = read_frames(tmp_path / "a.npy")
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, numbers)


def test_a_file_is_found_by_the_tracks_name_and_folder(tmp_path: Path) -> None:
    track = Path("/music/48/mix.v3.mp3")
    assert find_frames(tmp_path, track) is None
    np.save(tmp_path / "mix.v3.npy", np.zeros(3))
    assert find_frames(tmp_path, track) == tmp_path / "mix.v3.npy"
    (tmp_path / "48").mkdir()
    np.save(tmp_path / "48" / "mix.v3.npy", np.zeros(3))
    assert find_frames(tmp_path, track) == tmp_path / "48" / "mix.v3.npy"


@given(length=st.integers(1, 60), frames=st.one_of(st.none(), st.integers(1, 20)))
def test_stretches_show_every_frame_once(length: int, frames: int | None) -> None:
    track = np.arange(length, dtype=np.float32)[:, None]
    found = stretches_of(track, frames)
    assert found.inputs.shape[1:] == (frames or length, 1)
    assert set(found.inputs.ravel()) == set(range(length))
    if frames is not None and length >= frames:
        np.testing.assert_allclose(found.weights.sum() * frames, length, rtol=1e-5)


def test_a_folder_without_features_is_refused(tmp_path: Path) -> None:
    recipe = with_values(find_recipe("own-lstm"), {"folder": str(tmp_path)})
    with pytest.raises(UsageError, match="holds no"):
        _ = kind_of(recipe).n_features


def test_a_reproduction_takes_them(program: Program, tmp_path: Path) -> None:
    table = write_collection(tmp_path / "collection")
    features = tmp_path / "embeddings"
    features.mkdir()
    for file in table.parent.glob("*.flac"):
        np.save(features / f"{file.stem}.npy", np.random.default_rng(0).normal(size=(5, WIDTH)))
    words = ["--systems", "own-gru", "--set", f"own.folder={features}", "--set", "own.epochs=1"]
    quiet = ["--preset", "quick", "--bootstrap", 0, "--device", "cpu", "--threads", 1]
    status, out, err = program(
        "reproduce", tmp_path / "run", "--dataset", table, *quiet, *words, "--jobs", 1
    )
    assert status == 0, err
    assert "own-gru" in out and "export own-gru: left out" in err
    assert np.load(tmp_path / "run" / "scores" / "test" / "own-gru.npz")["scores"].shape == (4, 2)


def test_every_kind_of_view_is_registered_and_hears_one_thing() -> None:
    assert {type(recipe.view) for recipe in RECIPES.values()} == set(get_args(View))
    for recipe in RECIPES.values():
        kind = kind_of(recipe)
        heard = [kind.view.sound, kind.view.extracted]
        assert len([view for view in heard if view]) <= 1
        assert kind.view.hears and kind.view.heard
        assert (kind.published is not None) == kind.view.pretrained
