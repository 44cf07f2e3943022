"""A feature store opened for reading."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import FloatArray
from moodtheme.audio import KnownFiles
from moodtheme.errors import DatasetError
from moodtheme.feature_store.append_store import (
    INDEX,
    STORE,
    AppendStore,
    Description,
    Form,
    Record,
)
from moodtheme.feature_store.extractor import ExtractorInfo

FEATURES = Form(Description[ExtractorInfo], np.dtype("<f4"), "f32", "extract again")
"""Stores of features: a record is a row, float32 ``(windows, n_features)``."""


class FeatureStore:
    """Features of tracks, found by their audio, whatever the files are called.

    Parameters
    ----------
    folder
        The store's own folder, ``FEATURES/KEY``.

    Attributes
    ----------
    info
        What the features are.

    Raises
    ------
    DatasetError
        If the folder holds no store, or a damaged one.
    """

    def __init__(self, folder: Path) -> None:
        if not any((folder / name).exists() for name in (STORE, INDEX)):
            raise _none(folder)
        self._store = AppendStore(folder, FEATURES)
        assert self._store.about is not None  # where one of them is, it is read or an error
        self.folder = folder
        self.info: ExtractorInfo = self._store.about
        self._known_files = KnownFiles(folder.parent)

    def __len__(self) -> int:
        return len(self._store.records)

    def has(self, file: Path) -> bool:
        """Whether a file's audio is there; a file that is not known yet is read to find out.

        Raises
        ------
        MissingAudioError
            If the file cannot be read.
        """
        return self._known_files.find(file) in self._store.records

    def knows(self, file: Path) -> bool:
        """Whether a file that was read before, and has not changed since, is there."""
        return self._known_files.known(file) in self._store.records

    def record(self, file: Path) -> Record:
        """Where a file's row is.

        Raises
        ------
        DatasetError
            If its audio is not there.
        MissingAudioError
            If the file cannot be read.
        """
        record = self._store.records.get(self._known_files.find(file))
        if record is None:
            raise DatasetError(
                f"{file}: {self.folder} has no features of it; extract them with "
                "`moodtheme features extract`"
            )
        return record

    def read(self, file: Path) -> FloatArray:
        """Features of a file.

        Returns
        -------
        ndarray, shape (windows, n_features), float32, read-only
            From the disk when it is looked at.

        Raises
        ------
        DatasetError, MissingAudioError
            As for `record`.
        """
        return self.read_record(self.record(file))

    def read_record(self, record: Record) -> FloatArray:
        """Features of which it is known where they are, as `read` gives them."""
        return self._store.view(record).reshape(self.info.windows, self.info.n_features)

    def damaged_rows(self) -> Iterator[int]:
        """Rows whose bytes are not those that were written; all are read."""
        for row, record in enumerate(self._store.records.values()):
            if not self._store.is_right(record):
                yield row


def _none(folder: Path) -> DatasetError:
    return DatasetError(f"{folder} holds no features; make them with `moodtheme features extract`")


def find_stores(folder: Path) -> list[Path]:
    """Folders of stores: `folder` itself if it is one, else those in it.

    Raises
    ------
    DatasetError
        If there is none.
    """
    if (folder / INDEX).is_file():
        return [folder]
    stores = sorted(path.parent for path in folder.glob(f"*/{INDEX}"))
    if not stores:
        raise _none(folder)
    return stores


def feature_statistics(store: FeatureStore, files: Sequence[Path]) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of every feature over the windows of some tracks.

    Parameters
    ----------
    store
        Has all files.
    files
        One a track; training tracks alone, if a network is to be judged on the others.

    Returns
    -------
    mean, deviation
        float32 ``(n_features,)`` each; the deviation of a feature that never changes is 1, so
        that one can divide by it.
    """
    return statistics_of(store.read(file) for file in files)


def statistics_of(tracks: Iterable[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """`feature_statistics` of tracks ``(windows, n_features)``, read one by one.

    Raises
    ------
    DatasetError
        If there is none.
    """
    # Tracks' means and squared distances are joined pairwise, in float64: sums of squares of
    # features far from zero would lose their digits.
    count = 0
    mean: npt.NDArray[np.float64] = np.zeros(1)
    squares: npt.NDArray[np.float64] = np.zeros(1)
    for features in tracks:
        track = features.astype(np.float64)
        step = track.mean(axis=0) - mean
        total = count + len(track)
        squares = squares + ((track - track.mean(axis=0)) ** 2).sum(axis=0)
        squares += step**2 * (count * len(track) / total)
        mean = mean + step * (len(track) / total)
        count = total
    if not count:
        raise DatasetError("features' mean needs at least one track; give some")
    deviation = np.sqrt(squares / count)
    deviation[deviation <= np.finfo(np.float32).eps * np.abs(mean)] = 1.0
    return mean.astype(np.float32), deviation.astype(np.float32)
