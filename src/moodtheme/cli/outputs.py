"""Where a command's results go: standard output, a device or pipe, or a file that is whole."""

import codecs
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from moodtheme.cli.streams import say
from moodtheme.errors import AudioError, UsageError
from moodtheme.files import (
    cannot_write,
    destination,
    locked,
    open_stream,
    put_in_place,
    require_writable,
)

# How files of ours begin: what begins so is not asked of the decoders, which find audio in noise.
_OURS = (
    b"[", b"{", b"path,", b"\xef\xbb\xbfpath,", b"FILE", b"\x93NUMPY", b"\x89PNG", b"<",
    b"PK\x03\x04", b"PAR1",
)  # fmt: skip


def require_output(
    output: Path | None, *, inputs: Iterable[Path | str | None] = (), suffixes: Sequence[str] = ()
) -> None:
    """See, before any work, that a file can be written and that writing it destroys nothing.

    Parameters
    ----------
    output
        The file; None for standard output, which is always taken.
    inputs
        Files that the command reads; members of archives may be named behind a colon.
    suffixes
        What the name may end in; devices and pipes may be called anything.

    Raises
    ------
    UsageError
        It is a dash, cannot be written, is one of the inputs, or holds audio.
    """
    if output is None:
        return
    if str(output) == "-":
        raise UsageError("an output cannot be called -; name a file, or /dev/stdout")
    require_writable(output)
    place, is_stream = destination(output)
    if suffixes and not is_stream and output.suffix not in suffixes:
        raise UsageError(f"{output}: let the name of this output end in {' or '.join(suffixes)}")
    if is_stream or not place.exists():
        return
    for file in _files(inputs):
        if place.samefile(file):
            raise UsageError(
                f"{output} is the same file as {file}, which is to be read; name another output"
            )
    if _holds_audio(place):
        raise UsageError(f"{output} holds audio, which would be lost; name another output")


def _files(inputs: Iterable[Path | str | None]) -> Iterator[Path]:
    for given in inputs:
        for name in (str(given), str(given).rpartition(":")[0]):
            if given is not None and name and Path(name).is_file():
                yield Path(name)


def is_file(output: Path | None) -> bool:
    """Whether results go into a regular file, there already or not."""
    return output is not None and not destination(output)[1]


@contextmanager
def claimed(output: Path | None) -> Iterator[None]:
    """Keep an output file to this process.

    Raises
    ------
    BusyError
        Another run is writing it.
    """
    if output is None or not is_file(output):
        yield
        return
    with locked(output, wait=False):
        yield


def _holds_audio(file: Path) -> bool:
    from moodtheme.audio import probe

    try:
        with file.open("rb") as content:
            start = content.read(16)
        if not start or start.startswith(_OURS):
            return False
        probe(file)
    except (AudioError, OSError):
        return False
    return True


def partial_path(path: Path) -> Path:
    """Where a file's content is gathered until it is complete."""
    return path.with_name(path.name + ".partial")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """JSON's escapes for characters that an encoding lacks: an error handler of codecs."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    units = text.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4)), error.end


JSON_ESCAPES = "moodtheme.json"
codecs.register_error(JSON_ESCAPES, _escaped)


@contextmanager
def result_stream(path: Path | None, *, is_json: bool = False) -> Iterator[TextIO]:
    """A text stream for results.

    A file is gathered beside its name and renamed at the end. After an interruption what was
    finished stays there, never under the final name, and is spoken of.

    Parameters
    ----------
    path
        The file; None means standard output.
    is_json
        Whether characters that the encoding lacks, among them the bytes of names that are not
        UTF-8, get JSON's escapes; else Python's.

    Raises
    ------
    UsageError, WriteError
        If the file cannot be written.
    """
    errors = JSON_ESCAPES if is_json else "backslashreplace"
    if path is None:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors=errors)
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        place, is_stream = destination(path)
        if is_stream:
            with open(path, "a", encoding="utf-8", errors=errors, opener=open_stream) as stream:
                yield stream
            return
        partial = partial_path(place)
        require_ours(partial, _OURS)
        try:
            with partial.open("w", encoding="utf-8", errors=errors, newline="") as stream:
                yield stream
            put_in_place(partial, place)
        except BaseException as error:
            _speak_of(partial, cut_short=isinstance(error, OSError))
            raise
    except OSError as error:
        raise cannot_write(path, error) from error


def _speak_of(partial: Path, *, cut_short: bool) -> None:
    if partial.exists() and not partial.stat().st_size:
        partial.unlink()
    if partial.exists():
        say(f"what was finished is in {partial}" + ", its end cut short" * cut_short)


def require_ours(file: Path, beginnings: tuple[bytes, ...]) -> None:
    """Refuse a file that another program wrote.

    Raises
    ------
    UsageError
        It begins with something else.
    """
    if not os.path.lexists(file):
        return
    start = b""
    if file.is_file():
        with file.open("rb") as content:
            start = content.read(max(map(len, beginnings)))
        if not start or start.startswith(beginnings):
            return
    raise UsageError(
        f"{file} is not a file of moodtheme's results; move it away, or name another output"
    )
