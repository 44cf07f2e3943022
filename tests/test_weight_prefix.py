"""Weights whose publisher states only how their hash begins, or only an MD5."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror import Mirror, running_mirror, sha256
from moodtheme.errors import HashMismatchError
from moodtheme.fetched.cache import ENVIRONMENT_VARIABLE
from moodtheme.fetched.weights import WeightFile, fetch_weights

CONTENT = b"numbers" * 1000


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "cache"))
    with running_mirror() as server:
        server.files["w.pth"] = CONTENT
        yield server


def weights(mirror: Mirror, digest: str) -> WeightFile:
    return WeightFile(
        file="w.pth", url=f"{mirror.url}/w.pth", sha256=digest, licence="none", origin="this test"
    )


def test_a_file_whose_hash_begins_so_is_kept_and_fetched_once(mirror: Mirror) -> None:
    wanted = weights(mirror, sha256(CONTENT)[:8])
    path = fetch_weights(wanted)
    assert path.read_bytes() == CONTENT
    assert fetch_weights(wanted, offline=True) == path
    assert len(mirror.requests) == 1
    assert [file.name for file in path.parent.iterdir()] == ["w.pth"]


def test_another_file_is_refused_and_not_kept(mirror: Mirror, tmp_path: Path) -> None:
    wanted = weights(mirror, "0" * 8)
    with pytest.raises(HashMismatchError, match="should begin with 00000000"):
        fetch_weights(wanted)
    assert list((tmp_path / "cache" / "weights").iterdir()) == []


def test_a_local_copy_is_held_to_the_same_beginning(mirror: Mirror, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pth"
    copy.write_bytes(CONTENT)
    path = fetch_weights(weights(mirror, sha256(CONTENT)[:8]), from_file=copy)
    assert path.read_bytes() == CONTENT
    with pytest.raises(HashMismatchError, match="not the published file"):
        fetch_weights(weights(mirror, "0" * 8), from_file=copy)


def md5_weights(mirror: Mirror, digest: str) -> WeightFile:
    return WeightFile(
        file="w.h5", url=f"{mirror.url}/w.pth", md5=digest, licence="none", origin="this test"
    )


def test_a_file_with_an_md5_alone_is_held_to_it(mirror: Mirror, tmp_path: Path) -> None:
    wanted = md5_weights(mirror, hashlib.md5(CONTENT).hexdigest())
    path = fetch_weights(wanted)
    assert fetch_weights(wanted, offline=True) == path
    path.write_bytes(CONTENT + b"!")
    assert fetch_weights(wanted).read_bytes() == CONTENT
    assert len(mirror.requests) == 2
    with pytest.raises(HashMismatchError, match=r"MD5 [0-9a-f]{32}, not 0{32}"):
        fetch_weights(md5_weights(mirror, "0" * 32))
    copy = tmp_path / "copy.h5"
    copy.write_bytes(b"other")
    with pytest.raises(HashMismatchError, match=r"MD5 .* not the published file"):
        fetch_weights(wanted, from_file=copy)


def test_a_file_that_nothing_could_verify_is_no_weight_file() -> None:
    with pytest.raises(ValueError, match="has no hash"):
        WeightFile(file="w.h5", url="http://localhost", licence="none", origin="this test")
