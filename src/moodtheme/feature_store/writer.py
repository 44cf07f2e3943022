"""Appending to a feature store so that a kill at any moment leaves whole rows alone."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import IO

import msgspec

from moodtheme.errors import DatasetError
from moodtheme.feature_store.extractor import ExtractorInfo
from moodtheme.feature_store.layout import (
    EXTRACTOR,
    INDEX,
    VALUE,
    Entry,
    Layout,
    checksum,
    describe_new,
    layout_of,
    read_description,
    read_index,
    write_description,
)
from moodtheme.files import locked
from moodtheme.tagging.windows import FloatArray

# Rows at the end of a store that are read again before it goes on: more than any kill, or loss of
# power, can have left between the disk and the index.
_ROWS_CHECKED = 64


class StoreWriter:
    """Appends rows; made by `open_writer`.

    Attributes
    ----------
    audio
        Hashes of the audio whose features are there.
    """

    def __init__(self, layout: Layout, index: IO[bytes], entries: Sequence[Entry]) -> None:
        self.audio = {entry.audio for entry in entries}
        self._layout = layout
        self._index = index
        self._rows = len(entries)

    def append(self, tracks: Sequence[tuple[str, FloatArray]]) -> None:
        """Add tracks, given by their audio's hash and their features.

        They count once this returns, and stay even if the power fails.

        Raises
        ------
        DatasetError
            If the disk does not take them.
        """
        try:
            self._append(tracks)
        except OSError as error:
            raise DatasetError(
                f"{self._layout.folder} cannot be written ({error.strerror or error}); see to it "
                "and run the same command again, what is stored stays"
            ) from error

    def _append(self, tracks: Sequence[tuple[str, FloatArray]]) -> None:
        rows = enumerate(tracks, start=self._rows)
        for path, group in groupby(rows, key=lambda item: self._layout.place(item[0])[0]):
            with path.open("r+b" if path.exists() else "w+b") as shard:
                for row, (_, features) in group:
                    shard.seek(self._layout.place(row)[1])
                    shard.write(features.astype(VALUE, order="C", copy=False).data)
                _to_disk(shard)
        entries = [Entry(audio, checksum(features)) for audio, features in tracks]
        self._index.write(b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries))
        _to_disk(self._index)
        self._rows += len(entries)
        self.audio.update(entry.audio for entry in entries)


@contextmanager
def open_writer(folder: Path, info: ExtractorInfo) -> Iterator[StoreWriter]:
    """Open a store for appending, after cutting off what does not count; others wait.

    Parameters
    ----------
    folder
        The store's own; made if it is not there.
    info
        What its features are.

    Raises
    ------
    DatasetError
        If the folder holds other features, something else, or a damaged store.
    """
    if not (folder / EXTRACTOR).exists():
        if folder.exists() and any(folder.glob("shard-*")):
            raise DatasetError(f"{folder} has lost its {EXTRACTOR}; delete it and extract again")
        write_description(folder, describe_new(info))
    with (folder / INDEX).open("a+b") as index, locked(folder / INDEX):
        description = read_description(folder)
        if description.extractor.key != info.key:
            raise DatasetError(
                f"{folder} holds other features, {description.extractor.key}; name another folder"
            )
        layout = layout_of(folder, description)
        yield StoreWriter(layout, index, _trim(layout, index))


def _trim(layout: Layout, index: IO[bytes]) -> list[Entry]:
    """Cut off what a kill left behind the last row that counts."""
    entries, ends = read_index(layout)
    first = max(0, len(entries) - _ROWS_CHECKED)
    good = first
    while good < len(entries) and layout.crc32(good) == entries[good].crc32:
        good += 1
    index.truncate(ends[good - 1] if good else 0)
    for path in layout.folder.glob("shard-*.f32"):
        number = int(path.stem.removeprefix("shard-"))
        kept = min(max(0, good - number * layout.rows_per_shard), layout.rows_per_shard)
        if kept:
            with path.open("r+b") as shard:
                shard.truncate(kept * layout.row_bytes)
        else:
            path.unlink()
    return entries[:good]


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
