"""Layout of an audio cache on disk: its index and its shards.

A cache is a folder with ``index.jsonl`` and shards of int16 samples, all mono at one rate. A
track's samples are scaled to its own peak, so nothing clips and quiet music keeps its detail.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from moodtheme.errors import DatasetError

SAMPLE = np.dtype("<i2")
FULL_SCALE = 32_767
INDEX = "index.jsonl"
FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """Where a track's samples are, and which file they were decoded from."""

    file: str
    size: int
    mtime_ns: int
    shard: int
    offset: int
    samples: int
    peak: float


def read_index(folder: Path, sample_rate: int) -> tuple[list[Entry], int]:
    """Entries whose samples are all there, and the length in bytes of what the index holds of them.

    Tracks are appended in turn, so nothing counts behind the first entry that is cut short.

    Raises
    ------
    DatasetError
        If the folder holds something else, or a cache of another rate, or a damaged one.
    """
    path = folder / INDEX
    if not path.exists():
        if folder.exists() and any(folder.iterdir()):
            raise DatasetError(f"{folder} holds something else; name another folder")
        return [], 0
    entries: list[Entry] = []
    with path.open("rb") as index:
        header = index.readline()
        if not header.endswith(b"\n"):
            return [], 0
        good = index.tell()
        try:
            form = json.loads(header)
            fits = (form["format"], form["sample_rate"]) == (FORMAT, sample_rate)
            while (line := index.readline()).endswith(b"\n"):
                entry = Entry(**json.loads(line))
                if not _is_whole(folder, entry):
                    break
                entries.append(entry)
                good = index.tell()
        except (ValueError, TypeError, KeyError) as error:
            raise DatasetError(f"{path} is damaged ({error}); delete {folder}") from error
    if not fits:
        raise DatasetError(
            f"{folder} holds audio of another rate or format ({header.decode().strip()}), "
            f"{sample_rate} Hz are wanted; name another folder"
        )
    return entries, good


def _is_whole(folder: Path, entry: Entry) -> bool:
    shard = shard_path(folder, entry.shard)
    end = (entry.offset + entry.samples) * SAMPLE.itemsize
    return shard.exists() and shard.stat().st_size >= end


def is_same(entry: Entry | None, file: Path) -> bool:
    """Whether a file is on disk as it was when it was decoded."""
    return entry is not None and (entry.size, entry.mtime_ns) == file_state(file)


def shard_path(folder: Path, number: int) -> Path:
    """File of a shard."""
    return folder / f"shard-{number:04d}.i16"


def file_key(file: Path) -> str:
    """What a track is found by."""
    return str(file.absolute())


def file_state(file: Path) -> tuple[int, int]:
    """Size in bytes and time of the last change, in nanoseconds."""
    status = file.stat()
    return status.st_size, status.st_mtime_ns
