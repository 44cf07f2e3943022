"""Single sounds: notes of a voice at one pitch, and strokes on the drums of a kit."""

import numpy as np

from moodtheme.demo.instruments import VOICES, Instrument, Voice
from moodtheme.demo.modal import Samples, Values, damped_modes, seconds, shaped_noise
from moodtheme.demo.score import Drum

_REFERENCE_HZ = 220.0  # where voices state their decays
# Of each drum: the seconds it lasts, its level in the mix in dB (the sound itself peaks at 1), and
# its place from left to right, −1 to 1, as the audience sees the kit.
_KIT = {
    Drum.KICK: (0.4, 0.0, 0.0),
    Drum.SNARE: (0.35, -4.0, 0.05),
    Drum.RIM: (0.1, -10.0, -0.15),
    Drum.CLAP: (0.3, -6.0, 0.1),
    Drum.HAT: (0.12, -12.0, 0.35),
    Drum.OPEN_HAT: (0.45, -13.0, 0.35),
    Drum.SHAKER: (0.14, -14.0, -0.4),
    Drum.TOM: (0.6, -5.0, -0.3),
    Drum.TAIKO: (1.2, 0.0, 0.1),
    Drum.CRASH: (2.2, -11.0, -0.4),
}
PAN = {drum: pan for drum, (_, _, pan) in _KIT.items()}
# Inharmonic partials of a struck cymbal, in Hz.
_METAL = np.array([3130.0, 4420.0, 5270.0, 6380.0, 7710.0, 8890.0, 10350.0])


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

    The brightness is from 0 (dull, soft playing) to 1 (bright, loud playing).

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
    head = sound[: int(0.4 * sample_rate)]
    sound /= np.float32(max(float(np.sqrt(np.mean(head * head))), 1e-6))
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


def _sweep(time: Values, start: float, end: float, fall: float) -> Values:
    """A sine that falls from one frequency to another, `fall` a second fast."""
    return np.sin(2 * np.pi * (end * time + (start - end) / fall * (1 - np.exp(-fall * time))))


def stroke(drum: Drum, *, pitch: float, sample_rate: int, rng: np.random.Generator) -> Samples:
    """Strike a drum once; another draw of noise is another take of the same sound.

    The pitch is the tuning of the skins, a factor around 1.

    Returns
    -------
    float32 (samples,)
        At its level in the mix, without a mean.
    """
    length_s, level_db, _ = _KIT[drum]
    samples = int(length_s * sample_rate)
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
    fade_out = np.clip((length_s - time) / 0.02, 0, 1)
    sound = (sound - np.mean(sound)) * fade_out * np.minimum(time / 0.0008, 1)
    return np.asarray(sound * 10 ** (level_db / 20), dtype=np.float32)
