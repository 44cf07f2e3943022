"""Single notes: a voice's partials, envelope, vibrato and noise at one pitch."""

import numpy as np

from moodtheme.demo.instruments import VOICES, Instrument, Voice
from moodtheme.demo.modal import Samples, Values, damped_modes, seconds, shaped_noise

_REFERENCE_HZ = 220.0  # where voices state their decays


def _partials(voice: Voice, hertz: float, brightness: float) -> tuple[Values, Values]:
    """Frequencies (Hz) and amplitudes of one player's partials."""
    if voice.ratios:
        ratios = np.array(voice.ratios, dtype=np.float64)
        order = np.arange(1, len(ratios) + 1, dtype=np.float64)
    else:
        order = np.arange(1, voice.partials + 1, dtype=np.float64)
        ratios = order * np.sqrt(1 + voice.inharmonicity * order**2)
    amplitudes = order ** (-voice.tilt - 1.3 * (0.55 - brightness))
    if voice.even != 1.0:
        amplitudes[1::2] *= voice.even
    if voice.pluck:
        amplitudes *= np.abs(np.sin(np.pi * voice.pluck * order)) + 0.02
    frequencies = hertz * ratios
    for formant in voice.formants:
        amplitudes *= 1 + 1.5 * np.exp(-(np.log2(frequencies / formant) ** 2) / 0.18)
    # Amplifiers and rooms dull what lies above about 8 kHz; without this, low strings buzz.
    amplitudes /= 1 + (frequencies / 8000.0) ** 2
    return frequencies, amplitudes


def tone(
    instrument: Instrument,
    hertz: float,
    *,
    samples: int,
    brightness: float,
    sample_rate: int,
    rng: np.random.Generator,
) -> Samples:
    """Sound a note that is never let go; the performance cuts and releases it.

    Parameters
    ----------
    instrument
        Who plays.
    hertz
        Pitch.
    samples, sample_rate
        Length and rate of the result.
    brightness
        From 0 (dull, soft playing) to 1 (bright, loud playing).
    rng
        Source of phases and noise.

    Returns
    -------
    float32 (samples,)
        RMS 1 over the first 0.4 s.
    """
    voice = VOICES[instrument]
    sound = _modes(
        voice, hertz, samples=samples, brightness=brightness, sample_rate=sample_rate, rng=rng
    )
    time = seconds(samples, sample_rate)
    if voice.vibrato:
        sound = _with_vibrato(sound, voice.vibrato, time, sample_rate, rng)
    sound /= _loudness(sound, sample_rate)
    if voice.breath:
        air = shaped_noise(samples, sample_rate, hertz, min(6 * hertz, 9000.0), rng)
        sound += np.float32(voice.breath * 2) * air
    if voice.knock:
        burst = shaped_noise(min(samples, sample_rate // 20), sample_rate, hertz, 5000.0, rng)
        burst *= np.exp(-time[: len(burst)] / 0.008).astype(np.float32)
        sound[: len(burst)] += np.float32(voice.knock * (0.5 + brightness) * 4) * burst
    rise = max(2, int(voice.attack * sample_rate))
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(min(rise, samples)) / rise)
    sound[: len(ramp)] *= ramp.astype(np.float32)
    return np.asarray(sound * np.float32(10 ** (voice.gain / 20)), dtype=np.float32)


def _modes(
    voice: Voice,
    hertz: float,
    *,
    samples: int,
    brightness: float,
    sample_rate: int,
    rng: np.random.Generator,
) -> Samples:
    """All players' partials, without noise, envelope or vibrato."""
    frequencies, amplitudes = _partials(voice, hertz, brightness)
    players = 2.0 ** (np.array(voice.detune) / 1200)
    order = np.tile(np.arange(len(frequencies)), len(players))
    frequencies = np.outer(players, frequencies).reshape(-1)
    amplitudes = np.tile(amplitudes, len(players))
    decays = voice.decay * (hertz / _REFERENCE_HZ) ** 0.5 * (1 + voice.damping * order)
    # One string is struck in phase; an ensemble is not.
    together = voice.decay > 0 and len(players) < 3
    phases = np.zeros(len(order)) if together else rng.uniform(0, 2 * np.pi, len(order))
    sound = damped_modes(
        frequencies, decays, amplitudes, phases, samples=samples, sample_rate=sample_rate
    )
    if voice.bloom:
        # A partial that fades in is a steady one less one that dies away, here within 8 time
        # constants of the slowest.
        lag = voice.bloom * (order + 1.0)
        head = min(samples, int(8 * lag[-1] * sample_rate))
        sound[:head] -= damped_modes(
            frequencies, decays + 1 / lag, amplitudes, phases, samples=head, sample_rate=sample_rate
        )
    return sound


def _loudness(sound: Samples, sample_rate: int) -> np.float32:
    """RMS of the first 0.4 s."""
    head = sound[: int(0.4 * sample_rate)]
    return np.float32(max(float(np.sqrt(np.mean(head * head))), 1e-6))


def _with_vibrato(
    sound: Samples, cents: float, time: Values, sample_rate: int, rng: np.random.Generator
) -> Samples:
    """Read the tone at a wavering pace; the waver sets in after the attack."""
    rate = 5.2 + 0.4 * rng.standard_normal()
    depth = (2 ** (cents / 1200) - 1) / (2 * np.pi * rate)
    ramp = np.clip((time - 0.25) / 0.4, 0, 1)
    places = (time + depth * ramp * np.sin(2 * np.pi * rate * time)) * sample_rate
    whole = np.clip(places.astype(np.int64), 0, max(len(sound) - 2, 0))
    part = np.clip(places - whole, 0, 1).astype(np.float32)
    following = np.minimum(whole + 1, len(sound) - 1)
    return np.asarray(sound[whole] * (1 - part) + sound[following] * part, dtype=np.float32)
