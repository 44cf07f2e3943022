"""Melodies from motifs: rhythm cells, steps, repetition, variation and cadences."""

from dataclasses import dataclass, replace

import numpy as np

from moodtheme.demo.harmony import DEGREES, Cadence, Chord, ChordSpan, Mode
from moodtheme.demo.moods import Cues
from moodtheme.demo.score import Note, Part

# Rhythms of one beat: note lengths in beats. The empty cell prolongs the note before.
_CELLS: tuple[tuple[float, ...], ...] = (
    (),
    (1.0,),
    (0.5, 0.5),
    (0.75, 0.25),
    (0.25, 0.25, 0.5),
    (1 / 3, 1 / 3, 1 / 3),
)
_DISTANCES = sorted(range(1 - DEGREES, DEGREES), key=abs)  # down first where both are as far


@dataclass(frozen=True)
class Motif:
    """A bar of melody without pitch: onsets and durations in beats, steps from the first note."""

    onsets: tuple[float, ...]
    durations: tuple[float, ...]
    steps: tuple[int, ...]


def invent_motif(cues: Cues, beats_per_bar: int, rng: np.random.Generator) -> Motif:
    """Invent one bar: busier with density, leaping with pitch range."""
    fewest = min(beats_per_bar, 1 + round(3 * cues.density))
    while len((motif := _draw_motif(cues, beats_per_bar, rng)).onsets) < fewest:
        continue
    return motif


def _draw_motif(cues: Cues, beats_per_bar: int, rng: np.random.Generator) -> Motif:
    slow = cues.tempo < 120
    density = cues.density
    weights = np.array(
        [
            1.7 * (1 - density) ** 1.5,
            1.0,
            2.0 * density,
            0.5 * density,
            0.8 * max(0.0, density - 0.4) if slow else 0.0,
            0.25 * density if slow else 0.0,
        ]
    )
    onsets: list[float] = []
    durations: list[float] = []
    for beat in range(beats_per_bar):
        cell = _CELLS[int(rng.choice(len(_CELLS), p=weights / weights.sum()))]
        if not cell and onsets:
            durations[-1] += 1.0
            continue
        onset = float(beat)
        for length in cell or (1.0,):
            onsets.append(onset)
            durations.append(length)
            onset += length
    return Motif(tuple(onsets), tuple(durations), _walk(len(onsets), cues, rng))


def _walk(count: int, cues: Cues, rng: np.random.Generator) -> tuple[int, ...]:
    """Steps that mostly move by a second and turn back after a leap, as tunes do."""
    steps = [0]
    direction = 1 if rng.random() < 0.5 else -1
    leap = False
    while len(steps) < count:
        if leap or rng.random() < 0.3:
            direction = -direction
        leap = rng.random() < 0.1 + 0.3 * cues.pitch_range
        size = int(rng.integers(2, 5)) if leap else int(rng.random() > 0.08)
        steps.append(steps[-1] + direction * size)
    return tuple(steps)


def vary(motif: Motif, rng: np.random.Generator) -> Motif:
    """Vary a motif lightly: a note ornamented, or two joined, or the tail bent."""
    onsets, durations, steps = list(motif.onsets), list(motif.durations), list(motif.steps)
    kind = int(rng.integers(3))
    place = int(rng.integers(len(onsets)))
    if kind == 0 and durations[place] >= 1.0:
        half = durations[place] / 2
        durations[place] = half
        onsets.insert(place + 1, onsets[place] + half)
        durations.insert(place + 1, half)
        steps.insert(place + 1, steps[place] + (1 if rng.random() < 0.5 else -1))
    elif kind == 1 and len(onsets) > 2 and place > 0:
        durations[place - 1] += durations[place]
        del onsets[place], durations[place], steps[place]
    else:
        turn = 1 if rng.random() < 0.5 else -1
        half_way = len(steps) // 2
        steps[half_way:] = [step + turn for step in steps[half_way:]]
    return Motif(tuple(onsets), tuple(durations), tuple(steps))


@dataclass(frozen=True)
class Singer:
    """Turns motifs into notes of one key around a register.

    Parameters
    ----------
    mode
        Mode of the key.
    tonic
        MIDI number of the tonic that lies nearest the middle of the register.
    reach
        Scale steps the melody may leave that middle by.
    """

    mode: Mode
    tonic: int
    reach: int

    def pitch(self, degree: int, chord: Chord) -> int:
        """MIDI number of a scale step (0 = the tonic, 7 = the octave) over a chord."""
        octave, within = divmod(degree, DEGREES)
        raised = int(chord.raised == within)
        return self.tonic + 12 * octave + self.mode.steps[within] + raised

    def nearest_chord_tone(self, degree: int, chord: Chord) -> int:
        """The step of the chord's triad closest to a step; ties go down."""
        around = (degree + distance for distance in _DISTANCES)
        return next(step for step in around if step % DEGREES in chord.degrees[:3])

    def fold(self, degree: int) -> int:
        """Bring a step back into reach by octaves."""
        while degree > self.reach:
            degree -= DEGREES
        while degree < -self.reach:
            degree += DEGREES
        return degree


