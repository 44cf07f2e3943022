"""The spectrogram behind a plot, in NumPy: what the Deep Spectrum toolkit computes with librosa."""

from dataclasses import dataclass
from functools import lru_cache
from math import factorial

import numpy as np
import numpy.typing as npt
from numpy import fft

from moodtheme.arrays import Float64Array, FloatArray
from moodtheme.features.mel import mel_filters
from moodtheme.features.plot_options import (
    DELTA_FRAMES,
    FrequencyScale,
    PlotOptions,
    WindowFunction,
)

ComplexArray = npt.NDArray[np.complex64]

POWER_FLOOR = 1e-10
"""librosa's ``amin``: power below it counts as that much."""

_BLOCK = 16  # rows of a banded matrix; few columns to work on, a fast product still
_FRAMES = 32  # transformed at once: what they take stays in a core's cache

# Coefficients of each window as a sum of cosines.
_COSINE_SUMS = {
    WindowFunction.HANN: (0.5, 0.5),
    WindowFunction.HAMMING: (0.54, 0.46),
    WindowFunction.BLACKMAN: (0.42, 0.5, 0.08),
    WindowFunction.RECTANGULAR: (1.0,),
}


@dataclass(frozen=True, eq=False)
class BandedMatrix:
    """A matrix in blocks.

    Attributes
    ----------
    blocks
        Rows, columns, and the part of the matrix where they cross.
    """

    blocks: tuple[tuple[slice, slice, FloatArray], ...]

    @classmethod
    def of(cls, matrix: Float64Array) -> "BandedMatrix":
        """Find the columns that each block of rows needs."""
        blocks = []
        for start in range(0, len(matrix), _BLOCK):
            part = matrix[start : start + _BLOCK]
            used = np.flatnonzero(part.any(axis=0))
            columns = slice(used[0], used[-1] + 1) if len(used) else slice(0, 0)
            block = np.ascontiguousarray(part[:, columns], dtype=np.float32)
            blocks.append((slice(start, start + len(part)), columns, block))
        return cls(tuple(blocks))

    def multiply(self, right: FloatArray, out: FloatArray) -> None:
        """Write the product with ``(columns, n)`` into `out`, ``(rows, n)``."""
        for rows, columns, block in self.blocks:
            np.matmul(block, right[columns], out=out[rows])


def window_samples(window: WindowFunction, length: int) -> Float64Array:
    """Weights of an analysis frame, periodic (one more sample would be the first again)."""
    position = np.arange(length) / length
    if window is WindowFunction.BARTLETT:
        return np.asarray(1.0 - np.abs(2.0 * position - 1.0))
    terms = enumerate(_COSINE_SUMS[window])
    return np.asarray(sum((-1) ** k * a * np.cos(2 * np.pi * k * position) for k, a in terms))


def band_filters(options: PlotOptions) -> Float64Array:
    """Mel filters over all bins, ``(n_mels, bins)``.

    The toolkit cuts the transform off at `f_max` and then takes what is left for all of 0 Hz to
    half the sample rate: the filters are those of the whole range, squeezed into the part.
    """
    used = options.used_bins
    filters = mel_filters(
        sample_rate=options.sample_rate,
        n_fft=2 * (used - 1),
        n_mels=options.n_mels,
        f_min=0.0,
        f_max=options.sample_rate / 2,
    )
    return np.pad(filters, ((0, 0), (0, options.bins - used)))


def derivative_weights(order: int) -> Float64Array:
    """Weights of nine frames in their derivative over time (Savitzky and Golay).

    A polynomial of degree `order` is fitted; its derivative of that order is the same everywhere.
    """
    offsets = np.arange(DELTA_FRAMES) - DELTA_FRAMES // 2
    fit = np.linalg.pinv(np.vander(offsets, order + 1, increasing=True).astype(np.float64))
    return np.asarray(fit[order] * factorial(order))


def log_spectrogram(audio: FloatArray, options: PlotOptions) -> FloatArray:
    """Natural logarithm of the power spectrogram; any other unit would give the same picture.

    Parameters
    ----------
    audio
        Float32 ``(samples,)``.
    options
        How to draw.

    Returns
    -------
    ndarray
        ``(bands, frames)``, from the lowest band.
    """
    count = options.frames(len(audio))
    frames = np.lib.stride_tricks.sliding_window_view(audio, options.frame_length)
    frames = frames[:: options.hop_length][:count]
    weights, filters = _weights(options.window, options.frame_length), _filters(options)
    level = np.empty((options.bands, count), dtype=np.float32)
    derivative = _derivative(frames, weights, options.delta) if options.delta else None
    for start in range(0, count, _FRAMES):
        block = slice(start, start + _FRAMES)
        if derivative is None:
            power = _power(_transform(frames[block], weights))
        else:
            power = np.square(derivative[block])
        if filters is None:
            level[:, block] = power.T
        else:
            filters.multiply(power.T, out=level[:, block])
    np.maximum(level, np.float32(POWER_FLOOR), out=level)
    return np.log(level, out=level)


def _transform(frames: FloatArray, weights: FloatArray) -> ComplexArray:
    # NumPy before 2.0 transforms in double precision only.
    return fft.rfft(frames * weights).astype(np.complex64, copy=False)


def _power(spectrum: ComplexArray) -> FloatArray:
    squares = spectrum.view(np.float32)
    np.square(squares, out=squares)
    return squares[:, 0::2] + squares[:, 1::2]


def _derivative(frames: FloatArray, weights: FloatArray, order: int) -> FloatArray:
    """Differentiate the transform's real part; the ends repeat their neighbours."""
    real = _transform(frames, weights).real
    around = np.lib.stride_tricks.sliding_window_view(real, DELTA_FRAMES, axis=0)
    inner = around @ derivative_weights(order).astype(np.float32)
    return np.pad(inner, ((DELTA_FRAMES // 2, DELTA_FRAMES // 2), (0, 0)), mode="edge")


@lru_cache(maxsize=32)
def _weights(window: WindowFunction, length: int) -> FloatArray:
    return window_samples(window, length).astype(np.float32)


@lru_cache(maxsize=32)
def _filters(options: PlotOptions) -> BandedMatrix | None:
    """None where bands are bins."""
    if options.scale is FrequencyScale.LINEAR:
        return None
    return BandedMatrix.of(band_filters(options))
