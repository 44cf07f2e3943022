"""What a store's folder holds, and which of it counts.

A store is a folder with ``extractor.json`` (what the features are), ``index.jsonl`` (a line a
track) and shards of float32 rows. The line with number n belongs to row n: the rows lie one behind
the other, a fixed number in each shard. A row is written and flushed to the disk before its line,
so what is there without a line does not count, and is overwritten.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from moodtheme.errors import DatasetError
from moodtheme.feature_store.extractor import ExtractorInfo
from moodtheme.files import Records, make_folder, read_record, write_record
from moodtheme.tagging.windows import FloatArray

EXTRACTOR = "extractor.json"
INDEX = "index.jsonl"
VALUE = np.dtype("<f4")
_SHARD_BYTES = 2**30
_FORMAT = 1


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """Contents of ``extractor.json``.

    Attributes
    ----------
    extractor
        What the features are.
    rows_per_shard
        Tracks in a full shard.
    made_by
        Version of the program.
    """

    extractor: ExtractorInfo
    rows_per_shard: int
    made_by: str
    format: int = _FORMAT


class Entry(msgspec.Struct, frozen=True):
    """A line of the index: the audio's identity and the CRC-32 of its row's bytes."""

    audio: str
    crc32: int


@dataclass(frozen=True)
class Layout:
    """Where rows are; small and cheap to copy to other processes.

    Attributes
    ----------
    folder
        The store's.
    windows, n_features
        Shape of a row.
    rows_per_shard
        See `Description`.
    """

    folder: Path
    windows: int
    n_features: int
    rows_per_shard: int

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return self.windows * self.n_features * VALUE.itemsize

    def shard(self, number: int) -> Path:
        """File of a shard."""
        return self.folder / f"shard-{number:04d}.f32"

    def place(self, row: int) -> tuple[Path, int]:
        """A row's file and offset in bytes."""
        number, within = divmod(row, self.rows_per_shard)
        return self.shard(number), within * self.row_bytes

    def map_row(self, row: int) -> FloatArray:
        """A row, ``(windows, n_features)``, read-only, from the disk when it is looked at."""
        path, offset = self.place(row)
        shape = (self.windows, self.n_features)
        return np.memmap(path, dtype=VALUE, mode="r", offset=offset, shape=shape)

    def crc32(self, row: int) -> int | None:
        """Checksum of a row as it is on the disk; None where it is cut short."""
        path, offset = self.place(row)
        try:
            with path.open("rb") as shard:
                shard.seek(offset)
                content = shard.read(self.row_bytes)
        except FileNotFoundError:
            return None
        return zlib.crc32(content) if len(content) == self.row_bytes else None

    def whole_rows(self, wanted: int) -> int:
        """How many rows of the first `wanted` have all their bytes."""
        rows = 0
        while rows < wanted:
            try:
                size = self.shard(rows // self.rows_per_shard).stat().st_size
            except FileNotFoundError:
                break
            there = min(size // self.row_bytes, self.rows_per_shard)
            rows += there
            if there < self.rows_per_shard:
                break
        return min(rows, wanted)


def layout_of(folder: Path, description: Description) -> Layout:
    """Where the rows of a described store are."""
    info = description.extractor
    return Layout(folder, info.windows, info.n_features, description.rows_per_shard)


def describe_new(info: ExtractorInfo) -> Description:
    """Describe a store that does not exist yet."""
    from moodtheme import __version__

    return Description(
        extractor=info,
        rows_per_shard=max(1, _SHARD_BYTES // info.row_bytes),
        made_by=__version__,
    )


def read_description(folder: Path) -> Description:
    """Read what a store's features are.

    Raises
    ------
    DatasetError
        If the folder holds no store that this version reads.
    """
    path = folder / EXTRACTOR
    if not path.exists():
        raise DatasetError(
            f"{folder} holds no features; make them with `moodtheme features extract`"
        )
    again = f"delete {folder} and extract again"
    description = read_record(
        path,
        Description,
        Records(
            error=DatasetError,
            missing="see to its permissions",
            again=again,
            versions=(_FORMAT,),
            version_key="format",
        ),
    )
    if description.rows_per_shard <= 0 or description.extractor.n_features <= 0:
        raise DatasetError(f"{path} is damaged: rows of no size; {again}")
    return description


def write_description(folder: Path, description: Description) -> None:
    """Write ``extractor.json``, whole or not at all."""
    make_folder(folder)
    write_record(folder / EXTRACTOR, description)


def read_index(layout: Layout) -> tuple[list[Entry], list[int]]:
    """Entries whose rows are all there, and where in the file the line of each ends.

    Raises
    ------
    DatasetError
        If a line in the middle is damaged.
    """
    path = layout.folder / INDEX
    entries = []
    ends = []
    try:
        for entry, end in _lines(path):
            entries.append(entry)
            ends.append(end)
    except msgspec.DecodeError as error:
        raise DatasetError(
            f"{path}, line {len(entries) + 1}, is damaged ({error}); delete that line and all "
            "after it, and extract again: only their tracks are computed anew"
        ) from error
    whole = layout.whole_rows(len(entries))
    return entries[:whole], ends[:whole]


def _lines(path: Path) -> Iterator[tuple[Entry, int]]:
    """Complete lines of the index and where each ends."""
    if not path.exists():
        return
    decoder = msgspec.json.Decoder(Entry)
    end = 0
    with path.open("rb") as index:
        while (line := index.readline()).endswith(b"\n"):
            end += len(line)
            yield decoder.decode(line), end


def checksum(row: npt.NDArray[np.float32]) -> int:
    """CRC-32 of a row's bytes."""
    return zlib.crc32(np.ascontiguousarray(row, dtype=VALUE).data)
