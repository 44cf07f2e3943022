"""From a mood to the musical cues that listeners read as that mood.

The directions in the table below follow published findings; `docs/demo-music.md` takes them cue by
cue and says where they are custom instead. The sizes (beats a minute, decibels) are this project's
choices inside those directions.

Sources
-------
Hevner 1935, "The affective character of the major and minor modes in music", and 1937, "The
affective value of pitch and tempo in music", American Journal of Psychology 47 and 49.
Dalla Bella, Peretz, Rousseau & Gosselin 2001, "A developmental study of the affective value of
tempo and mode in music", Cognition 80. Juslin & Laukka 2003, "Communication of emotions in vocal
expression and music performance", Psychological Bulletin 129. Ilie & Thompson 2006, "A comparison
of acoustic cues in music and speech for three dimensions of affect", Music Perception 23.
Gabrielsson & Lindström 2010, "The role of structure in the musical expression of emotions",
Handbook of Music and Emotion. Eerola, Friberg & Bresin 2013, "Emotional expression in music:
contribution, linearity, and additivity of primary musical cues", Frontiers in Psychology 4:487.
Juslin 2000, "Cue utilization in communication of emotion in music performance", Journal of
Experimental Psychology: Human Perception and Performance 26.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

import numpy as np


class Mood(StrEnum):
    """The moods the generator can write; the values are MTG-Jamendo mood/theme tags."""

    HAPPY = "happy"
    SAD = "sad"
    ENERGETIC = "energetic"
    CALM = "calm"
    RELAXING = "relaxing"
    DARK = "dark"
    EPIC = "epic"
    DRAMATIC = "dramatic"
    ROMANTIC = "romantic"
    FUN = "fun"
    MEDITATIVE = "meditative"
    UPBEAT = "upbeat"


@dataclass(frozen=True)
class Cues:
    """The musical cues of a piece. Those without a unit run from 0 to 1.

    Parameters
    ----------
    tempo
        Beats a minute.
    major
        Probability of a major rather than a minor mode.
    dissonance
        How often chords carry sevenths, ninths and diminished fifths.
    register
        Centre of the melody, in semitones above or below C5.
    pitch_range
        How far the melody moves and leaps.
    brightness
        Energy in high harmonics.
    attack
        From slow, bowed onsets to plucked and struck ones.
    staccato
        From legato to short, detached notes.
    level
        Loudness of the mix, dB RMS relative to full scale.
    contrast
        Changes of loudness within the piece.
    density
        Notes a beat.
    percussion
        From no drums to a full kit.
    weight
        From a light sound to a massive one: bass and drums forward, the melody inside the band
        rather than before it, saturation.
    irregularity
        Rubato and looseness of timing.
    """

    tempo: float
    major: float
    dissonance: float
    register: float
    pitch_range: float
    brightness: float
    attack: float
    staccato: float
    level: float
    contrast: float
    density: float
    percussion: float
    weight: float
    irregularity: float


# fmt: off
CUES: Mapping[Mood, Cues] = {
    #                    bpm  maj diss reg range brig  att stac  lvl cont dens perc  wgt  irr
    Mood.HAPPY:      Cues(134, .98, .15,  4, .70, .65, .95, .70, -15, .10, .65, 1.00, .40, .10),
    Mood.SAD:        Cues( 56, .02, .20, -7, .25, .35, .12, .05, -22, .25, .20, .00, .00, .60),
    Mood.ENERGETIC:  Cues(156, .80, .30,  2, .60, .95, .75, .80, -12, .10, .95, 1.00, .55, .05),
    Mood.CALM:       Cues( 70, .80, .10,  0, .30, .25, .30, .15, -24, .10, .30, .05, .00, .20),
    Mood.RELAXING:   Cues( 82, .80, .20,  0, .35, .30, .55, .25, -22, .10, .40, .25, .10, .15),
    Mood.DARK:       Cues( 76, .03, .75, -9, .30, .30, .30, .30, -19, .50, .30, .35, .50, .40),
    Mood.EPIC:       Cues(104, .30, .30,  0, .50, .90, .25, .15, -12, .90, .60, .95, .85, .20),
    Mood.DRAMATIC:   Cues(110, .05, .60, -2, .80, .60, .45, .35, -15, 1.00, .60, .60, .70, .50),
    Mood.ROMANTIC:   Cues( 74, .65, .40,  2, .60, .40, .35, .10, -21, .45, .45, .10, .05, .50),
    Mood.FUN:        Cues(126, .95, .15,  6, .80, .70, 1.00, .90, -16, .20, .70, .80, .30, .10),
    Mood.MEDITATIVE: Cues( 54, .60, .15, -3, .15, .15, .10, .05, -25, .10, .10, .00, .00, .20),
    Mood.UPBEAT:     Cues(132, .92, .15,  3, .60, .85, .90, .60, -14, .15, .80, 1.00, .60, .05),
}
# fmt: on

CUE_NAMES: tuple[str, ...] = tuple(field.name for field in fields(Cues))
_LIMITS: Mapping[str, tuple[float, float]] = {
    "tempo": (44.0, 176.0),
    "register": (-14.0, 12.0),
    "level": (-28.0, -11.0),
}


def blend(weights: Mapping[Mood, float]) -> Cues:
    """Mix the cues of several moods; tempi are mixed on a logarithmic scale.

    Cues add up with next to no interaction (Eerola, Friberg & Bresin 2013), which is what makes a
    weighted mean of moods meaningful. The weights are positive and need not sum to one.
    """
    total = sum(weights.values())
    mixed = {}
    for name in CUE_NAMES:
        values = np.array([getattr(CUES[mood], name) for mood in weights], dtype=np.float64)
        shares = np.array([weight / total for weight in weights.values()])
        if name == "tempo":
            mixed[name] = float(np.exp(shares @ np.log(values)))
        else:
            mixed[name] = float(shares @ values)
    return Cues(**mixed)


def perturb(cues: Cues, *, amount: float, rng: np.random.Generator) -> Cues:
    """Blur every cue, since real cues are probabilistic: none is always there (Juslin 2000).

    Parameters
    ----------
    amount
        Standard deviation on the 0-to-1 scale; tempo moves by half that in octaves, register by
        8 semitones and level by 6 dB a unit.
    """
    scale = {"register": 8.0, "level": 6.0}
    blurred = {}
    for name in CUE_NAMES:
        step = amount * rng.standard_normal()
        value = getattr(cues, name)
        moved = (
            value * 2.0 ** (0.5 * step) if name == "tempo" else value + scale.get(name, 1) * step
        )
        low, high = _LIMITS.get(name, (0.0, 1.0))
        blurred[name] = float(min(max(moved, low), high))
    return Cues(**blurred)
