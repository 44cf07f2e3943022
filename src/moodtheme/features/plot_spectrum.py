"""The spectrogram behind a plot, in NumPy: what the Deep Spectrum toolkit computes with librosa."""

from functools import lru_cache
from math import factorial

import numpy as np
import numpy.typing as npt

from moodtheme.features.banded import BandedMatrix
from moodtheme.features.mel import mel_filters
from moodtheme.features.plot_options import (
    DELTA_FRAMES,
    FrequencyScale,
    PlotOptions,
    WindowFunction,
)

FloatArray = npt.NDArray[np.float32]

POWER_FLOOR = 1e-10
"""librosa's ``amin``: power below it counts as that much."""

# Coefficients of each window as a sum of cosines.
_COSINE_SUMS = {
    WindowFunction.HANN: (0.5, 0.5),
    WindowFunction.HAMMING: (0.54, 0.46),
    WindowFunction.BLACKMAN: (0.42, 0.5, 0.08),
    WindowFunction.RECTANGULAR: (1.0,),
}


def window_samples(window: WindowFunction, length: int) -> npt.NDArray[np.float64]:
    """Weights of an analysis frame, periodic (one more sample would be the first again)."""
    position = np.arange(length) / length
    if window is WindowFunction.BARTLETT:
        return np.asarray(1.0 - np.abs(2.0 * position - 1.0))
    terms = enumerate(_COSINE_SUMS[window])
    return np.asarray(sum((-1) ** k * a * np.cos(2 * np.pi * k * position) for k, a in terms))


def band_filters(options: PlotOptions) -> npt.NDArray[np.float64]:
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


def derivative_weights(order: int) -> npt.NDArray[np.float64]:
    """Weights of nine frames in their derivative over time (Savitzky and Golay).

    A polynomial of degree `order` is fitted; its derivative of that order is the same everywhere.
    """
    offsets = np.arange(DELTA_FRAMES) - DELTA_FRAMES // 2
    fit = np.linalg.pinv(np.vander(offsets, order + 1, increasing=True).astype(np.float64))
    return np.asarray(fit[order] * factorial(order))


def log_spectrogram(windows: FloatArray, options: PlotOptions) -> FloatArray:
    """Natural logarithm of a window's power spectrogram; any other unit gives the same picture.

    Parameters
    ----------
    windows
        Float32 ``(n, samples)``.
    options
        How to draw.

    Returns
    -------
    ndarray
        ``(n, bands, frames)``, from the lowest band.
    """
    frames = options.frames(windows.shape[1])
    length, hop = options.frame_length, options.hop_length
    views = np.lib.stride_tricks.sliding_window_view(windows, length, axis=1)[:, ::hop][:, :frames]
    weights, filters = _weights(options.window, length), _filters(options)
    spectrum = np.fft.rfft(views * weights).astype(np.complex64, copy=False)
    if options.delta:
        spectrum = _derivative(spectrum, options.delta)
    # Real and imaginary parts side by side; each filter is there twice.
    squares = spectrum.view(np.float32)
    np.square(squares, out=squares)
    if filters is None:
        power = (squares[..., 0::2] + squares[..., 1::2]).transpose(0, 2, 1)
    else:
        power = filters @ squares.transpose(0, 2, 1)
    np.maximum(power, np.float32(POWER_FLOOR), out=power)
    return np.asarray(np.log(power, out=power))


def _derivative(spectrum: npt.NDArray[np.complex64], order: int) -> npt.NDArray[np.complex64]:
    """Differentiate the real part over frames; the first and last four repeat their neighbours."""
    weights = derivative_weights(order)
    inner = np.lib.stride_tricks.sliding_window_view(spectrum.real, DELTA_FRAMES, axis=1) @ weights
    half = DELTA_FRAMES // 2
    return np.pad(inner, ((0, 0), (half, half), (0, 0)), mode="edge").astype(np.complex64)


@lru_cache(maxsize=32)
def _weights(window: WindowFunction, length: int) -> FloatArray:
    return window_samples(window, length).astype(np.float32)


@lru_cache(maxsize=32)
def _filters(options: PlotOptions) -> BandedMatrix | None:
    if options.scale is FrequencyScale.LINEAR:
        return None
    return BandedMatrix.of(np.repeat(band_filters(options), 2, axis=1))
