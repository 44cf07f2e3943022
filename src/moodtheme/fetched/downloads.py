"""One file from the network to the disk: resumed where it broke off, verified before it counts.

A file under its final name is complete and, where a SHA-256 was given, the right one. What is
still arriving is called ``NAME.partial`` beside it, survives a kill at any moment and is taken up
by the next call. Datasets, metadata and pretrained weights all come through `fetch`.
"""

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import requests

from moodtheme import __version__
from moodtheme.errors import BusyError, DownloadError, HashMismatchError
from moodtheme.fetched import without_password
from moodtheme.files import locked, put_in_place, sha256_of
from moodtheme.work import Progress, no_progress

PARTIAL_SUFFIX = ".partial"
_BLOCK_BYTES = 1 << 16  # at most so much is asked for twice after a break
_LONGEST_WAIT_S = 60.0
# ``identity``: a compressed transfer has no byte positions to resume from.
_HEADERS = {"User-Agent": f"moodtheme/{__version__}", "Accept-Encoding": "identity"}
# Answers that another try may turn into a file; every other 4xx is final for its address.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class _RetryableError(Exception):
    """An attempt failed in a way that a later attempt may not."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class _FinalError(Exception):
    """The address will not give the file, however often it is asked."""


class _WrongBytesError(_FinalError):
    """The whole file arrived and is not the one wanted."""


@dataclass(frozen=True)
class _Transfer:
    """What every attempt for one file has in common."""

    partial: IO[bytes]
    sha256: str | None
    timeout_s: float
    progress: Progress


def fetch(
    urls: Sequence[str],
    target: Path,
    *,
    sha256: str | None,
    progress: Progress = no_progress,
    attempts: int = 5,
    backoff_s: float = 1.0,
    timeout_s: float = 60.0,
) -> Path:
    """Bring one file to ``target`` from the first of several mirrors that has it.

    Parameters
    ----------
    urls
        Addresses of the same file, the preferred one first.
    target
        Where the file shall be. A file that is there already is kept if it is the right one
        (without ``sha256``: kept as it is), and replaced otherwise. Missing folders are made.
    sha256
        The file's SHA-256 in hexadecimal digits, verified before the file gets its name. Without
        it nothing could tell a stale beginning from a good one, so nothing is resumed.
    progress
        Called after every block with bytes.
    attempts
        Tries at one address that bring no new byte before the next address has its turn.
    backoff_s
        Seconds before the second try, doubled with each further one up to a minute. A server's
        ``Retry-After`` in seconds, up to the same minute, goes before it.
    timeout_s
        Seconds of silence, when connecting or within the transfer, that end an attempt.

    Returns
    -------
    Path
        ``target``.

    Raises
    ------
    HashMismatchError
        A mirror sent a whole file that is not the one wanted, and no other mirror had it.
    DownloadError
        No mirror gave the file; what arrived of it is kept for the next call.
    """
    if target.is_file() and (sha256 is None or sha256_of(target) == sha256.lower()):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _own_partial(target) as partial:
            transfer = _Transfer(partial, sha256, timeout_s, progress)
            _from_mirrors(urls, target, transfer, attempts=attempts, backoff_s=backoff_s)
            partial.flush()
            partial.close()  # Windows renames no open file
            put_in_place(Path(partial.name), target)
    except OSError as error:
        raise DownloadError(
            f"{target}: cannot be written ({error.strerror or error}); make room or choose "
            "another folder, then run the same command again"
        ) from error
    return target


def remote_size(urls: Sequence[str], *, timeout_s: float = 20.0) -> int | None:
    """Return a file's size in bytes as the first mirror that states one does, else None."""
    for url in urls:
        try:
            answer = requests.head(url, headers=_HEADERS, timeout=timeout_s, allow_redirects=True)
        except requests.RequestException:
            continue
        if answer.ok and (size := _total(answer)) is not None:
            return size
    return None


def partial_size(target: Path) -> int:
    """Return how many bytes of ``target`` an earlier, broken-off call has left."""
    partial = _partial_path(target)
    return partial.stat().st_size if partial.is_file() else 0


def _partial_path(target: Path) -> Path:
    return target.with_name(target.name + PARTIAL_SUFFIX)


@contextmanager
def _own_partial(target: Path) -> Iterator[IO[bytes]]:
    """Open the partial file for this process alone: a second writer would mix their bytes."""
    path = _partial_path(target)
    try:
        with locked(path, wait=False):
            try:
                with path.open("a+b") as partial:
                    yield partial
            finally:
                # Still under the lock, so that no other process can have begun to fill it.
                if path.exists() and path.stat().st_size == 0:
                    path.unlink()
    except BusyError as error:
        raise DownloadError(
            f"{target}: another process is downloading this file; wait for it to end, then run "
            "the same command again"
        ) from error


