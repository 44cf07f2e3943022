"""Decoded audio on disk: any excerpt of any track is one short read.

Training wants a random excerpt of every track in every epoch; decoding MP3 each time would be
most of the work. Tracks are only ever appended: samples first, then the line of the index that
makes them count, so whatever a kill leaves behind is cut off by the next build.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np

from moodtheme.audio import probe, read_audio
from moodtheme.errors import AudioError, DatasetError
from moodtheme.files import free_room, locked, make_folder
from moodtheme.tagging.windows import FloatArray
from moodtheme.training.audio_index import (
    FORMAT,
    FULL_SCALE,
    INDEX,
    SAMPLE,
    Entry,
    file_key,
    file_state,
    is_same,
    read_index,
    shard_path,
)
from moodtheme.work import Progress, no_progress, read_ahead

MINIMUM_S = 1.0  # shorter tracks are an error, as they are for tagging
_SHARD_BYTES = 2**30


@dataclass(frozen=True)
class CachePlan:
    """What a build would do.

    Attributes
    ----------
    missing
        Files to decode.
    needed, free
        Bytes that takes and bytes there are.
    """

    missing: tuple[Path, ...]
    needed: int
    free: int


class AudioCache:
    """A cache opened for reading; cheap to copy to other processes.

    Parameters
    ----------
    folder
        Where it is.
    sample_rate
        Rate of its samples in Hz.

    Raises
    ------
    DatasetError
        If the folder holds a cache of another rate or something else.
    """

    def __init__(self, folder: Path, *, sample_rate: int) -> None:
        self.folder = folder
        self.sample_rate = sample_rate
        self._entries = {entry.file: entry for entry in read_index(folder, sample_rate)[0]}

    def has(self, file: Path) -> bool:
        """Whether the file is there as it is now on disk."""
        return is_same(self._entries.get(file_key(file)), file)

    def length(self, file: Path) -> int:
        """Samples of a track."""
        return self._entries[file_key(file)].samples

    def read(self, file: Path, start: int = 0, samples: int | None = None) -> FloatArray:
        """Part of a track.

        Parameters
        ----------
        file
            The track's file.
        start
            First sample.
        samples
            How many at most; None means all that follow.

        Returns
        -------
        ndarray, shape (n,), float32
        """
        entry = self._entries[file_key(file)]
        left = entry.samples - start
        raw = np.fromfile(
            shard_path(self.folder, entry.shard),
            dtype=SAMPLE,
            count=left if samples is None else min(samples, left),
            offset=(entry.offset + start) * SAMPLE.itemsize,
        )
        return raw.astype(np.float32) * np.float32(entry.peak / FULL_SCALE)


def plan_cache(
    folder: Path,
    files: Sequence[Path],
    *,
    sample_rate: int,
    durations: Sequence[float] | None = None,
) -> CachePlan:
    """Find what is missing and how much room it takes.

    Parameters
    ----------
    folder
        The cache; need not exist.
    files
        All tracks wanted.
    sample_rate
        In Hz.
    durations
        Seconds a file, where known (else NaN); headers are read for the others.
    """
    cache = AudioCache(folder, sample_rate=sample_rate)
    known = [float("nan")] * len(files) if durations is None else durations
    missing, seconds = [], 0.0
    for file, duration in zip(files, known, strict=True):
        if not cache.has(file):
            missing.append(file)
            seconds += _header_duration(file) if np.isnan(duration) else duration
    needed = round(seconds * sample_rate) * SAMPLE.itemsize
    return CachePlan(tuple(missing), needed, free_room(folder))


def build_cache(
    folder: Path,
    plan: CachePlan,
    *,
    sample_rate: int,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> list[AudioError]:
    """Decode what is missing; a build that was stopped goes on with the first missing track.

    Parameters
    ----------
    folder
        The cache.
    plan
        From `plan_cache`.
    sample_rate
        In Hz.
    jobs
        Tracks decoded at once.
    progress
        Called after each track.

    Returns
    -------
    list of AudioError
        One for each file that could not be decoded.

    Raises
    ------
    DatasetError
        If there is not enough room, or the folder holds something else.
    """
    if not plan.missing:
        return []
    if plan.needed > plan.free:
        raise DatasetError(
            f"{folder}: decoded audio takes {plan.needed / 1e9:.1f} GB and "
            f"{plan.free / 1e9:.1f} GB are free; make room or choose another folder"
        )
    make_folder(folder)
    failures = []
    with _locked(folder) as index:
        entries = _trim(folder, index, sample_rate)
        # Another process may have decoded some while this one waited for the lock.
        there = {entry.file: entry for entry in entries}
        missing = [file for file in plan.missing if not is_same(there.get(file_key(file)), file)]
        writer = _Writer(folder, index, entries)
        for done, (file, decoded) in enumerate(_decode_all(missing, sample_rate, jobs), start=1):
            if isinstance(decoded, AudioError):
                failures.append(decoded)
            else:
                writer.append(file, decoded)
            progress(done, len(missing))
    return failures


class _Writer:
    """Appends tracks to the last shard, or to a new one once it is full."""

    def __init__(self, folder: Path, index: IO[str], entries: Sequence[Entry]) -> None:
        self._folder = folder
        self._index = index
        self._shard = max((entry.shard for entry in entries), default=0)

    def append(self, file: Path, audio: FloatArray) -> None:
        path = shard_path(self._folder, self._shard)
        if path.exists() and path.stat().st_size >= _SHARD_BYTES:
            self._shard += 1
            path = shard_path(self._folder, self._shard)
        size, mtime_ns = file_state(file)
        peak = float(np.abs(audio).max())
        scale = FULL_SCALE / peak if peak else 0.0
        with path.open("ab") as shard:
            offset = shard.tell() // SAMPLE.itemsize
            np.rint(audio * np.float32(scale)).astype(SAMPLE).tofile(shard)
        entry = Entry(file_key(file), size, mtime_ns, self._shard, offset, len(audio), peak)
        self._index.write(json.dumps(asdict(entry)) + "\n")
        self._index.flush()


def _decode_all(
    files: Sequence[Path], sample_rate: int, jobs: int
) -> Iterator[tuple[Path, FloatArray | AudioError]]:
    """Decoded tracks in order, a few at a time."""

    def decode(file: Path) -> FloatArray | AudioError:
        try:
            return read_audio(file, sample_rate=sample_rate, minimum_s=MINIMUM_S).samples
        except AudioError as error:
            return error

    return zip(files, read_ahead(decode, files, jobs=jobs), strict=True)


@contextmanager
def _locked(folder: Path) -> Iterator[IO[str]]:
    """The index, for this process alone; another builder is waited for."""
    with (folder / INDEX).open("a+", encoding="utf-8") as index, locked(folder / INDEX):
        yield index


def _trim(folder: Path, index: IO[str], sample_rate: int) -> list[Entry]:
    """Cut off what a kill left half written; return what counts."""
    entries, good = read_index(folder, sample_rate)
    if good == 0:
        index.truncate(0)
        index.write(json.dumps({"format": FORMAT, "sample_rate": sample_rate}) + "\n")
        index.flush()
    else:
        index.truncate(good)
    ends: dict[int, int] = {}
    for entry in entries:
        ends[entry.shard] = max(ends.get(entry.shard, 0), entry.offset + entry.samples)
    for path in folder.glob("shard-*.i16"):
        number = int(path.stem.removeprefix("shard-"))
        with path.open("r+b") as shard:
            shard.truncate(ends.get(number, 0) * SAMPLE.itemsize)
    return entries


def _header_duration(file: Path) -> float:
    try:
        return probe(file).duration_s or 0.0
    except AudioError:
        return 0.0  # named when it is decoded
