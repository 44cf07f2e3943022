"""Stores that only grow: numbers of tracks on disk, found by their audio.

A store is a folder with ``store.json`` (what the numbers are), ``index.jsonl`` (a line a record)
and shards of numbers, one record behind the other. A record's numbers are flushed to the disk
before its line, so what lies there without a line does not count; the next writer cuts it off, and
reads the last records again. Writers take turns. The audio's identity decides, not the file's name.
"""

import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from moodtheme import __version__
from moodtheme.errors import DatasetError
from moodtheme.records import Records, read_record

INDEX = "index.jsonl"
STORE = "store.json"
_FORMAT = 2

Numbers = npt.NDArray[Any]


@lru_cache(maxsize=256)
def _mapped(path: Path, dtype: np.dtype[Any], size: int) -> Numbers:
    """All numbers of a shard of so many bytes; one that has grown is mapped anew.

    A shard stays mapped while its process lives: opening a file for each of a training's excerpts
    would cost more than reading them.
    """
    return np.memmap(path, dtype=dtype, mode="r", shape=(size // dtype.itemsize,))


class About(Protocol):
    """What a store's numbers are; goes into its ``store.json``."""

    @property
    def key(self) -> str:
        """Equal for numbers that may lie in one store."""
        ...


AboutT = TypeVar("AboutT", bound=About)


class Description(msgspec.Struct, Generic[AboutT], frozen=True, kw_only=True):
    """Contents of ``store.json``."""

    about: AboutT
    made_by: str = __version__
    format: int = _FORMAT


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the index.

    Attributes
    ----------
    audio
        Identity of the audio, see `moodtheme.audio.audio_identity`.
    shard, offset, size
        Where the numbers are: which shard, and bytes in it.
    crc32
        Checksum of these bytes.
    scale
        What the numbers are to be multiplied by.
    """

    audio: str
    shard: int
    offset: int
    size: int
    crc32: int
    scale: float = 1.0


@dataclass(frozen=True)
class Form(Generic[AboutT]):
    """A kind of stores.

    Attributes
    ----------
    description
        Class of what ``store.json`` says.
    dtype
        Of the numbers.
    suffix
        Of the shards' names.
    again
        What makes a new one, for errors' ends: "extract again".
    """

    description: type[Description[AboutT]]
    dtype: np.dtype[Any]
    suffix: str
    again: str

    def shard(self, folder: Path, number: int) -> Path:
        """File of a shard of the store in a folder."""
        return folder / f"shard-{number:04d}.{self.suffix}"

    def numbers(self, folder: Path, shard: int, first: int, count: int) -> Numbers:
        """Numbers of a shard, read-only, from the disk when they are looked at."""
        path = self.shard(folder, shard)
        return _mapped(path, self.dtype, path.stat().st_size)[first : first + count]


class AppendStore(Generic[AboutT]):
    """A store opened for reading.

    Parameters
    ----------
    folder
        The store's own.
    form
        Its kind.

    Attributes
    ----------
    about
        What the numbers are; None where there is no store yet.
    records
        By audio, in the order they were appended.

    Raises
    ------
    DatasetError
        If the folder holds something else, or a store of another format or a damaged one.
    """

    def __init__(self, folder: Path, form: Form[AboutT]) -> None:
        self.folder = folder
        self.form = form
        self.about: AboutT | None = self._read_about()
        entries = [] if self.about is None else self.entries()
        self.records = {record.audio: record for record, _ in entries}

    def shard(self, number: int) -> Path:
        """File of a shard."""
        return self.form.shard(self.folder, number)

    def view(self, record: Record, start: int = 0, count: int | None = None) -> Numbers:
        """Numbers of a record from `start` on, `count` at most, as of `Form.numbers`."""
        width = self.form.dtype.itemsize
        first, left = record.offset // width + start, max(0, record.size // width - start)
        count = left if count is None else min(left, count)
        return self.form.numbers(self.folder, record.shard, first, count)

    def is_right(self, record: Record) -> bool:
        """Whether a record's bytes are those that were written."""
        try:
            with self.shard(record.shard).open("rb") as shard:
                shard.seek(record.offset)
                content = shard.read(record.size)
        except FileNotFoundError:
            return False
        return len(content) == record.size and zlib.crc32(content) == record.crc32

    def entries(self) -> list[tuple[Record, int]]:
        """Records whose numbers are all there, and where in the index the line of each ends.

        Records are appended in turn, so nothing counts behind the first that is cut short.
        """
        found: list[tuple[Record, int]] = []
        path, decoder, end = self.folder / INDEX, msgspec.json.Decoder(Record), 0
        sizes: dict[int, int] = {}
        if not path.exists():
            return found
        with path.open("rb") as index:
            while (line := index.readline()).endswith(b"\n"):
                end += len(line)
                try:
                    record = decoder.decode(line)
                except msgspec.DecodeError as error:
                    raise DatasetError(
                        f"{path}, line {len(found) + 1}, is damaged ({error}); delete that line "
                        f"and all after it, and {self.form.again}: only their tracks are made anew"
                    ) from error
                if record.shard not in sizes:
                    shard = self.shard(record.shard)
                    sizes[record.shard] = shard.stat().st_size if shard.exists() else 0
                if sizes[record.shard] < record.offset + record.size:
                    break
                found.append((record, end))
        return found

    def _read_about(self) -> AboutT | None:
        path, again = self.folder / STORE, f"delete {self.folder} and {self.form.again}"
        if path.exists():
            records = Records(
                error=DatasetError,
                missing="see to its permissions",
                again=again,
                versions=(_FORMAT,),
                version_key="format",
            )
            return read_record(path, self.form.description, records).about
        if (self.folder / INDEX).exists():
            raise DatasetError(
                f"{self.folder} is of an older version of moodtheme, or has lost its {STORE}; "
                f"{again}"
            )
        if self.folder.exists() and any(self.folder.iterdir()):
            raise DatasetError(f"{self.folder} holds something else; name another folder")
        return None
