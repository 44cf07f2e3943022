"""A whole track at a glance: its waveform and its log-mel spectrogram, in bounded memory.

What is drawn of a track has some hundred columns however long it is, and its length is often known
only when it has been decoded. Columns are therefore gathered finely, and two become one whenever
there are too many.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy import fft

from moodtheme.arrays import FloatArray
from moodtheme.features.mel import mel_filters

N_FFT = 1_024
"""64 ms at 16 kHz; frames do not overlap, for a column is the mean of many."""
_MOST_COLUMNS = 4_096
_POWER_FLOOR = 1e-10  # -100 dB


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """A track in columns of equal length.

    Attributes
    ----------
    column_s
        Length of a column in seconds; the last may show less.
    duration_s
        Of the track.
    lowest, highest
        Least and greatest sample in each column, float32 ``(columns,)``.
    mel_db
        Mean power of the mel bands, lowest band first, in dB, float32 ``(bands, columns)``.
    edges_hz
        Lower and upper edge of the bands' range.
    """

    column_s: float
    duration_s: float
    lowest: FloatArray
    highest: FloatArray
    mel_db: FloatArray
    edges_hz: tuple[float, float]


def overview(
    blocks: Iterable[FloatArray], *, sample_rate: int, n_mels: int = 96, columns: int = 1_000
) -> Overview:
    """Waveform and log-mel spectrogram of a track.

    Parameters
    ----------
    blocks
        The track's samples in order, float32 mono, in pieces of any length.
    sample_rate
        Theirs, in Hz.
    n_mels
        Slaney mel bands from 30 Hz to half the sample rate.
    columns
        Columns in the end: at most so many, and more than half of them for a track of as many
        frames.
    """
    if not 0 < columns <= _MOST_COLUMNS:
        raise ValueError(f"columns must be from 1 to {_MOST_COLUMNS}, not {columns}")
    edges = (30.0, sample_rate / 2)
    filters = mel_filters(
        sample_rate=sample_rate, n_fft=N_FFT, n_mels=n_mels, f_min=edges[0], f_max=edges[1]
    ).astype(np.float32)
    window = np.hanning(N_FFT).astype(np.float32)
    held = np.empty(0, np.float32)
    gathered = _Columns(n_mels)
    samples = 0
    for block in blocks:
        samples += len(block)
        held = np.concatenate([held, block])
        whole = len(held) // N_FFT * N_FFT
        gathered.add(held[:whole].reshape(-1, N_FFT), window, filters)
        held = held[whole:]
    if len(held):
        gathered.add(np.pad(held, (0, N_FFT - len(held)))[None], window, filters)
    while gathered.count > columns:
        gathered.halve()
    return Overview(
        gathered.frames * N_FFT / sample_rate,
        samples / sample_rate,
        gathered.low[: gathered.count].copy(),
        gathered.high[: gathered.count].copy(),
        10 * np.log10(np.maximum(gathered.power[: gathered.count].T.copy(), _POWER_FLOOR)),
        edges,
    )


class _Columns:
    """Columns of `frames` frames each; the last may not be full."""

    def __init__(self, n_mels: int) -> None:
        self.frames, self.count = 1, 0
        self._filled = 0  # frames in the last column
        self.power = np.zeros((_MOST_COLUMNS, n_mels), np.float32)
        self.low = np.zeros(_MOST_COLUMNS, np.float32)
        self.high = np.zeros(_MOST_COLUMNS, np.float32)

    def add(self, frames: FloatArray, window: FloatArray, filters: FloatArray) -> None:
        """Take frames, shape (frames, `N_FFT`)."""
        spectra = fft.rfft(frames * window)
        power = (spectra.real**2 + spectra.imag**2).astype(np.float32) @ filters.T
        for row, low, high in zip(power, frames.min(axis=1), frames.max(axis=1), strict=True):
            if self.count and self._filled < self.frames:
                last = self.count - 1
                self._filled += 1
                self.power[last] += (row - self.power[last]) / self._filled
                self.low[last] = min(self.low[last], low)
                self.high[last] = max(self.high[last], high)
                continue
            if self.count == _MOST_COLUMNS:
                self.halve()
            self.power[self.count], self._filled = row, 1
            self.low[self.count], self.high[self.count] = low, high
            self.count += 1

    def halve(self) -> None:
        """Make one column of two."""
        pairs = self.count // 2
        odd = self.count % 2
        kept = slice(0, 2 * pairs)
        weights = np.ones((pairs, 2, 1), np.float32)
        if not odd and pairs:
            weights[-1, 1] = self._filled / self.frames
        power = self.power[kept].reshape(pairs, 2, -1)
        self.power[:pairs] = (power * weights).sum(axis=1) / weights.sum(axis=1)
        self.low[:pairs] = self.low[kept].reshape(pairs, 2).min(axis=1)
        self.high[:pairs] = self.high[kept].reshape(pairs, 2).max(axis=1)
        if odd:
            last = self.count - 1
            for values in (self.power, self.low, self.high):
                values[pairs] = values[last]
        else:
            self._filled += self.frames
        self.frames *= 2
        self.count = pairs + odd
