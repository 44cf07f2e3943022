"""Inputs of tracks from a feature store."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from moodtheme.arrays import FloatArray
from moodtheme.feature_store import FeatureStore
from moodtheme.training.examples import Stored, Weighted


class StoredFeatures:
    """Every window's features of a track, the same in training and evaluation.

    It holds where the rows are, not the rows, so that copies for other processes are small.

    Parameters
    ----------
    store
        Has every file.
    files
        One a track.

    Raises
    ------
    DatasetError
        If the store lacks a file's audio.
    """

    def __init__(self, store: FeatureStore, files: Sequence[Path]) -> None:
        self._rows = store.rows
        records = [store.record(file) for file in files]
        self._places = np.array([(r.shard, r.offset) for r in records], dtype=np.int64)

    @property
    def fixed_bytes(self) -> int:
        """Of all tracks' features."""
        return len(self) * self._rows.row_bytes

    def __len__(self) -> int:
        return len(self._places)

    def training_input(self, row: int, rng: np.random.Generator) -> Stored:
        """Features of a track, ``(windows, n_features)``; nothing is drawn."""
        return Stored(self._features(row))

    def evaluation_inputs(self, row: int) -> Weighted:
        """The same features, the only ones that count."""
        return Weighted(self._features(row)[None], np.ones(1, np.float32))

    def _features(self, row: int) -> FloatArray:
        """From the disk when they are looked at; batches copy them."""
        return self._rows.map(*self._places[row].tolist())
