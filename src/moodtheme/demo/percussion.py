"""The drum kit, synthesised from swept sines, modes and noise."""

import numpy as np

from moodtheme.demo.modal import Samples, Values, damped_modes, seconds, shaped_noise
from moodtheme.demo.score import Drum

# Seconds each sound lasts.
_LENGTHS = {
    Drum.KICK: 0.4, Drum.SNARE: 0.35, Drum.RIM: 0.1, Drum.CLAP: 0.3, Drum.HAT: 0.12,
    Drum.OPEN_HAT: 0.45, Drum.SHAKER: 0.14, Drum.TOM: 0.6, Drum.TAIKO: 1.2, Drum.CRASH: 2.2,
}  # fmt: skip
# Levels in the mix, dB; the sounds themselves peak at 1.
_LEVELS = {
    Drum.KICK: 0.0, Drum.SNARE: -4.0, Drum.RIM: -10.0, Drum.CLAP: -6.0, Drum.HAT: -12.0,
    Drum.OPEN_HAT: -13.0, Drum.SHAKER: -14.0, Drum.TOM: -5.0, Drum.TAIKO: 0.0, Drum.CRASH: -11.0,
}  # fmt: skip
# Left to right, −1 to 1, as the audience sees the kit.
PAN = {
    Drum.KICK: 0.0, Drum.SNARE: 0.05, Drum.RIM: -0.15, Drum.CLAP: 0.1, Drum.HAT: 0.35,
    Drum.OPEN_HAT: 0.35, Drum.SHAKER: -0.4, Drum.TOM: -0.3, Drum.TAIKO: 0.1, Drum.CRASH: -0.4,
}  # fmt: skip
# Inharmonic partials of a struck cymbal, in Hz.
_METAL = np.array([3130.0, 4420.0, 5270.0, 6380.0, 7710.0, 8890.0, 10350.0])


def _sweep(time: Values, start: float, end: float, fall: float) -> Values:
    """A sine that falls from one frequency to another, `fall` a second fast."""
    return np.sin(2 * np.pi * (end * time + (start - end) / fall * (1 - np.exp(-fall * time))))


def stroke(drum: Drum, *, pitch: float, sample_rate: int, rng: np.random.Generator) -> Samples:
    """Strike a drum once.

    Parameters
    ----------
    drum
        Which.
    pitch
        Tuning of the skins, a factor around 1.
    sample_rate
        Rate of the result.
    rng
        Source of noise; another draw is another take of the same sound.

    Returns
    -------
    float32 (samples,)
        At its level in the mix, without a mean.
    """
    samples = int(_LENGTHS[drum] * sample_rate)
    time = seconds(samples, sample_rate)

    def noise(low: float, high: float) -> Samples:
        return shaped_noise(samples, sample_rate, low, high, rng)

    def fade(rate: float) -> Values:
        return np.exp(-rate * time)

    if drum is Drum.KICK:
        sound = _sweep(time, 170 * pitch, 50 * pitch, 32) * fade(11)
        sound = sound + 0.08 * noise(1500, 6000) * fade(160)
    elif drum is Drum.SNARE:
        skin = _sweep(time, 230 * pitch, 185 * pitch, 30) * fade(22)
        sound = 0.6 * skin + 0.32 * noise(1200, 9500) * fade(17)
    elif drum is Drum.RIM:
        sound = 0.7 * _sweep(time, 1750, 1650, 40) * fade(75) + 0.15 * noise(900, 6000) * fade(90)
    elif drum is Drum.CLAP:
        bursts = [np.where(time >= t, np.exp(-90 * (time - t)), 0.0) for t in (0, 0.011, 0.023)]
        sound = 0.4 * noise(900, 4500) * (np.sum(bursts, axis=0) + 0.5 * fade(16))
    elif drum in (Drum.HAT, Drum.OPEN_HAT, Drum.CRASH):
        rate = {Drum.HAT: 48.0, Drum.OPEN_HAT: 9.0, Drum.CRASH: 2.0}[drum]
        low = 2500 if drum is Drum.CRASH else 6000
        metal = damped_modes(
            _METAL * pitch, np.full(7, rate), np.full(7, 0.12), rng.uniform(0, 6.28, 7),
            samples=samples, sample_rate=sample_rate,
        )  # fmt: skip
        sound = metal + 0.3 * noise(low, 13000) * fade(rate)
    elif drum is Drum.SHAKER:
        sound = 0.4 * noise(4000, 9500) * np.minimum(time / 0.03, 1) * fade(26)
    elif drum is Drum.TOM:
        sound = _sweep(time, 160 * pitch, 105 * pitch, 18) * fade(8)
        sound = sound + 0.05 * noise(500, 4000) * fade(60)
    else:
        sound = _sweep(time, 95 * pitch, 58 * pitch, 20) * fade(4.5)
        sound = sound + 0.12 * noise(60, 900) * fade(14) + 0.05 * noise(1000, 4000) * fade(90)
    fade_out = np.clip((_LENGTHS[drum] - time) / 0.02, 0, 1)
    sound = (sound - np.mean(sound)) * fade_out * np.minimum(time / 0.0008, 1)
    return np.asarray(sound * 10 ** (_LEVELS[drum] / 20), dtype=np.float32)
