"""The pitched instruments: each is a row of numbers for one modal voice."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Instrument(StrEnum):
    """Names of the instruments."""

    PIANO = "piano"
    ELECTRIC_PIANO = "electric_piano"
    GUITAR = "guitar"
    HARP = "harp"
    MARIMBA = "marimba"
    BELLS = "bells"
    FLUTE = "flute"
    CLARINET = "clarinet"
    VIOLIN = "violin"
    CELLO = "cello"
    BRASS = "brass"
    SYNTH_LEAD = "synth_lead"
    ORGAN = "organ"
    STRINGS = "strings"
    WARM_PAD = "warm_pad"
    CHOIR = "choir"
    DOUBLE_BASS = "double_bass"
    BASS_GUITAR = "bass_guitar"
    SYNTH_BASS = "synth_bass"


@dataclass(frozen=True, kw_only=True)
class Voice:
    """How an instrument sounds.

    Parameters
    ----------
    onset, brightness, power
        Descriptors from 0 (bowed; dull; soft) to 1 (struck; bright; loud), by which moods choose
        instruments.
    tilt
        Amplitude of partial k is k to the power −tilt.
    partials
        How many partials.
    ratios
        Frequencies over the fundamental for bars and bells; harmonic where empty.
    even
        Gain of even partials (small in a clarinet).
    inharmonicity
        Stiffness B of a string: partial k lies at k·√(1 + B·k²).
    pluck
        Where the string is plucked or struck, as a share of its length; 0 for none.
    decay
        Decay rate of the fundamental at 220 Hz, 1/s; 0 sustains.
    damping
        How much faster each higher partial decays, as a share of `decay` a partial.
    bloom
        Seconds by which each higher partial comes in later (brass, bows).
    formants
        Centre frequencies (Hz) the spectrum is raised around.
    detune
        Cents of each of the players or oscillators in unison.
    attack, release
        Seconds.
    vibrato
        Cents of a 5.2 Hz vibrato that sets in after a third of a second.
    breath
        Level of sustained noise around the note.
    knock
        Level of the noise of the attack.
    gain
        Level in the mix, dB.
    """

    onset: float
    brightness: float
    power: float
    tilt: float
    partials: int = 24
    ratios: tuple[float, ...] = ()
    even: float = 1.0
    inharmonicity: float = 0.0
    pluck: float = 0.0
    decay: float = 0.0
    damping: float = 0.0
    bloom: float = 0.0
    formants: tuple[float, ...] = ()
    detune: tuple[float, ...] = (0.0,)
    attack: float = 0.004
    release: float = 0.12
    vibrato: float = 0.0
    breath: float = 0.0
    knock: float = 0.0
    gain: float = 0.0


VOICES: Mapping[Instrument, Voice] = {
    Instrument.PIANO: Voice(
        onset=0.9, brightness=0.55, power=0.6, tilt=1.25, inharmonicity=2e-4, pluck=0.12, decay=1.1,
        damping=0.22, detune=(-0.7, 0.6), attack=0.003, release=0.16, knock=0.05,
    ),
    Instrument.ELECTRIC_PIANO: Voice(
        onset=0.75, brightness=0.35, power=0.8, tilt=1.9, partials=8,
        ratios=(1, 2, 3, 4, 7.2, 14.1), decay=0.9, damping=1.1, detune=(-1.5, 1.5), attack=0.004,
        release=0.18, knock=0.02,
    ),
    Instrument.GUITAR: Voice(
        onset=0.85, brightness=0.5, power=0.55, tilt=1.0, inharmonicity=5e-5, pluck=0.22, decay=1.7,
        damping=0.3, attack=0.002, release=0.1, knock=0.06,
    ),
    Instrument.HARP: Voice(
        onset=0.7, brightness=0.4, power=0.2, tilt=1.35, inharmonicity=3e-5, pluck=0.4, decay=1.1,
        damping=0.35, attack=0.004, release=0.5, knock=0.03,
    ),
    Instrument.MARIMBA: Voice(
        onset=1.0, brightness=0.3, power=0.4, tilt=1.1, ratios=(1, 3.93, 9.2), decay=4.5,
        damping=1.4, attack=0.002, release=0.25, knock=0.08, gain=1.0,
    ),
    Instrument.BELLS: Voice(
        onset=0.95, brightness=0.8, power=0.3, tilt=0.6, ratios=(1, 2.76, 5.4, 8.93), decay=1.6,
        damping=0.9, attack=0.002, release=0.6, knock=0.02, gain=-2.0,
    ),
    Instrument.FLUTE: Voice(
        onset=0.3, brightness=0.3, power=0.3, tilt=2.1, partials=10, bloom=0.008, attack=0.05,
        release=0.12, vibrato=11.0, breath=0.035, knock=0.03,
    ),
    Instrument.CLARINET: Voice(
        onset=0.4, brightness=0.45, power=0.4, tilt=1.25, partials=18, even=0.18, bloom=0.004,
        formants=(1500.0,), attack=0.035, release=0.09, vibrato=3.0, breath=0.01,
    ),
    Instrument.VIOLIN: Voice(
        onset=0.2, brightness=0.6, power=0.5, tilt=1.15, partials=28, bloom=0.006,
        formants=(500.0, 1200.0, 3000.0), detune=(-2.0, 2.5), attack=0.08, release=0.16,
        vibrato=14.0, breath=0.012,
    ),
    Instrument.CELLO: Voice(
        onset=0.15, brightness=0.4, power=0.4, tilt=1.3, partials=24, bloom=0.007,
        formants=(250.0, 600.0, 1500.0), detune=(-2.0, 1.5), attack=0.1, release=0.2, vibrato=12.0,
        breath=0.01,
    ),
    Instrument.BRASS: Voice(
        onset=0.5, brightness=0.85, power=0.95, tilt=0.95, partials=26, bloom=0.012,
        formants=(1100.0,), detune=(-3.0, 2.0, 4.0), attack=0.035, release=0.12, vibrato=5.0,
        gain=-1.0,
    ),
    Instrument.SYNTH_LEAD: Voice(
        onset=0.75, brightness=0.9, power=0.9, tilt=0.95, partials=40, detune=(-7.0, 0.0, 6.0),
        attack=0.006, release=0.1, gain=-1.0,
    ),
    Instrument.ORGAN: Voice(
        onset=0.55, brightness=0.5, power=0.8, tilt=0.75, ratios=(0.5, 1, 1.5, 2, 3, 4, 6, 8),
        detune=(-2.0, 2.0), attack=0.012, release=0.08, knock=0.02, gain=-2.0,
    ),
    Instrument.STRINGS: Voice(
        onset=0.25, brightness=0.6, power=0.6, tilt=1.15, partials=22, bloom=0.008,
        formants=(450.0, 1100.0, 2800.0), detune=(-8.0, -2.0, 3.0, 9.0), attack=0.09, release=0.28,
    ),
    Instrument.WARM_PAD: Voice(
        onset=0.1, brightness=0.25, power=0.2, tilt=1.8, partials=14, bloom=0.05,
        detune=(-6.0, 0.0, 7.0), attack=0.25, release=0.6,
    ),
    Instrument.CHOIR: Voice(
        onset=0.15, brightness=0.4, power=0.45, tilt=1.4, partials=20,
        formants=(600.0, 1050.0, 2600.0), detune=(-11.0, -4.0, 3.0, 10.0), attack=0.18, release=0.4,
        breath=0.012,
    ),
    Instrument.DOUBLE_BASS: Voice(
        onset=0.8, brightness=0.3, power=0.3, tilt=1.5, partials=18, pluck=0.3, decay=1.6,
        damping=0.35, attack=0.006, release=0.12, knock=0.03,
    ),
    Instrument.BASS_GUITAR: Voice(
        onset=0.85, brightness=0.5, power=0.6, tilt=1.2, partials=24, pluck=0.18, decay=0.9,
        damping=0.3, attack=0.003, release=0.08, knock=0.03,
    ),
    Instrument.SYNTH_BASS: Voice(
        onset=0.9, brightness=0.8, power=0.9, tilt=1.1, partials=24, decay=0.5, damping=0.6,
        detune=(-4.0, 4.0), attack=0.004, release=0.07,
    ),
}  # fmt: skip
