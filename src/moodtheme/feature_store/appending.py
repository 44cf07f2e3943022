"""Appending to a store so that a kill at any moment leaves whole records alone."""

import os
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Generic

import msgspec
import numpy as np
from rich.filesize import decimal

from moodtheme.audio import KnownFiles
from moodtheme.errors import AudioError, DatasetError
from moodtheme.feature_store.append_store import (
    INDEX,
    STORE,
    AboutT,
    AppendStore,
    Description,
    Form,
    Numbers,
    Record,
)
from moodtheme.files import free_room, locked, make_folder
from moodtheme.records import write_record
from moodtheme.work import Progress, Report

_SHARD_BYTES = 2**30
# What is read again at the end of a store before it goes on: more than any kill, or loss of power,
# can have left between the disk and the index.
_BYTES_CHECKED = 2**26

Made = tuple[Numbers, float]
"""Numbers of a track, and what they are to be multiplied by."""


class Appender(Generic[AboutT]):
    """Appends records; made by `appending`.

    Attributes
    ----------
    audio
        Whose records are there.
    """

    def __init__(
        self, store: AppendStore[AboutT], index: IO[bytes], records: Sequence[Record]
    ) -> None:
        self.audio = {record.audio for record in records}
        self._store = store
        self._index = index
        self._shard = records[-1].shard if records else 0

    def append(self, tracks: Sequence[tuple[str, Numbers, float]]) -> None:
        """Add tracks: each audio's identity, numbers, and what these are to be multiplied by.

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
                f"{self._store.folder} cannot be written ({error.strerror or error}); see to it "
                "and run the same command again, what is stored stays"
            ) from error

    def _append(self, tracks: Sequence[tuple[str, Numbers, float]]) -> None:
        records = []
        shard = self._open_shard()
        try:
            for audio, numbers, scale in tracks:
                content = np.ascontiguousarray(numbers, dtype=self._store.form.dtype).data
                if shard.tell() and shard.tell() + content.nbytes > _SHARD_BYTES:
                    _to_disk(shard)
                    shard.close()
                    self._shard += 1
                    shard = self._open_shard()
                records.append(
                    Record(
                        audio=audio,
                        shard=self._shard,
                        offset=shard.tell(),
                        size=content.nbytes,
                        crc32=zlib.crc32(content),
                        scale=scale,
                    )
                )
                shard.write(content)
            _to_disk(shard)
        finally:
            shard.close()
        self._index.write(b"".join(msgspec.json.encode(record) + b"\n" for record in records))
        _to_disk(self._index)
        self.audio.update(record.audio for record in records)

    def _open_shard(self) -> IO[bytes]:
        shard = self._store.shard(self._shard).open("ab")
        shard.seek(0, os.SEEK_END)
        return shard


@contextmanager
def appending(folder: Path, form: Form[AboutT], about: AboutT) -> Iterator[Appender[AboutT]]:
    """Open a store for appending, after cutting off what does not count; others wait.

    Parameters
    ----------
    folder
        The store's own; made if it is not there.
    form
        Its kind.
    about
        What its numbers are.

    Raises
    ------
    DatasetError
        If the folder holds other numbers, something else, or a store that cannot be read.
    """
    make_folder(folder.parent)
    with locked(folder):
        store = AppendStore(folder, form)
        if store.about is None:
            make_folder(folder)
            write_record(folder / STORE, Description(about=about))
        elif store.about.key != about.key:
            raise DatasetError(f"{folder} holds others, {store.about.key}; name another folder")
        with (folder / INDEX).open("ab") as index:
            yield Appender(store, index, _trim(store, index))


def _trim(store: AppendStore[AboutT], index: IO[bytes]) -> list[Record]:
    """Cut off what a kill left behind the last record that counts."""
    entries = store.entries()
    good, checked = len(entries), 0
    for number in range(len(entries) - 1, -1, -1):
        record = entries[number][0]
        if not store.is_right(record):
            good = number
        checked += record.size
        if checked >= _BYTES_CHECKED:
            break
    index.truncate(entries[good - 1][1] if good else 0)
    kept = [record for record, _ in entries[:good]]
    ends: dict[Path, int] = {}
    for record in kept:
        ends[store.shard(record.shard)] = record.offset + record.size
    for path in store.folder.glob(f"shard-*.{store.form.suffix}"):
        if path not in ends:
            path.unlink()
        elif path.stat().st_size > ends[path]:
            os.truncate(path, ends[path])
    return kept


def fill(
    folder: Path,
    form: Form[AboutT],
    about: AboutT,
    files: Sequence[Path],
    *,
    jobs: int,
    doing: str,
    room: Callable[[Collection[Path]], int],
    compute: Callable[[Mapping[str, Path]], Iterable[Mapping[str, Made | AudioError]]],
    report: Report,
    progress: Progress,
) -> list[AudioError]:
    """Make what a store lacks of some files' audio, and append it.

    Whoever is stopped, by whatever means, goes on with the first track that is missing. Others that
    fill the same store wait.

    Parameters
    ----------
    folder, form, about
        As for `appending`. What is known of files is kept in the folder above.
    files
        One a track; some may hold the same audio.
    jobs
        Files identified at once.
    doing
        What happens to the tracks, as a verb, for the line that is reported before they are made.
    room
        Bytes that the numbers of files will take.
    compute
        Makes numbers, some tracks at a time, from a file for each audio.
    report, progress
        Called with lines about what is done, and after each track.

    Returns
    -------
    list of AudioError
        One for each file that cannot be used.

    Raises
    ------
    DatasetError
        As `appending`, or if there is not enough room on the disk.
    """
    make_folder(folder.parent)
    known = KnownFiles(folder.parent)
    files_of: dict[str, list[Path]] = {}
    failures: dict[Path, AudioError] = {}
    for file, audio in zip(files, known.find_all(files, jobs=jobs, report=report), strict=True):
        if isinstance(audio, AudioError):
            failures[file] = audio
        else:
            files_of.setdefault(audio, []).append(file)
    with appending(folder, form, about) as appender:
        work = {audio: of[0] for audio, of in files_of.items() if audio not in appender.audio}
        if work:
            counted = f"{len(work)} of {len(files_of)} tracks to {doing}"
            _require_room(folder, len(work), room(work.values()), counted, report)
        done = 0
        for made in compute(work) if work else ():
            tracks: list[tuple[str, Numbers, float]] = []
            for audio, found in made.items():
                if isinstance(found, AudioError):
                    error = found
                elif known.known(work[audio]) == audio:
                    tracks.append((audio, *found))
                    continue
                else:
                    reason = "changed while it was read; run the same command again"
                    error = AudioError(work[audio], reason)
                failures |= {file: type(error)(file, error.reason) for file in files_of[audio]}
            appender.append(tracks)
            for _ in made:
                done += 1
                progress(done, len(work))
    return [failures[file] for file in dict.fromkeys(files) if file in failures]


def _require_room(folder: Path, tracks: int, needed: int, what: str, report: Report) -> None:
    """Say how much is to be written; refuse it if there is not enough room."""
    free = free_room(folder)
    report(
        f"{what} to {folder}: {decimal(needed)} ({decimal(needed // tracks)} a track), "
        f"{decimal(free)} are free"
    )
    if needed > free:
        raise DatasetError(
            f"{folder}: {tracks} tracks take {decimal(needed)} and {decimal(free)} are free; make "
            "room or choose another folder"
        )


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
