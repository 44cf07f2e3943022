"""Changes to a window of music before the teacher hears it.

The teacher judges the changed window itself, so none of them can make a label wrong; they make
the student learn the teacher on more kinds of sound than the collection holds.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

FloatArray = npt.NDArray[np.float32]

_SPEEDS = (0.8, 1.25)  # pitch and tempo together, ± 4 semitones
_EQ_DB = 6.0  # standard deviation of the gain at each of the equaliser's points
_EQ_POINTS_HZ = (60.0, 250.0, 1000.0, 3000.0, 7000.0)
_MIX_DB = (-12.0, 0.0)  # level of a second piece against the first


@dataclass(frozen=True)
class Change:
    """What is done to one window; the neutral values do nothing."""

    speed: float = 1.0
    eq_db: tuple[float, ...] | None = None
    mix_db: float | None = None

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Change":
        """One change; about a fifth of all windows stay as they are."""
        kinds = rng.random(3) < (0.5, 0.4, 0.3)
        low, high = np.log(_SPEEDS)
        speed = float(np.exp(rng.uniform(low, high)))
        eq_db = tuple(float(gain) for gain in rng.normal(0.0, _EQ_DB, len(_EQ_POINTS_HZ)))
        mix_db = float(rng.uniform(*_MIX_DB))
        return cls(
            speed=speed if kinds[0] else 1.0,
            eq_db=eq_db if kinds[1] else None,
            mix_db=mix_db if kinds[2] else None,
        )


def cut(audio: FloatArray, start: int, samples: int, *, speed: float = 1.0) -> FloatArray:
    """Exactly `samples` samples of `audio` from `start`, played at `speed`, looped where it ends.

    Parameters
    ----------
    audio
        Shape (n,), n ≥ 1.
    """
    wanted = int(np.ceil(samples * speed)) + 1 if speed != 1.0 else samples
    piece = audio[start : start + wanted]
    if len(piece) < wanted:
        piece = np.take(audio, np.arange(start, start + wanted), mode="wrap")
    if speed == 1.0:
        return piece
    faster: FloatArray = soxr.resample(piece, speed, 1.0, quality="MQ")
    return np.resize(faster, samples)


def apply_change(
    window: FloatArray, partner: FloatArray, change: Change, *, sample_rate: int
) -> FloatArray:
    """Mix and equalise a window; the speed has been seen to by `cut`.

    Parameters
    ----------
    window, partner
        Equally long, at `sample_rate`; `partner` is another piece, used when the change mixes.
    """
    if change.mix_db is not None:
        level, other = _rms(window), _rms(partner)
        if level > 0 and other > 0:
            window = window + partner * np.float32(10 ** (change.mix_db / 20) * level / other)
    if change.eq_db is not None:
        n_fft = 1 << (len(window) - 1).bit_length()
        spectrum = np.fft.rfft(window, n_fft)
        octave = np.log2(np.maximum(np.fft.rfftfreq(n_fft, 1 / sample_rate), 1.0))
        gain_db = np.interp(octave, np.log2(_EQ_POINTS_HZ), change.eq_db)
        spectrum *= (10 ** (gain_db / 20)).astype(np.float32)
        window = np.fft.irfft(spectrum, n_fft)[: len(window)].astype(np.float32)
    return window


def _rms(audio: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))
