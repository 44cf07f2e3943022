"""Decoded audio on disk: any excerpt of any track is one short read.

Training wants a random excerpt of every track in every epoch; decoding MP3 each time would be
most of the work. A cache is a folder with a store for each rate
(`moodtheme.feature_store.append_store`) of int16 samples, mono. A track's samples are scaled to its
own peak, so nothing clips and quiet music keeps its detail. Tracks are known by their audio: a file
that was moved, renamed or tagged anew is not decoded again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from moodtheme.arrays import FloatArray
from moodtheme.audio import KnownFiles, probe, read_audio
from moodtheme.errors import AudioError, DatasetError
from moodtheme.feature_store.append_store import AppendStore, Description, Form, Record
from moodtheme.feature_store.appending import Made, fill
from moodtheme.tagging.windows import MINIMUM_S
from moodtheme.work import Progress, Report, no_progress, no_report, read_ahead

_FULL_SCALE = 32_767


class SoundInfo(msgspec.Struct, frozen=True):
    """What the samples of a store are."""

    sample_rate: int

    @property
    def key(self) -> str:
        """In words."""
        return f"audio at {self.sample_rate} Hz"


SOUND = Form(Description[SoundInfo], np.dtype("<i2"), "i16", "run the same command again")
"""Stores of decoded audio."""


@dataclass(frozen=True)
class CachePlan:
    """What a build would do.

    Attributes
    ----------
    missing
        Files to decode.
    needed
        Bytes that takes.
    """

    missing: tuple[Path, ...]
    needed: int


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
        If the folder of that rate holds something else, or a store of an older version.
    """

    def __init__(self, folder: Path, *, sample_rate: int) -> None:
        self._store = AppendStore(rate_folder(folder, sample_rate), SOUND)
        self._known_files = KnownFiles(folder)
        self._found: dict[Path, Record] = {}

    def has(self, file: Path) -> bool:
        """Whether a file's audio is there, as far as it is known without reading the file."""
        record = self._store.records.get(self._known_files.known(file) or "")
        if record is not None:
            self._found[file] = record
        return record is not None

    def length(self, file: Path) -> int:
        """Samples of a track."""
        return self._record(file).size // SOUND.dtype.itemsize

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
        raw, scale = self.stored(file, start, samples)
        return raw.astype(np.float32) * np.float32(scale)

    def stored(
        self, file: Path, start: int = 0, samples: int | None = None
    ) -> tuple[npt.NDArray[np.int16], float]:
        """Part of a track as it is kept, from the disk when it is looked at, and its scale.

        Arguments are those of `read`, whose result is the product of the two.
        """
        record = self._record(file)
        return self._store.view(record, start, samples), record.scale

    def _record(self, file: Path) -> Record:
        """Found once: files are not looked at again while a training runs."""
        if file not in self._found and not self.has(file):
            raise DatasetError(f"{file}: its audio is not in {self._store.folder}; decode it first")
        return self._found[file]


def rate_folder(folder: Path, sample_rate: int) -> Path:
    """Where a cache keeps the audio of one rate, in Hz."""
    return folder / f"{sample_rate}-hz"


def plan_cache(
    folder: Path,
    files: Sequence[Path],
    *,
    sample_rate: int,
    durations: Sequence[float] | None = None,
) -> CachePlan:
    """Find what is missing and how much room it takes, without reading any audio.

    A file that was moved or renamed counts as missing here; a build knows it again.

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
    known = _durations(files, durations)
    missing = tuple(file for file in files if not cache.has(file))
    return CachePlan(missing, _needed(missing, known, sample_rate))


def build_cache(
    folder: Path,
    files: Sequence[Path],
    *,
    sample_rate: int,
    durations: Sequence[float] | None = None,
    jobs: int = 1,
    report: Report = no_report,
    progress: Progress = no_progress,
) -> list[AudioError]:
    """Decode what is missing; a build that was stopped goes on with the first missing track.

    Parameters
    ----------
    folder, files, sample_rate, durations
        As for `plan_cache`.
    jobs
        Tracks decoded at once.
    report
        Called with lines about what is done.
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
    place, known = rate_folder(folder, sample_rate), _durations(files, durations)

    def decode_all(work: Mapping[str, Path]) -> Iterator[Mapping[str, Made | AudioError]]:
        decoded = read_ahead(lambda file: _decode(file, sample_rate), work.values(), jobs=jobs)
        for audio, found in zip(work, decoded, strict=True):
            yield {audio: found}

    return fill(
        place,
        SOUND,
        SoundInfo(sample_rate),
        files,
        jobs=jobs,
        doing="decode",
        room=lambda files: _needed(files, known, sample_rate),
        compute=decode_all,
        report=report,
        progress=progress,
    )


def _decode(file: Path, sample_rate: int) -> Made | AudioError:
    try:
        audio = read_audio(file, sample_rate=sample_rate, minimum_s=MINIMUM_S).samples
    except AudioError as error:
        return error
    peak = float(np.abs(audio).max())
    scale = _FULL_SCALE / peak if peak else 0.0
    return np.rint(audio * np.float32(scale)).astype(SOUND.dtype), peak / _FULL_SCALE


def _durations(files: Sequence[Path], durations: Sequence[float] | None) -> Mapping[Path, float]:
    return {} if durations is None else dict(zip(files, durations, strict=True))


def _needed(files: Iterable[Path], durations: Mapping[Path, float], sample_rate: int) -> int:
    """Bytes that files' audio takes; of what nobody knows a duration, headers are asked."""
    seconds = 0.0
    for file in files:
        duration = durations.get(file, float("nan"))
        seconds += _header_duration(file) if np.isnan(duration) else duration
    return round(seconds * sample_rate) * SOUND.dtype.itemsize


def _header_duration(file: Path) -> float:
    try:
        return probe(file).duration_s or 0.0
    except AudioError:
        return 0.0  # named when it is decoded
