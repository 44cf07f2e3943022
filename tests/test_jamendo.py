"""MTG-Jamendo's lists: their form, where they come from, and the official truth."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import toy_jamendo
from mirror import Mirror, running_mirror, sha256
from moodtheme.datasets import Metadata, Split, load_dataset, summarise
from moodtheme.datasets.jamendo import SHA256, DataType, downloaded_type, file_name, load, read_list
from moodtheme.errors import DatasetError, DownloadError, HashMismatchError, UsageError
from moodtheme.fetched import ENVIRONMENT_VARIABLE
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS

OFFICIAL = Path(__file__).parents[2] / "shared" / "jamendo"
needs_official = pytest.mark.skipif(
    not OFFICIAL.is_dir(), reason="../shared/jamendo is absent: the official lists are not read"
)


@pytest.fixture
def metadata(tmp_path: Path) -> Metadata:
    return Metadata(folder=toy_jamendo.write_metadata(tmp_path / "data"))


@pytest.mark.shared
@needs_official
def test_the_official_truth_is_reproduced_bit_for_bit() -> None:
    table = load(Metadata(folder=OFFICIAL))
    truth = np.load(OFFICIAL / "groundtruth-test.npy", allow_pickle=False)
    ours = table.part(Split.TEST).labels
    assert (ours.dtype, ours.shape) == (truth.dtype, truth.shape) == (np.bool_, (4231, 56))
    assert ours.tobytes() == truth.tobytes()


@pytest.mark.shared
@needs_official
def test_the_official_division_has_its_published_size_and_no_leak() -> None:
    summary = summarise(load(Metadata(folder=OFFICIAL)))
    assert [part.tracks for part in summary.parts] == [9949, 3802, 4231]
    assert summary.hours == pytest.approx(1095.1, abs=0.1)  # awk over the DURATION column
    assert all(overlap.artists == overlap.albums == [] for overlap in summary.overlaps)
    assert summary.tags_without_positives == {}


@pytest.mark.shared
@needs_official
def test_the_known_checksums_are_those_of_the_official_lists() -> None:
    for name, digest in SHA256.items():
        assert sha256(Metadata(folder=OFFICIAL).file(name).read_bytes()) == digest


def test_a_division_is_read_in_official_order(metadata: Metadata, tmp_path: Path) -> None:
    table = load(metadata, data_type=DataType.AUDIO_LOW, root=tmp_path)
    names = toy_jamendo.track_names("audio-low")
    assert list(table.paths) == [*names[0::3], *names[1::3], *names[2::3]]
    assert table.files[0] == tmp_path / "00" / "100.low.mp3"
    assert table.tags == MOOD_THEME_TAGS
    train = table.part(Split.TRAIN)
    assert train.tracks == tuple(f"track_{path[3:-8]}" for path in names[0::3])
    first = dict(zip(table.tags, train.labels[0], strict=True))
    assert {tag for tag, on in first.items() if on} == {"action", "happy"}
    assert train.artists == ("artist_00", "artist_01", "artist_00", "artist_01")
    assert np.all(table.durations == 90.0)


def test_there_are_five_divisions(metadata: Metadata, tmp_path: Path) -> None:
    toy_jamendo.write_lists(tmp_path / "data", split=4)
    assert len(load(metadata, split=4)) == len(load(metadata))
    with pytest.raises(UsageError, match="no split 5"):
        load(metadata, split=5)
    with pytest.raises(DatasetError, match="split-2"):
        load(metadata, split=2)


@pytest.mark.parametrize("layout", ["", "data", "flat"])
def test_the_lists_are_found_in_every_usual_layout(tmp_path: Path, layout: str) -> None:
    made = toy_jamendo.write_metadata(tmp_path / layout if layout == "data" else tmp_path)
    if layout == "flat":
        for kind in ("splits", "download"):
            for entry in (made / kind).iterdir():
                entry.rename(made / entry.name)
    metadata = Metadata(folder=tmp_path)
    assert len(load(metadata)) == 12
    assert metadata.file("download/autotagging_moodtheme_audio_sha256_tars.txt").is_file()


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("track_1\tartist_1\talbum_1\t01/1.mp3\t90.0", "line 2: has 5 cells"),
        ("track_1\tartist_1\talbum_1\t01/1.mp3\tlong\tmood/theme---calm", "'long' is not a dur"),
        ("track_1\tartist_1\talbum_1\t01/1.mp3\t90.0\tmood/theme---nice", "the tag 'nice'"),
        ("track_1\tartist_1\talbum_1\t../1.mp3\t90.0\tmood/theme---calm", "leads out of"),
        ("track_1\tartist_1\talbum_1\t/1.mp3\t90.0\tmood/theme---calm", "leads out of"),
        ("", "holds no track"),
    ],
)
def test_a_damaged_list_is_refused_with_its_line(tmp_path: Path, row: str, complaint: str) -> None:
    path = tmp_path / "list.tsv"
    path.write_text(f"{toy_jamendo.HEADER}\n{row}\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=complaint) as caught:
        read_list(path, tags=MOOD_THEME_TAGS)
    assert "list.tsv" in str(caught.value)


def test_a_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.tsv").write_text("path\ttags\na\tb\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="does not begin with the columns TRACK_ID"):
        read_list(tmp_path / "list.tsv")


def test_an_official_list_is_a_table_like_any_other(metadata: Metadata) -> None:
    path = metadata.file("splits/split-0/autotagging_moodtheme-train.tsv")
    table = load_dataset(str(path), check_files=False)
    assert table.tags == ("action", "calm", "dark", "happy")
    assert table.root == path.parent


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "cache"))
    folder = toy_jamendo.write_metadata(tmp_path / "repository")
    with running_mirror() as mirror:
        for file in folder.rglob("*.*"):
            mirror.files[file.relative_to(folder).as_posix()] = file.read_bytes()
        yield mirror


def test_the_lists_are_fetched_once_and_then_come_from_the_cache(repository: Mirror) -> None:
    metadata = Metadata(base_url=repository.url, sha256={})
    assert len(load(metadata)) == 12
    assert len(repository.requests) == 3
    assert len(load(metadata)) == 12
    assert len(repository.requests) == 3


def test_a_fetched_list_must_be_the_known_one(repository: Mirror, tmp_path: Path) -> None:
    with pytest.raises(HashMismatchError, match="autotagging_moodtheme-train"):
        load(Metadata(base_url=repository.url))
    assert list((tmp_path / "cache").rglob("*.tsv")) == []


def test_without_a_connection_the_way_out_is_named(repository: Mirror) -> None:
    repository.files.clear()
    with pytest.raises(DownloadError, match="--metadata"):
        load(Metadata(base_url=repository.url))


def test_what_was_downloaded_is_recognised(metadata: Metadata, tmp_path: Path) -> None:
    music = tmp_path / "music"
    (music / "00").mkdir(parents=True)
    assert downloaded_type(music) is None
    for data_type in reversed(DataType):
        (music / file_name("00/100.mp3", data_type)).touch()
        assert downloaded_type(music) is data_type
        table = load_dataset(f"jamendo:{music}", metadata=metadata)
        assert [file.name for file in table.present().files] == [file_name("100.mp3", data_type)]
    assert len(load_dataset("jamendo", metadata=metadata)) == len(table) == 12
    with pytest.raises(DatasetError, match="no such folder"):
        load_dataset("jamendo:nowhere", metadata=metadata)
