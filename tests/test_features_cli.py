"""`moodtheme features`: extract, look, take away; every format gives the same numbers back."""

import csv
import functools
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from moodtheme.datasets import load_dataset
from moodtheme.feature_store import FeatureStore, build_features, extraction, find_stores
from moodtheme.recipes import DeepSpectrumView
from program import Program
from toy_collection import write_collection

VIEW = DeepSpectrumView(
    window_s=0.5,
    duration_s=1.0,
    sample_rate=8_000,
    image_network="efficientnet-lite0",
    pretrained=False,
)
SMALL = (
    "--weights", "random", "--device", "cpu",
    "--set", "image_network=efficientnet-lite0", "--set", "sample_rate=8000",
    "--set", "window_s=0.5", "--set", "duration_s=1",
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def one_network() -> Iterator[None]:
    """Load the image network once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extraction, "make_extractor", functools.cache(extraction.make_extractor))
        yield


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_collection(tmp_path_factory.mktemp("music"), training=2, others=1)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory, table: Path) -> Path:
    folder = tmp_path_factory.mktemp("extracted")
    build_features(folder, load_dataset(str(table)).files, VIEW)
    return folder


@pytest.fixture
def features(tmp_path: Path, extracted: Path) -> Path:
    """Every track's features, to do with as a test likes."""
    return shutil.copytree(extracted, tmp_path / "features")


def extract(program: Program, table: Path, folder: Path, *more: str) -> tuple[int, str, str]:
    return program(
        "features", "extract", "--dataset", table, "--system", "ds-1s", "-o", folder, *SMALL, *more
    )


def test_extraction_says_what_it_takes_and_what_came_of_it(
    extracted: Path, table: Path, program: Program, tmp_path: Path
) -> None:
    status, out, err = extract(program, table, tmp_path / "features")
    (store,) = find_stores(tmp_path / "features")
    assert status == 0, err
    assert out == f"{store}: 4 of 4 tracks, 2 windows of 1,280 features, 41.0 kB\n"
    first, last = err.splitlines()
    assert first.startswith(f"4 of 4 tracks to extract to {store}: 41.0 kB (10.2 kB a track), ")
    assert re.fullmatch(r"4 of 4 tracks(, \d+\.\d× real time)?", last)
    (other,) = find_stores(extracted)
    for name in ("index.jsonl", "shard-0000.f32"):
        assert (store / name).read_bytes() == (other / name).read_bytes()


def stored(features: Path, table: Path) -> tuple[list[str], np.ndarray]:
    tracks = load_dataset(str(table))
    store = FeatureStore(find_stores(features)[0])
    return list(tracks.tracks), np.stack([store.read(file) for file in tracks.files])


def test_extracting_again_finds_everything_there(
    features: Path, table: Path, program: Program
) -> None:
    status, out, err = extract(program, table, features, "--system", "ds-1s-blstm")
    assert (status, err) == (0, "")
    assert "4 of 4 tracks" in out


def test_files_that_fail_are_named_and_the_status_is_1(tmp_path: Path, program: Program) -> None:
    table = write_collection(tmp_path / "music", training=2, others=1)
    (tmp_path / "music" / "train-0.flac").write_bytes(b"broken")
    (tmp_path / "music" / "test-0.flac").unlink()
    status, out, err = extract(program, table, tmp_path / "features")
    assert status == 1
    assert "2 of 4 tracks" in out
    assert "train-0.flac: " in err and "test-0.flac: " in err
    status, out, err = program(
        "features", "export", tmp_path / "features", "--dataset", table, "--format", "npz",
        "-o", tmp_path / "out.npz",
    )  # fmt: skip
    assert status == 1 and "2 of 4 tracks have no features" in err
    assert not (tmp_path / "out.npz").exists()


def test_a_part_alone_is_extracted_and_exported(
    tmp_path: Path, table: Path, program: Program
) -> None:
    folder = tmp_path / "features"
    _, out, _ = extract(program, table, folder, "--part", "train")
    assert "2 of 2 tracks" in out
    file = tmp_path / "train.npz"
    status, out, _ = program(
        "features", "export", folder, "--dataset", table, "--part", "train", "--format", "npz",
        "--output", file,
    )  # fmt: skip
    assert (status, out) == (0, f"{file}: 2 tracks, 2 windows of 1,280 features\n")


def export(program: Program, features: Path, table: Path, kind: str, output: Path) -> None:
    status, _, err = program(
        "features", "export", features, "--dataset", table, "--format", kind, "-o", output
    )
    assert status == 0, err


def test_npz_gives_the_same_features_back(
    features: Path, table: Path, program: Program, tmp_path: Path
) -> None:
    export(program, features, table, "npz", tmp_path / "out.npz")
    tracks, expected = stored(features, table)
    with np.load(tmp_path / "out.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"tracks", "names", "features"}
        assert arrays["tracks"].tolist() == tracks
        assert arrays["names"][1279] == "features_1279"
        assert arrays["features"].dtype == np.float32
        np.testing.assert_array_equal(arrays["features"], expected)


def test_csv_gives_the_same_features_back(
    features: Path, table: Path, program: Program, tmp_path: Path
) -> None:
    export(program, features, table, "csv", tmp_path / "out.csv")
    tracks, expected = stored(features, table)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header[:3] == ["track", "window", "features_0"] and len(header) == 2 + 1280
    assert [row[:2] for row in rows] == [[track, str(w)] for track in tracks for w in (0, 1)]
    values = np.array([row[2:] for row in rows]).astype(np.float32)
    np.testing.assert_array_equal(values, expected.reshape(8, 1280))


def test_parquet_gives_the_same_features_back(
    features: Path, table: Path, program: Program, tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pip install 'moodtheme[parquet]'")
    export(program, features, table, "parquet", tmp_path / "out.parquet")
    tracks, expected = stored(features, table)
    read = parquet.read_table(tmp_path / "out.parquet")
    assert read.column("track").to_pylist() == [track for track in tracks for _ in range(2)]
    assert read.column("window").to_pylist() == [0, 1] * 4
    values = np.array(read.column("features").to_pylist(), dtype=np.float32)
    np.testing.assert_array_equal(values, expected.reshape(8, 1280))
    assert b'"efficientnet-lite0"' in read.schema.metadata[b"moodtheme.extractor"]


def test_parquet_without_its_package_says_how_to_get_it(
    features: Path, table: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    status, _, err = program(
        "features", "export", features, "--dataset", table, "--format", "parquet",
        "-o", tmp_path / "out.parquet",
    )  # fmt: skip
    assert status == 2 and "moodtheme[parquet]" in err
    assert list(tmp_path.glob("*out*")) == []


def test_info_says_what_is_there_and_finds_damage(
    features: Path, program: Program, table: Path
) -> None:
    status, out, _ = program("features", "info", features)
    (store,) = find_stores(features)
    assert status == 0
    assert out.splitlines()[:3] == [
        f"{store}: 4 tracks, 41.0 kB",
        "  2 windows of 1,280 features a track",
        "  weights random",
    ]
    assert "  image_network efficientnet-lite0" in out.splitlines()
    status, out, _ = program("features", "info", store, "--verify")
    assert status == 0 and "4 of 4 rows are as they were written" in out
    shard = store / "shard-0000.f32"
    shard.write_bytes(shard.read_bytes()[:-1] + b"\xff")
    status, out, err = program("features", "info", features, "--verify")
    assert status == 1 and "3 of 4 rows" in out and "extract again" in err


def test_one_kind_must_be_named_where_there_are_several(
    features: Path, table: Path, program: Program, tmp_path: Path
) -> None:
    shutil.copytree(find_stores(features)[0], features / "another-kind")
    status, _, err = program(
        "features", "export", features, "--dataset", table, "--format", "npz",
        "-o", tmp_path / "out.npz",
    )  # fmt: skip
    assert status == 2 and all(str(store) in err for store in find_stores(features))
    export(program, find_stores(features)[1], table, "npz", tmp_path / "out.npz")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--system", "crnn-gru"), "ds-1s, ds-5s, opensmile"),
        (("--system", "ds-9s"), "no system is called 'ds-9s'"),
        (("--set", "colours=many"), "has no value 'colours'"),
        (("--part", "half"), "is no split"),
        (("--address", "127.0.0.1:6379"), "--engine ray"),
        (("--weights", "nowhere.pth"), "nowhere.pth"),
    ],
)
def test_wrong_usage_is_said_and_nothing_is_made(
    table: Path, tmp_path: Path, program: Program, words: tuple[str, ...], said: str
) -> None:
    status, _, err = extract(program, table, tmp_path / "features", *words)
    assert status == (1 if "nowhere.pth" in words else 2)
    assert said in err
    assert not (tmp_path / "features").exists()
