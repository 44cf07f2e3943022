"""Hiding a part of a piece from a model: in its audio, since the model begins there.

What is hidden is turned down by `HIDDEN_DB`, not put out: digital silence is itself out of the
ordinary for a model. Nothing is put in its place, which would be heard as well; noise as loud as
what was there tells apart whether a model goes by what happens there or by there being sound.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy import fft

from moodtheme.arrays import FloatArray
from moodtheme.explaining.regions import Region

HIDDEN_DB = 30.0
"""By how much hidden parts are turned down: to a thousandth of their power."""
FRAME_S = 0.064
"""About the length of an analysis frame: bins of 16 Hz keep bass apart, and a hidden stretch begins
and ends within a few hundredths of a second."""
_OVERLAP = 4  # frames over each sample: the squares of Hann windows then add up to 1.5
_SUM_OF_SQUARES = 1.5

_Complex = npt.NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Frames:
    """Analysis and synthesis at a sample rate, by overlapping Hann windows."""

    rate: int

    @property
    def size(self) -> int:
        """Samples of a frame: a power of two."""
        return int(2 ** round(np.log2(FRAME_S * self.rate)))

    @property
    def hop(self) -> int:
        """Samples between frames' starts."""
        return self.size // _OVERLAP

    @property
    def window(self) -> FloatArray:
        """The Hann window, periodic."""
        return np.asarray(np.hanning(self.size + 1)[:-1], np.float32)

    def analyse(self, audio: FloatArray) -> _Complex:
        """Spectra of all whole frames of audio, shape (frames, size / 2 + 1)."""
        framed = np.lib.stride_tricks.sliding_window_view(audio, self.size)[:: self.hop]
        return fft.rfft(framed * self.window, axis=1).astype(np.complex64)

    def synthesise(self, spectra: _Complex) -> FloatArray:
        """The sum of the frames' signals, shape ((frames + 3) · hop,)."""
        signals = fft.irfft(spectra, self.size, axis=1) * (self.window / _SUM_OF_SQUARES)
        audio = np.zeros((len(spectra) + _OVERLAP - 1) * self.hop)
        for part in range(_OVERLAP):
            piece = signals[:, part * self.hop : (part + 1) * self.hop].ravel()
            audio[part * self.hop : part * self.hop + len(piece)] += piece
        return audio.astype(np.float32)


def hide(audio: FloatArray, region: Region, rate: int, *, start_s: float = 0.0) -> FloatArray:
    """Audio with a region turned down.

    Parameters
    ----------
    audio
        Float32 mono, shape (samples,).
    region
        In the piece's time.
    rate
        Of the audio, in Hz.
    start_s
        Where in the piece the audio begins.

    Returns
    -------
    ndarray, shape (samples,)
        The same array where the region does not touch it.
    """
    frames = Frames(rate)
    hop, size = frames.hop, frames.size
    padded = _padded(audio, frames)
    # Of the frame's middle, in samples of the audio.
    middles = np.arange((len(padded) - size) // hop + 1) * hop + size // 2 - (size - hop)
    bins = np.arange(size // 2 + 1) * (rate / size)
    outside = (bins < region.low_hz) | (bins >= region.high_hz)
    changed: FloatArray | None = None
    for begin_s, end_s in region.spans_s:
        first, last = np.searchsorted(
            middles, [(begin_s - start_s) * rate, (end_s - start_s) * rate]
        ).tolist()
        if first >= last or outside.all():
            continue
        part = slice(first * hop, (last - 1) * hop + size)
        spectra = frames.analyse(padded[part])
        spectra[:, outside] = 0
        changed = padded.copy() if changed is None else changed
        changed[part] -= frames.synthesise(spectra) * (1 - 10 ** (-HIDDEN_DB / 20))
    if changed is None:
        return audio
    return changed[size - hop : size - hop + len(audio)]


def drown(audio: FloatArray, region: Region, rate: int, *, start_s: float = 0.0) -> FloatArray:
    """Audio with noise in place of a region, as loud as what it replaces; as `hide` otherwise.

    The noise is the same every time, white within the region.
    """
    hidden = hide(audio, region, rate, start_s=start_s)
    if hidden is audio:
        return audio
    white = np.random.default_rng(0).standard_normal(len(audio)).astype(np.float32)
    noise = white - hide(white, region, rate, start_s=start_s)
    gain = np.sqrt(np.mean((audio - hidden) ** 2) / max(float(np.mean(noise**2)), 1e-20))
    return np.asarray(hidden + noise * np.float32(gain))


def _padded(audio: FloatArray, frames: Frames) -> FloatArray:
    """Audio with so much silence around it that each sample is in as many frames."""
    edge = frames.size - frames.hop
    whole = -(-(len(audio) + 2 * edge - frames.size) // frames.hop) * frames.hop + frames.size
    return np.pad(audio, (edge, whole - len(audio) - edge))