def _from_mirrors(
    urls: Sequence[str], target: Path, transfer: _Transfer, *, attempts: int, backoff_s: float
) -> None:
    failures: list[str] = []
    wrong_bytes = False
    for url in urls:
        try:
            _from_mirror(url, transfer, attempts=attempts, backoff_s=backoff_s)
        except (_RetryableError, _FinalError) as failure:
            failures.append(f"{without_password(url)}: {failure}")
            wrong_bytes = wrong_bytes or isinstance(failure, _WrongBytesError)
        else:
            return
    reasons = "; ".join(failures) if failures else "no address was given"
    if wrong_bytes:
        raise HashMismatchError(
            f"{target}: the file on offer is not the expected one ({reasons}); try again later "
            "or from another mirror, and report it if it stays so"
        )
    raise DownloadError(
        f"{target}: could not be fetched ({reasons}); check the connection and run the same "
        "command again, it goes on where it stopped"
    )


def _from_mirror(url: str, transfer: _Transfer, *, attempts: int, backoff_s: float) -> None:
    """Fill the partial file from one address, trying again while that may help."""
    fruitless = 0
    farthest = transfer.partial.seek(0, os.SEEK_END)
    while True:
        resumed = transfer.partial.seek(0, os.SEEK_END) > 0
        try:
            _attempt(url, transfer)
            _verify(transfer)
            return
        except _WrongBytesError:
            transfer.partial.truncate(0)
            if not resumed:
                raise
            farthest = 0  # the beginning may have been stale: once more, from the first byte
        except _RetryableError as failure:
            arrived = transfer.partial.seek(0, os.SEEK_END)
            fruitless = 0 if arrived > farthest else fruitless + 1
            farthest = max(farthest, arrived)
            if fruitless >= attempts:
                raise
            doubled = backoff_s * 2 ** max(fruitless - 1, 0)
            wait_s = doubled if failure.wait_s is None else failure.wait_s
            time.sleep(min(wait_s, _LONGEST_WAIT_S))


def _attempt(url: str, transfer: _Transfer) -> None:
    """Ask once for what is missing and append it."""
    if transfer.sha256 is None:
        transfer.partial.truncate(0)
    have = transfer.partial.seek(0, os.SEEK_END)
    headers = _HEADERS | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=transfer.timeout_s) as answer:
            if answer.status_code == 416 and have:
                # Nothing lies behind what is here: it is complete, or it is not this file.
                if _total(answer) != have:
                    transfer.partial.truncate(0)
                    raise _RetryableError("the file on the server is shorter than what was here")
                return
            if answer.status_code in _PASSING:
                raise _RetryableError(
                    f"the server answered {answer.status_code}", _retry_after(answer)
                )
            if answer.status_code not in {200, 206}:
                raise _FinalError(f"the server answered {answer.status_code}")
            if answer.status_code == 206 and _start(answer) != have:
                raise _FinalError("the server sent another part than the one asked for")
            if answer.status_code == 200:
                transfer.partial.truncate(0)  # the server does not resume
            _append(answer, transfer)
    except requests.RequestException as error:
        if "SOCKS" in str(error):
            raise _FinalError(
                "the environment names a SOCKS proxy, which needs the package PySocks: install it "
                "or unset ALL_PROXY and its like"
            ) from error
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            raise _FinalError(str(error)) from error
        raise _RetryableError(_reason(error)) from error


def _append(answer: requests.Response, transfer: _Transfer) -> None:
    position = transfer.partial.seek(0, os.SEEK_END)
    total = _total(answer)
    for block in answer.iter_content(_BLOCK_BYTES):
        transfer.partial.write(block)
        position += len(block)
        transfer.progress(position, total)
    if total is not None and position != total:
        raise _RetryableError(f"the transfer ended after {position} of {total} bytes")


def _verify(transfer: _Transfer) -> None:
    if transfer.sha256 is None:
        return
    transfer.partial.seek(0)
    found = hashlib.file_digest(transfer.partial, "sha256").hexdigest()  # type: ignore[arg-type]
    if found != transfer.sha256.lower():
        raise _WrongBytesError(f"SHA-256 {found} instead of {transfer.sha256.lower()}")


def _total(answer: requests.Response) -> int | None:
    """Return the whole file's size: from ``Content-Range: bytes 5-9/10``, or of a full answer."""
    if answer.status_code == 200:
        stated = answer.headers.get("Content-Length", "")
    else:
        stated = answer.headers.get("Content-Range", "").rpartition("/")[2]
    return int(stated) if stated.isdecimal() else None


def _start(answer: requests.Response) -> int | None:
    first = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdecimal() else None


def _retry_after(answer: requests.Response) -> float | None:
    stated = answer.headers.get("Retry-After", "")
    return float(stated) if stated.isdecimal() else None


def _reason(error: requests.RequestException) -> str:
    """Say in a few words what the library says in a hundred."""
    if isinstance(error, requests.Timeout):
        return "the server was silent for too long"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate was not accepted"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke"
    if isinstance(error, requests.ConnectionError):
        return "no connection, or it broke"
    return str(error)
