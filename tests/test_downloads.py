"""One file from a server that breaks off, lies, does not resume, or is not there."""

import multiprocessing
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from mirror import Fault, Mirror, running_mirror, sha256
from moodtheme import fetched
from moodtheme.errors import DownloadError, HashMismatchError
from moodtheme.fetched.downloads import fetch as fetch_from
from moodtheme.fetched.downloads import partial_size, remote_size
from moodtheme.files import sha256_of

CONTENT = bytes(range(256)) * 4096
DIGEST = sha256(CONTENT)
fetch = partial(fetch_from, backoff_s=0.001, timeout_s=60)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with running_mirror() as server:
        server.files["file.bin"] = CONTENT
        yield server


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "file.bin"


def leftovers(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path != target)


def test_a_file_arrives_whole_and_alone(mirror: Mirror, target: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    url = f"{mirror.url}/file.bin"
    assert fetch([url], target, sha256=DIGEST, progress=lambda *at: seen.append(at)) == target
    assert target.read_bytes() == CONTENT
    assert leftovers(target) == []
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_file_that_is_there_is_not_fetched_again(mirror: Mirror, target: Path) -> None:
    url = f"{mirror.url}/file.bin"
    fetch([url], target, sha256=DIGEST)
    fetch([url], target, sha256=DIGEST.upper())
    fetch([url], target, sha256=None)
    assert len(mirror.requests) == 1


def test_a_wrong_file_in_the_place_is_replaced(mirror: Mirror, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"something else")
    fetch([f"{mirror.url}/file.bin"], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT


def test_a_broken_transfer_goes_on_where_it_stopped(mirror: Mirror, target: Path) -> None:
    mirror.faults["file.bin"] = [Fault(break_after=262_144), Fault(break_after=393_216)]
    fetch([f"{mirror.url}/file.bin"], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT
    assert mirror.gets("file.bin") == [None, "bytes=262144-", "bytes=655360-"]


def test_attempts_that_bring_bytes_are_not_counted(mirror: Mirror, target: Path) -> None:
    mirror.faults["file.bin"] = [Fault(break_after=131_072)] * 9
    fetch([f"{mirror.url}/file.bin"], target, sha256=DIGEST, attempts=2)
    assert target.read_bytes() == CONTENT


def test_a_later_call_goes_on_with_what_an_earlier_one_left(mirror: Mirror, target: Path) -> None:
    mirror.faults["file.bin"] = [Fault(break_after=262_144), Fault(status=404)]
    url = f"{mirror.url}/file.bin"
    with pytest.raises(DownloadError, match="goes on where it stopped"):
        fetch([url], target, sha256=DIGEST)
    assert not target.exists()
    assert partial_size(target) == 262_144
    fetch([url], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT
    assert mirror.gets("file.bin")[-1] == "bytes=262144-"
    assert partial_size(target) == 0


def test_a_server_that_cannot_resume_sends_the_file_again(mirror: Mirror, target: Path) -> None:
    mirror.ranges = False
    mirror.faults["file.bin"] = [Fault(break_after=262_144)]
    fetch([f"{mirror.url}/file.bin"], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT


def test_a_server_that_neither_resumes_nor_finishes_is_given_up(
    mirror: Mirror, target: Path
) -> None:
    mirror.ranges = False
    mirror.faults["file.bin"] = [Fault(break_after=262_144)] * 20
    with pytest.raises(DownloadError, match=r"file\.bin.*(broke|ended)"):
        fetch([f"{mirror.url}/file.bin"], target, sha256=DIGEST, attempts=3)
    assert len(mirror.requests) == 4  # the first one brought bytes


def test_a_stale_beginning_is_thrown_away(mirror: Mirror, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("file.bin.partial").write_bytes(b"x" * 1000)
    fetch([f"{mirror.url}/file.bin"], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT
    assert mirror.gets("file.bin") == ["bytes=1000-", None]


@pytest.mark.parametrize("left", [CONTENT, CONTENT + b"more", b"x" * len(CONTENT)])
def test_a_partial_file_of_full_length_is_checked(
    mirror: Mirror, target: Path, left: bytes
) -> None:
    target.parent.mkdir()
    target.with_name("file.bin.partial").write_bytes(left)
    fetch([f"{mirror.url}/file.bin"], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT


def test_without_a_digest_nothing_is_resumed(mirror: Mirror, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("file.bin.partial").write_bytes(b"x" * 1000)
    mirror.faults["file.bin"] = [Fault(break_after=262_144)]
    fetch([f"{mirror.url}/file.bin"], target, sha256=None)
    assert target.read_bytes() == CONTENT
    assert mirror.gets("file.bin") == [None, None]


def test_wrong_bytes_never_get_the_name(mirror: Mirror, target: Path) -> None:
    mirror.files["file.bin"] = CONTENT[:-1] + b"!"
    url = f"{mirror.url}/file.bin"
    with pytest.raises(HashMismatchError) as caught:
        fetch([url], target, sha256=DIGEST)
    assert all(part in str(caught.value) for part in (url, str(target), DIGEST))
    assert not target.exists()
    assert partial_size(target) == 0


def test_the_next_mirror_helps_out(mirror: Mirror, target: Path) -> None:
    mirror.files["lies.bin"] = b"an error page"
    urls = [f"{mirror.url}/{name}" for name in ("missing.bin", "lies.bin", "file.bin")]
    fetch(urls, target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT


def test_a_transfer_is_taken_up_from_another_mirror(mirror: Mirror, target: Path) -> None:
    mirror.files["breaks.bin"] = CONTENT
    mirror.faults["breaks.bin"] = [Fault(break_after=262_144), Fault(status=404)]
    fetch([f"{mirror.url}/breaks.bin", f"{mirror.url}/file.bin"], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT
    assert mirror.gets("file.bin") == ["bytes=262144-"]


def test_a_busy_server_is_asked_again_but_not_for_ever(mirror: Mirror, target: Path) -> None:
    url = f"{mirror.url}/file.bin"
    mirror.faults["file.bin"] = [Fault(status=503), Fault(status=429)]
    fetch([url], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT
    target.unlink()
    mirror.faults["file.bin"] = [Fault(status=503)] * 20
    with pytest.raises(DownloadError, match="answered 503"):
        fetch([url], target, sha256=DIGEST, attempts=3)
    assert len(mirror.requests) == 3 + 3


def test_a_server_may_say_when_to_come_back(mirror: Mirror, target: Path) -> None:
    mirror.faults["file.bin"] = [Fault(status=503, headers=(("Retry-After", "0"),))]
    start = time.monotonic()
    fetch([f"{mirror.url}/file.bin"], target, sha256=DIGEST, backoff_s=600)
    assert time.monotonic() - start < 300


def test_a_missing_file_is_asked_for_once(mirror: Mirror, target: Path) -> None:
    with pytest.raises(DownloadError, match=r"missing\.bin: the server answered 404"):
        fetch([f"{mirror.url}/missing.bin"], target, sha256=DIGEST)
    assert len(mirror.requests) == 1
    assert leftovers(target) == []


def test_a_silent_server_is_left_after_the_timeout(mirror: Mirror, target: Path) -> None:
    mirror.faults["file.bin"] = [Fault(silent_s=600)]
    fetch([f"{mirror.url}/file.bin"], target, sha256=DIGEST, timeout_s=1)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("url", ["CLOSED/file.bin", "ftp://somewhere/x", "nonsense"])
def test_an_address_that_leads_nowhere_is_named(target: Path, url: str, closed_port: str) -> None:
    url = url.replace("CLOSED", closed_port)
    with pytest.raises(DownloadError, match=url):
        fetch([url], target, sha256=DIGEST, attempts=2)


def test_no_size_stated_is_no_hindrance(mirror: Mirror, target: Path) -> None:
    mirror.sizes = False
    seen: list[int | None] = []
    fetch(
        [f"{mirror.url}/file.bin"],
        target,
        sha256=DIGEST,
        progress=lambda _, total: seen.append(total),
    )
    assert target.read_bytes() == CONTENT
    assert set(seen) == {None}
    assert remote_size([f"{mirror.url}/file.bin"]) is None


def test_the_size_comes_from_the_first_mirror_that_knows(mirror: Mirror, closed_port: str) -> None:
    names = ("missing.bin", "file.bin")
    assert remote_size([f"{mirror.url}/{name}" for name in names]) == len(CONTENT)
    assert remote_size([f"{mirror.url}/missing.bin", closed_port]) is None


def test_a_place_that_cannot_be_written_is_named(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(DownloadError, match=r"a file.*cannot be written"):
        fetch([f"{mirror.url}/file.bin"], tmp_path / "a file" / "file.bin", sha256=DIGEST)


def test_a_second_process_does_not_mix_its_bytes_in(mirror: Mirror, target: Path) -> None:
    pytest.importorskip("fcntl", reason="only on POSIX")
    mirror.faults["file.bin"] = [Fault(silent_s=600)]
    url = f"{mirror.url}/file.bin"
    first = multiprocessing.get_context("spawn").Process(
        target=fetch, args=([url], target), kwargs={"sha256": DIGEST, "timeout_s": 600}
    )
    first.start()
    try:
        while not mirror.requests and first.is_alive():
            time.sleep(0.01)
        with pytest.raises(DownloadError, match="another process"):
            fetch([url], target, sha256=DIGEST)
    finally:
        first.kill()
        first.join()
    fetch([url], target, sha256=DIGEST)
    assert sha256_of(target) == DIGEST


def test_the_cache_goes_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(fetched.ENVIRONMENT_VARIABLE, str(tmp_path))
    assert fetched.cache_dir() == tmp_path
    monkeypatch.delenv(fetched.ENVIRONMENT_VARIABLE)
    assert fetched.cache_dir().name == "moodtheme"
