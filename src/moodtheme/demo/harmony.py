"""Modes, functional chord progressions and voice leading."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from moodtheme.demo.moods import Cues

DEGREES = 7  # notes of every scale here


class Mode(StrEnum):
    """Church modes the generator writes in."""

    IONIAN = "ionian"
    LYDIAN = "lydian"
    MIXOLYDIAN = "mixolydian"
    DORIAN = "dorian"
    AEOLIAN = "aeolian"
    PHRYGIAN = "phrygian"

    @property
    def steps(self) -> tuple[int, ...]:
        """Semitones of the seven degrees above the tonic."""
        return _STEPS[self]


_STEPS = {
    Mode.IONIAN: (0, 2, 4, 5, 7, 9, 11),
    Mode.LYDIAN: (0, 2, 4, 6, 7, 9, 11),
    Mode.MIXOLYDIAN: (0, 2, 4, 5, 7, 9, 10),
    Mode.DORIAN: (0, 2, 3, 5, 7, 9, 10),
    Mode.AEOLIAN: (0, 2, 3, 5, 7, 8, 10),
    Mode.PHRYGIAN: (0, 1, 3, 5, 7, 8, 10),
}


class Function(StrEnum):
    """Harmonic function of a chord."""

    TONIC = "tonic"
    SUBDOMINANT = "subdominant"
    DOMINANT = "dominant"


class Cadence(StrEnum):
    """How a phrase ends."""

    HALF = "half"
    AUTHENTIC = "authentic"
    PLAGAL = "plagal"


# Which degree (0 = the tonic's) stands for which function, and how often; the plainest first.
_MAJOR = {
    Function.TONIC: ((0, 1.0), (5, 0.5), (2, 0.2)),
    Function.SUBDOMINANT: ((3, 1.0), (1, 0.7)),
    Function.DOMINANT: ((4, 1.0),),
}
_MINOR = {
    Function.TONIC: ((0, 1.0), (5, 0.5), (2, 0.3)),
    Function.SUBDOMINANT: ((3, 1.0), (5, 0.5), (1, 0.15)),
    Function.DOMINANT: ((4, 1.0), (6, 0.4)),
}
_DEGREES = {
    Mode.IONIAN: _MAJOR,
    Mode.LYDIAN: _MAJOR | {Function.SUBDOMINANT: ((1, 1.0), (3, 0.2))},
    Mode.MIXOLYDIAN: _MAJOR | {Function.DOMINANT: ((6, 1.0), (4, 0.4))},
    Mode.DORIAN: _MINOR | {Function.SUBDOMINANT: ((3, 1.0), (1, 0.3))},
    Mode.AEOLIAN: _MINOR,
    Mode.PHRYGIAN: _MINOR
    | {
        Function.SUBDOMINANT: ((3, 0.7), (5, 0.4)),
        Function.DOMINANT: ((1, 1.0), (6, 0.4)),  # the flat second falls to the tonic
    },
}


@dataclass(frozen=True)
class Chord:
    """A chord as it stands in its key.

    Parameters
    ----------
    degrees
        Scale degrees of its notes, root first, each 0 to 6.
    pitches
        The same notes as semitones above the tonic, 0 to 11.
    raised
        The degree that is raised by a semitone while this chord sounds (the leading note of a
        minor dominant), or None.
    """

    degrees: tuple[int, ...]
    pitches: tuple[int, ...]
    raised: int | None = None


@dataclass(frozen=True)
class ChordSpan:
    """A chord and when it sounds, in beats from the start of its phrase."""

    start: float
    beats: float
    chord: Chord


def choose_mode(cues: Cues, rng: np.random.Generator) -> Mode:
    """Draw a mode: major or minor by the cue, the rarer colours by the others."""
    if rng.random() < cues.major:
        weights = {
            Mode.IONIAN: 1.0,
            Mode.LYDIAN: 0.15 * (1 - cues.percussion),
            Mode.MIXOLYDIAN: 0.2 * cues.percussion,
        }
    else:
        weights = {
            Mode.AEOLIAN: 1.0,
            Mode.DORIAN: 0.25 * (1 - cues.dissonance),
            Mode.PHRYGIAN: 1.5 * max(0.0, cues.dissonance - 0.4),
        }
    shares = np.array(list(weights.values()))
    return list(weights)[int(rng.choice(len(shares), p=shares / shares.sum()))]


def build_chord(degree: int, mode: Mode, *, size: int = 3) -> Chord:
    """Stack thirds on a degree, 0 to 6; a minor key's dominant gets its leading note.

    A `size` of 3 is a triad, 4 has the seventh, 5 the ninth.
    """
    degrees = tuple((degree + 2 * third) % DEGREES for third in range(size))
    raised = 6 if degree == 4 and mode in (Mode.AEOLIAN, Mode.DORIAN) else None
    pitches = tuple(mode.steps[d] + (d == raised) for d in degrees)
    return Chord(degrees=degrees, pitches=pitches, raised=raised)


def _functions(
    bars: int, cadence: Cadence, opening: Function, rng: np.random.Generator
) -> list[Function]:
    """One function a bar, ending in the cadence."""
    tonic, sub, dominant = Function.TONIC, Function.SUBDOMINANT, Function.DOMINANT
    ending = {
        Cadence.HALF: [sub, dominant],
        Cadence.AUTHENTIC: [sub, dominant, tonic] if bars > 3 else [dominant, tonic],
        Cadence.PLAGAL: [sub, tonic],
    }[cadence][-bars:]
    functions = [opening] if bars > len(ending) else []
    while len(functions) < bars - len(ending):
        functions.append(tonic if rng.random() < 0.6 else sub)
    return functions + ending


def progression(
    mode: Mode,
    cues: Cues,
    *,
    bars: int,
    beats_per_bar: int,
    cadence: Cadence,
    opening: Function,
    rng: np.random.Generator,
) -> tuple[ChordSpan, ...]:
    """Write the chords of a phrase, one a bar, two in the bar before a slow cadence."""
    spans: list[ChordSpan] = []
    previous = -1
    functions = _functions(bars, cadence, opening, rng)
    for bar, function in enumerate(functions):
        choices = _DEGREES[mode][function]
        at_cadence = bar >= bars - 2
        # Cadences and opening tonics are spelled plainly, so that the key is heard.
        if at_cadence or (bar == 0 and function is Function.TONIC):
            degree = choices[0][0]
        else:
            fresh = [c for c in choices if c[0] != previous] or list(choices)
            weights = np.array([weight for _, weight in fresh])
            degree = fresh[int(rng.choice(len(fresh), p=weights / weights.sum()))][0]
        previous = degree
        colour = cues.dissonance * (0.4 if at_cadence and bar == bars - 1 else 1.0)
        size = 3 + int(rng.random() < colour) + int(rng.random() < 0.4 * colour)
        chord = build_chord(degree, mode, size=size)
        start = float(bar * beats_per_bar)
        half = beats_per_bar // 2
        splits = function is Function.DOMINANT and bar == bars - 2 and cues.tempo < 90
        if splits and half:
            # The subdominant lingers into the bar, a broad cadence that slow pieces have time for.
            before = build_chord(_DEGREES[mode][Function.SUBDOMINANT][0][0], mode)
            spans.append(ChordSpan(start, float(half), before))
            spans.append(ChordSpan(start + half, float(beats_per_bar - half), chord))
        else:
            spans.append(ChordSpan(start, float(beats_per_bar), chord))
    return tuple(spans)


def lead_voices(
    pitches: tuple[int, ...], tonic: int, centre: float, previous: tuple[int, ...] | None
) -> tuple[int, ...]:
    """Voice a chord so that each voice moves as little as it can from the voicing before.

    Pitches are semitones above the tonic, a pitch class of 0 to 11. The centre that the voicing
    should lie around, and voicings, are MIDI numbers, low to high and in close position.
    """
    classes = sorted({(tonic + pitch) % 12 for pitch in pitches})
    base = 12 * int(centre // 12) - 12
    best: tuple[int, ...] = ()
    best_cost = np.inf
    for turn in range(len(classes)):
        rotated = classes[turn:] + [c + 12 for c in classes[:turn]]
        for octave in (0, 12, 24):
            candidate = tuple(base + octave + c for c in rotated)
            cost = 0.6 * abs(float(np.mean(candidate)) - centre)
            if previous is not None:
                cost += float(np.mean([min(abs(note - p) for p in previous) for note in candidate]))
                cost += float(np.mean([min(abs(note - p) for note in candidate) for p in previous]))
            # Semitones at the bottom of a voicing sound muddy.
            cost += sum(4.0 for low, high in pairwise(candidate) if high - low == 1 and low < 60)
            if cost < best_cost:
                best, best_cost = candidate, cost
    return best
