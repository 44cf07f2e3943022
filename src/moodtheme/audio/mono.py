"""Mono: the mean of all channels, or the loudest one where they cancel out; and what is silent."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from moodtheme.audio.resample import Samples

SILENCE_PEAK = 10 ** (-80 / 20)
"""−80 dBFS: what varies by less, up and down, is silent."""
# Power of the mean over that of the loudest channel, below which they cancel out: −40 dB. Music
# does not come near it: two independent channels have −3 dB.
_CANCELLED = 1e-4
# With more channels than in any loudspeaker set-up, one alone may be as far above the mean.
_MOST_CHANNELS = 8
# Samples between those that are looked at first.
_COARSE = 16
# Samples beyond it are not on a scale of ±1: 60 dB over full scale.
_ABSURD_PEAK = 1_000.0
# Share of samples that may lie as far above all others: broken ones, which set no scale.
_STRAY = 0.01
# Beyond every scale in use; 32 bit integers taken for floats come to 2e9.
_NO_SAMPLE = 1e10


def to_mono(audio: npt.ArrayLike) -> Samples:
    """Mean of all channels, or the loudest one where they cancel out (see `Downmix`).

    Samples that are NaN, infinite or alone beyond all others become silence, as in files, and
    samples far beyond ±1 are brought down to it (see `scale_of`).

    Parameters
    ----------
    audio
        Samples of shape ``(n,)`` or ``(n, channels)``, on a scale of ±1. Integers are refused:
        their scale is unknown.

    Returns
    -------
    numpy.ndarray
        Float32 of shape ``(n,)``; the input itself where it is mono float32 already.

    Raises
    ------
    ValueError
        If the shape is another one, there are no channels, channels come first, or the type is not
        real floating point.
    """
    return mono_of_array(audio)[0]


def mono_of_array(audio: npt.ArrayLike) -> tuple[Samples, tuple[str, ...]]:
    """`to_mono`, and what was wrong with the samples."""
    samples = np.asarray(audio)
    if not np.issubdtype(samples.dtype, np.floating):
        raise ValueError(
            f"samples of type {samples.dtype} have no known scale; "
            "pass floating point samples between -1 and 1"
        )
    if samples.ndim not in (1, 2) or 0 in samples.shape[1:]:
        raise ValueError(
            f"samples have shape {samples.shape}; pass (samples,) or (samples, channels)"
        )
    if samples.ndim == 2 and samples.shape[1] > max(samples.shape[0], 64):
        raise ValueError(
            f"samples have shape {samples.shape}, which is {samples.shape[1]} channels; "
            "where channels come first, pass the transpose, audio.T"
        )
    warnings = []
    with np.errstate(over="ignore"):
        scale = scale_of(samples)
        if scale != 1.0:
            samples = samples * scale
            warnings.append(scale_note(scale))
        narrow = samples.astype(np.float32, copy=False)
    downmix = Downmix()
    mono = narrow if narrow.ndim == 1 else downmix.of_frames(narrow)
    bad = broken(mono)
    if bad.any():
        mono = np.where(bad, np.float32(0), mono)
        warnings.append(not_finite_note(int(np.count_nonzero(bad))))
    return mono, (*warnings, *downmix.notes())


def not_finite_note(count: int) -> str:
    """What is said of samples that are no numbers."""
    return f"{count} samples are not finite or absurdly large; taken as silence"


def broken(samples: Samples) -> npt.NDArray[np.bool_]:
    """Which samples are none."""
    return ~(np.abs(samples) <= _NO_SAMPLE)


def scale_note(scale: float) -> str:
    """What is said of samples that were scaled."""
    return f"the samples are far beyond ±1; scaled by {scale:.3g}"


def scale_of(samples: npt.NDArray[np.floating[Any]]) -> float:
    """The factor to ±1 of samples that are on no such scale: 1 up to a peak of 1,000.

    Beyond it a power of two, so that no digit is lost.
    """
    if not float(np.nanmax(np.abs(samples), initial=0.0)) > _ABSURD_PEAK:
        return 1.0
    sizes = np.abs(samples[np.isfinite(samples) & (samples != 0)]).astype(np.float64)
    if not len(sizes):
        return 1.0
    usual = np.quantile(sizes, 1 - _STRAY, method="lower") * _ABSURD_PEAK
    peak = float(sizes[sizes <= usual].max())
    return 1.0 if peak <= _ABSURD_PEAK else 2.0 ** -math.ceil(math.log2(peak))


def varies(samples: Samples) -> bool:
    """Whether there is anything to hear: a constant offset is silent."""
    some = samples[::_COARSE]
    if len(some) and float(some.max()) - float(some.min()) >= 2 * SILENCE_PEAK:
        return True
    return bool(len(samples)) and float(samples.max()) - float(samples.min()) >= 2 * SILENCE_PEAK


class Downmix:
    """Channels to mono, block by block.

    The mean of all channels. Where it is below −40 dBFS and more than 40 dB below the loudest of up
    to eight channels they cancel out, as left and right do where one was
    connected the wrong way round; then that channel is taken, and the same one in later blocks.
    A channel that is NaN throughout a block is left out of its mean.
    """

    def __init__(self) -> None:
        self._cancelled = self._left_out = False
        self._channel: int | None = None

    def of_frames(self, frames: Samples, *, scale: float = 1.0) -> Samples:
        """Mono of ``(n, channels)`` times ``scale``, in new memory.

        Adding whole channels is about 30 times as fast as ``frames.mean(axis=1)``, whose inner loop
        would run over two values only.
        """
        channels = list(frames.T)
        with np.errstate(over="ignore", invalid="ignore"):  # infinity and its opposite make NaN
            mono = channels[0] + channels[1] if len(channels) > 1 else channels[0].copy()
            for channel in channels[2:]:
                mono += channel
        mono *= np.float32(scale / len(channels))
        return self.check(mono, channels, scale=scale)

    def check(
        self, mono: Samples, channels: Sequence[npt.NDArray[np.generic]], *, scale: float = 1.0
    ) -> Samples:
        """The mean that was formed of channels, or a channel times ``scale`` instead."""
        some = mono[::_COARSE]
        with np.errstate(over="ignore", invalid="ignore"):
            power = float(np.dot(some, some))
        if power > _CANCELLED * len(some):
            return mono
        if math.isnan(power):
            return self._of_numbers(mono, channels, scale)
        if not 1 < len(channels) <= _MOST_CHANNELS or not self._cancel(
            mono, channels, scale, _COARSE
        ):
            return mono
        if not self._cancel(mono, channels, scale, 1):
            return mono
        powers = [_power(channel) for channel in channels]
        if self._channel is None or powers[self._channel] < _CANCELLED * max(powers):
            self._channel = int(np.argmax(powers))
        self._cancelled = True
        return channels[self._channel].astype(np.float32) * np.float32(scale)

    def notes(self) -> list[str]:
        """What was not the mean of all channels."""
        notes = []
        if self._left_out:
            notes.append("a channel holds no numbers; it is left out there, the others are heard")
        if self._cancelled:
            notes.append(
                "the channels cancel out in their mean (opposite phase); the louder one is heard "
                "there"
            )
        return notes

    def _of_numbers(
        self, mono: Samples, channels: Sequence[npt.NDArray[np.generic]], scale: float
    ) -> Samples:
        """The mean of those channels that are not NaN throughout."""
        with np.errstate(over="ignore", invalid="ignore"):
            narrow = [channel.astype(np.float32) for channel in channels]
            some = [channel for channel in narrow if not np.isnan(channel).all()]
            if len(some) in (0, len(channels)):
                return mono
            self._left_out = True
            mean: Samples = np.mean(some, axis=0) * np.float32(scale)
        return mean

    @staticmethod
    def _cancel(
        mono: Samples, channels: Sequence[npt.NDArray[np.generic]], scale: float, step: int
    ) -> bool:
        loudest = max(_power(channel[::step]) for channel in channels) * scale**2
        least = len(mono[::step]) * SILENCE_PEAK**2 / 2
        return loudest > least and _power(mono[::step]) <= _CANCELLED * loudest


def _power(samples: npt.NDArray[np.generic]) -> float:
    wide = samples.astype(np.float64)
    return float(np.dot(wide, wide))
