"""Dataclasses as JSON files."""

from pathlib import Path
from typing import TypeVar

import msgspec

from moodtheme.errors import ReproductionError
from moodtheme.files import replacing

_T = TypeVar("_T")


def write_record(path: Path, content: object) -> None:
    """Write a dataclass as JSON, whole or not at all."""
    text = msgspec.json.format(msgspec.json.encode(content), indent=1)
    with replacing(path) as temporary:
        temporary.write_bytes(text + b"\n")


def read_record(path: Path, kind: type[_T]) -> _T:
    """Read a dataclass that `write_record` wrote.

    Raises
    ------
    ReproductionError
        If there is no such file, or it is damaged.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise ReproductionError(
            f"{path}: cannot be read ({error.strerror}); name the folder of a finished "
            "`moodtheme reproduce`"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ReproductionError(
            f"{path} is damaged: {error}; delete it and run the reproduction again"
        ) from error
