"""What the spectrum of a window says by itself, without a model: where it ends, how much it moves.

Sixty-four frames of about 64 ms, spread over a window, are looked at. That takes some 2 ms of the
110 or so that a window of half a minute takes from file to tags.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy import fft

from moodtheme.arrays import FloatArray
from moodtheme.scores.curves import median

NOISE_FLUCTUATION_DB = 5.57
"""Standard deviation of the level of a Gaussian noise in a bin: 10 / ln 10 · π / √6 dB, that of the
logarithm of an exponential variable."""

_FRAMES = 64
_FRAME_S = 0.064  # 16 Hz a bin
_LOUD_DB = 40.0  # frames weaker than the strongest by more are pauses
_DEEPEST_DB = 100.0  # below the strongest bin of all, where a resampler's or a codec's floor lies
_HUM_HZ = 125.0  # below it direct current and hum, above it music
_HEARD_DB = 50.0  # bins weaker than the strongest by more do not count as moving or still
_NO_POWER = 1e-30
_TOP = 0.94  # of half the rate; beyond it a resampler lets nothing through

_LOWEST_EDGE_HZ, _EDGE_STEP_HZ = 2000.0, 125.0
_BELOW_HZ, _ABOVE_HZ = (700.0, 100.0), 150.0  # what is compared lies so far from an edge


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Of a window.

    Attributes
    ----------
    levels
        Mean level of each bin over the frames with sound, dB, float32 (bins,), from 0 Hz to half
        the rate.
    fluctuation
        How much the level of a bin varies over time, dB, mean over bins that are not far below the
        strongest; how loud a frame is as a whole does not count.
    top_hz
        Half the rate.
    peak
        Largest absolute sample.
    """

    levels: FloatArray
    fluctuation: float
    top_hz: float
    peak: float


def spectrum_of(samples: FloatArray, sample_rate: int) -> Spectrum:
    """Spectrum of mono samples that are not all zero.

    Parameters
    ----------
    samples
        Float32 (n,), n ≥ 1; fewer than a frame are taken for one with silence behind.
    sample_rate
        In Hz.
    """
    size = 1 << round(np.log2(_FRAME_S * sample_rate))
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    starts = np.linspace(0, len(padded) - size, _FRAMES).astype(int)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[starts]
    power = np.abs(fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1)) ** 2
    strongest = power.max(axis=1)
    loud = power[strongest >= strongest.max() * 10 ** (-_LOUD_DB / 10)]
    floor = max(loud.max() * 10 ** (-_DEEPEST_DB / 10), _NO_POWER)
    levels = 10 * np.log10(np.maximum(loud, floor, dtype=np.float32), dtype=np.float32)
    bins = levels.shape[1] - 1
    heard = levels[:, int(_HUM_HZ / sample_rate * size) : int(_TOP * bins)]
    means = heard.mean(axis=0)
    heard = heard[:, means >= means.max() - _HEARD_DB]
    moved = heard - heard.mean(axis=1, keepdims=True)
    return Spectrum(
        levels.mean(axis=0),
        float(moved.std(axis=0).mean()),
        sample_rate / 2,
        float(np.abs(samples).max()),
    )


def band_edge(spectra: Sequence[Spectrum]) -> tuple[float, float]:
    """The sharpest upper edge of the mean spectrum of windows of one rate: Hz, and the fall in dB.

    The fall is from the median level of the half kilohertz below the edge to the level that all but
    a twentieth of what lies above it stays under. Music that is only dark falls gently.
    """
    levels = np.mean([spectrum.levels for spectrum in spectra], axis=0)
    top = spectra[0].top_hz
    bins = (len(levels) - 1) / top
    best, fall = top, 0.0
    for edge in np.arange(_LOWEST_EDGE_HZ, _TOP * top - 2 * _ABOVE_HZ, _EDGE_STEP_HZ):
        below = levels[int((edge - _BELOW_HZ[0]) * bins) : int((edge - _BELOW_HZ[1]) * bins)]
        above = np.sort(levels[int((edge + _ABOVE_HZ) * bins) : int(_TOP * (len(levels) - 1))])
        here = median(below) - float(above[int(0.95 * len(above))])
        if here > fall:
            best, fall = float(edge), here
    return best, fall
