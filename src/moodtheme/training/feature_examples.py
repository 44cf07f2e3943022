"""Stored features as a network's inputs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from moodtheme.feature_store import FeatureStore
from moodtheme.training.examples import FloatArray, Weighted


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
        self._layout = store.layout
        self._rows = np.array([store.row(file) for file in files], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def training_input(self, row: int, rng: np.random.Generator) -> FloatArray:
        """Features of a track, ``(windows, n_features)``; nothing is drawn."""
        # A copy: what is mapped from the disk cannot be written to, as PyTorch wants.
        return np.array(self._layout.map_row(int(self._rows[row])), dtype=np.float32)

    def evaluation_inputs(self, row: int) -> Weighted:
        """The same features, the only ones that count."""
        features = np.array(self._layout.map_row(int(self._rows[row])), dtype=np.float32)
        return Weighted(features[None], np.ones(1, np.float32))