def chord_at(spans: tuple[ChordSpan, ...], beat: float) -> Chord:
    """Return the chord that sounds at a beat of the phrase."""
    for span in spans:
        if beat < span.start + span.beats - 1e-6:
            return span.chord
    return spans[-1].chord


def sing_phrase(
    singer: Singer,
    plan: tuple[Motif, ...],
    spans: tuple[ChordSpan, ...],
    *,
    beats_per_bar: int,
    cadence: Cadence,
    rng: np.random.Generator,
) -> tuple[Note, ...]:
    """Set one motif a bar over the chords, along an arch, and end in the cadence.

    Phrases rise and fall again more often than not (Huron 1996, "The melodic arch in Western
    folksongs"); strong beats take notes of the chord, weak ones pass between them.

    The last motif of the plan gives way to the cadence. Onsets are from the start of the phrase,
    velocities by metre (0.6 to 0.9).
    """
    notes: list[Note] = []
    here = 0
    for bar, motif in enumerate(plan[:-1]):
        arch = round(0.6 * singer.reach * np.sin(np.pi * (bar + 0.5) / len(plan))) - 1
        anchor = round(0.5 * (here + arch))
        last_step = 0
        for onset, duration, step in zip(motif.onsets, motif.durations, motif.steps, strict=True):
            beat = bar * beats_per_bar + onset
            chord = chord_at(spans, beat)
            strong = onset in (0.0, 2.0) or duration >= 1.0
            degree = singer.fold(anchor + step)
            if strong:
                degree = singer.nearest_chord_tone(degree, chord)
                if degree == here and step != last_step:  # the snap must not stop the motion
                    onwards = 2 if step > last_step else -2
                    degree = singer.nearest_chord_tone(degree + onwards, chord)
                degree = singer.fold(degree)
            last_step = step
            velocity = 0.72 + (0.14 if onset == 0 else 0.07 if strong else 0.0)
            velocity += 0.012 * (degree - arch)  # louder as it climbs
            notes.append(_note(beat, duration, singer.pitch(degree, chord), velocity))
            here = degree
    start = float((len(plan) - 1) * beats_per_bar)
    closing = _cadence(
        singer,
        here,
        chord_at(spans, start),
        cadence,
        start=start,
        end=start + beats_per_bar,
        leaning=rng.random() < 0.5,
    )
    return (*notes, *closing)


def _cadence(
    singer: Singer,
    here: int,
    chord: Chord,
    cadence: Cadence,
    *,
    start: float,
    end: float,
    leaning: bool,
) -> list[Note]:
    """Close the phrase: on the tonic, or open, on a note of the dominant; then breathe."""
    if cadence is Cadence.HALF:
        goal = singer.nearest_chord_tone(here, chord)
    else:
        goal = DEGREES * round(here / DEGREES)
    goal = singer.fold(goal)
    notes: list[Note] = []
    if leaning:  # an appoggiatura a step away resolves to the goal
        neighbour = goal + (1 if here >= goal else -1)
        notes.append(_note(start, 1.0, singer.pitch(neighbour, chord), 0.78))
        start += 1.0
    held = end - start
    notes.append(_note(start, held - (1.0 if held > 2 else 0.0), singer.pitch(goal, chord), 0.74))
    return notes


def _note(onset: float, duration: float, pitch: int, velocity: float) -> Note:
    return Note(Part.LEAD, onset, duration, pitch, float(np.clip(velocity, 0.4, 0.95)))


def in_octaves(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """Double a melody an octave below."""
    return tuple(
        replace(note, part=Part.DOUBLING, pitch=note.pitch - 12, velocity=0.95 * note.velocity)
        for note in notes
    )


def in_thirds(
    notes: tuple[Note, ...], singer: Singer, spans: tuple[ChordSpan, ...]
) -> tuple[Note, ...]:
    """Double a melody a third below within the scale, on a chord note where it is held."""
    scale = range(-4 * DEGREES, 4 * DEGREES)
    doubled = []
    for note in notes:
        chord = chord_at(spans, note.onset)
        degree = min(scale, key=lambda d: abs(singer.pitch(d, chord) - note.pitch)) - 2
        if note.duration >= 1.0:
            degree = singer.nearest_chord_tone(degree, chord)
        pitch = singer.pitch(degree, chord)
        doubled.append(replace(note, part=Part.DOUBLING, pitch=pitch, velocity=0.8 * note.velocity))
    return tuple(doubled)
