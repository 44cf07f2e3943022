"""The Slaney mel scale and its triangular filters (NumPy; the same numbers as librosa's).

The scale is linear below 1 kHz (3 mel every 200 Hz) and logarithmic above, as in Malcolm Slaney's
Auditory Toolbox. Filters have unit area: a triangle from ``f₋`` to ``f₊`` is ``2 / (f₊ − f₋)``
high.
"""

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array

_HZ_PER_MEL = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def hz_to_mel(frequency_hz: npt.ArrayLike) -> Float64Array:
    """Frequencies in Hz as Slaney mels."""
    hz = np.asarray(frequency_hz, dtype=np.float64)
    above = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.asarray(np.where(hz < _BREAK_HZ, hz / _HZ_PER_MEL, above))


def mel_to_hz(mel: npt.ArrayLike) -> Float64Array:
    """Slaney mels as frequencies in Hz."""
    m = np.asarray(mel, dtype=np.float64)
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(m, _BREAK_MEL) - _BREAK_MEL))
    return np.asarray(np.where(m < _BREAK_MEL, m * _HZ_PER_MEL, above))


def mel_filters(
    *, sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float
) -> Float64Array:
    """Triangular filters of unit area from power spectrum to mel bands.

    Parameters
    ----------
    sample_rate
        In Hz.
    n_fft
        Length of the transform in samples.
    n_mels
        Number of bands.
    f_min, f_max
        Lower edge of the first and upper edge of the last triangle, in Hz.

    Returns
    -------
    ndarray, shape (n_mels, n_fft // 2 + 1)
    """
    edges = mel_to_hz(np.linspace(hz_to_mel(f_min), hz_to_mel(f_max), n_mels + 2))
    bins = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (bins - lower) / (centre - lower)
    falling = (upper - bins) / (upper - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * (2.0 / (upper - lower)))
