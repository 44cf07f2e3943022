"""Small JSON files of ours, each with its format's version: written whole, read with a reason."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from moodtheme.errors import MoodthemeError
from moodtheme.files import replacing

_T = TypeVar("_T")


def write_record(path: Path, content: object) -> None:
    """Write a dataclass, or a list of them, as JSON, whole or not at all.

    Its format's version, where it has one, is a field ``format_version``.

    Raises
    ------
    UsageError, WriteError
        As `replacing`.
    """
    text = msgspec.json.format(msgspec.json.encode(content), indent=1)
    with replacing(path) as temporary:
        temporary.write_bytes(text + b"\n")


@dataclass(frozen=True, kw_only=True)
class Records:
    """A kind of JSON files, and what to say where one cannot be used.

    Attributes
    ----------
    error
        What is raised.
    missing, again
        What to do where a file is not there, and to get a good one; ends of sentences.
    versions
        Of the format that can be read.
    version_key
        The field that holds it; a record without counts as the first.
    """

    error: type[MoodthemeError]
    missing: str
    again: str
    versions: tuple[int, ...] = (1,)
    version_key: str = "format_version"


def read_record(path: Path, kind: type[_T], of: Records) -> _T:
    """Read a JSON file, such as `write_record` writes.

    Raises
    ------
    MoodthemeError
        ``of.error``: the file is not there, of another version, or damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise of.error(f"{path}: cannot be read ({error.strerror}); {of.missing}") from error
    try:
        # The version first: what another version wrote may look like damage to this one.
        there: Any = msgspec.json.decode(content)
        found = there.get(of.version_key, 1) if isinstance(there, dict) else 1
        if isinstance(found, int) and found not in of.versions:
            reads = " and ".join(map(str, of.versions))
            remedy = f"update moodtheme, or {of.again}" if found > max(of.versions) else of.again
            raise of.error(f"{path} is of format {found}, this moodtheme reads {reads}; {remedy}")
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise of.error(f"{path} is damaged: {error}; {of.again}") from error
