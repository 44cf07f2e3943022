"""Resampling with soxr, whole or as a stream."""

import math
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import soxr

Samples = npt.NDArray[np.float32]

MARGIN_S = 0.1
"""Decoded before an excerpt, so that the resampler's filter sees what it would see in the whole
file: its longest filter is well under half as long."""


class ResampleQuality(StrEnum):
    """soxr's quality recipes; docs/audio.md holds their measured errors and costs."""

    VERY_HIGH = "VHQ"
    HIGH = "HQ"
    MEDIUM = "MQ"
    LOW = "LQ"
    QUICK = "QQ"


class Resampler:
    """A streaming resampler for mono float32 samples.

    The concatenated output does not depend on how the input is cut, has the length of a
    one-shot conversion, and is in time with the input: soxr's delay is compensated.

    Parameters
    ----------
    from_rate, to_rate
        Sample rates in Hz, positive.
    quality
        soxr recipe.
    """

    def __init__(
        self,
        from_rate: int,
        to_rate: int,
        *,
        quality: ResampleQuality = ResampleQuality.HIGH,
    ) -> None:
        self._stream: soxr.ResampleStream | None = None
        if from_rate != to_rate:
            self._stream = soxr.ResampleStream(
                from_rate, to_rate, 1, dtype="float32", quality=quality.value
            )

    def push(self, samples: Samples) -> Samples:
        """Take ``(n,)`` samples in and give what is ready, possibly nothing."""
        if self._stream is None:
            return samples
        return np.asarray(self._stream.resample_chunk(samples), dtype=np.float32)

    def finish(self) -> Samples:
        """Give the last samples; the resampler takes no more after this."""
        empty = np.zeros(0, dtype=np.float32)
        if self._stream is None:
            return empty
        return np.asarray(self._stream.resample_chunk(empty, last=True), dtype=np.float32)


def resample(
    samples: npt.ArrayLike,
    from_rate: int,
    to_rate: int,
    *,
    quality: ResampleQuality = ResampleQuality.HIGH,
) -> Samples:
    """Resample mono samples from one rate to another.

    Parameters
    ----------
    samples
        Shape ``(n,)``.
    from_rate, to_rate
        Sample rates in Hz, positive.
    quality
        soxr recipe.

    Returns
    -------
    numpy.ndarray
        Float32 of ``n * to_rate / from_rate`` samples, rounded.

    Raises
    ------
    ValueError
        If ``samples`` is not one-dimensional or a rate is not positive.
    """
    array = np.ascontiguousarray(samples, dtype=np.float32)
    if array.ndim != 1:
        raise ValueError(f"samples have shape {array.shape}; use to_mono first")
    if not (0 < from_rate < math.inf and 0 < to_rate < math.inf):
        raise ValueError(f"cannot resample from {from_rate} Hz to {to_rate} Hz")
    if from_rate == to_rate:
        return array
    return np.asarray(soxr.resample(array, from_rate, to_rate, quality=quality.value), np.float32)
