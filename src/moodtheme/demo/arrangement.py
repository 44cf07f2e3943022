"""Accompaniment: bass lines, chord figures and drum patterns for one phrase."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from moodtheme.demo.harmony import ChordSpan, lead_voices
from moodtheme.demo.moods import Cues
from moodtheme.demo.score import Drum, Note, Part, Stroke

BASS_CENTRE = 40  # E2, the lowest string of a guitar
CHORD_CENTRE = 59  # just below middle C


class Figure(StrEnum):
    """How the accompaniment breaks its chords."""

    SUSTAINED = "sustained"
    ARPEGGIO = "arpeggio"
    OFFBEAT = "offbeat"
    STRUM = "strum"
    PULSE = "pulse"


class Groove(StrEnum):
    """Families of drum patterns."""

    NONE = "none"
    BRUSHES = "brushes"
    BACKBEAT = "backbeat"
    FOUR_ON_THE_FLOOR = "four_on_the_floor"
    DRUMS_OF_WAR = "drums_of_war"


def choose_figure(cues: Cues, preferred: Sequence[Figure]) -> Figure:
    """Choose the figure an artist likes best among those the cues allow.

    `preferred` has all figures, the favourite first.
    """
    if cues.density < 0.28:
        allowed = {Figure.SUSTAINED}
    elif cues.staccato < 0.3:
        allowed = {Figure.ARPEGGIO, Figure.SUSTAINED} if cues.density < 0.4 else {Figure.ARPEGGIO}
    elif cues.contrast > 0.7:
        allowed = {Figure.PULSE}
    elif cues.staccato < 0.55:
        allowed = {Figure.ARPEGGIO, Figure.STRUM, Figure.PULSE}
    else:
        allowed = {Figure.OFFBEAT, Figure.STRUM, Figure.PULSE}
    return min(allowed, key=preferred.index)


def choose_groove(cues: Cues, favourite: Groove) -> Groove:
    """Choose drums by the percussion cue; the artist's favourite decides between full kits."""
    if cues.percussion < 0.12:
        return Groove.NONE
    if cues.percussion < 0.32:
        return Groove.BRUSHES
    if cues.contrast > 0.6:
        return Groove.DRUMS_OF_WAR
    if cues.percussion < 0.7:
        return Groove.BACKBEAT
    return favourite if cues.percussion < 0.98 else Groove.FOUR_ON_THE_FLOOR


def chord_notes(
    spans: tuple[ChordSpan, ...],
    voicings: Sequence[tuple[int, ...]],
    figure: Figure,
    *,
    waltz: bool,
) -> list[Note]:
    """Play the voiced chords in a figure; onsets from the start of the phrase."""
    notes: list[Note] = []
    for span, voicing in zip(spans, voicings, strict=True):
        if figure is Figure.SUSTAINED:
            notes += _block(span.start, span.beats, voicing, 0.6)
        elif figure is Figure.ARPEGGIO:
            order = (*voicing, *voicing[-2:0:-1])
            for eighth in range(int(span.beats * 2)):
                onset = span.start + 0.5 * eighth
                pitch = order[eighth % len(order)]
                notes.append(Note(Part.CHORDS, onset, 1.0, pitch, 0.62 if eighth == 0 else 0.52))
        elif figure is Figure.OFFBEAT:
            beats = [1.0, 2.0] if waltz else [beat + 0.5 for beat in range(int(span.beats))]
            for beat in beats:
                if beat < span.beats:
                    notes += _block(span.start + beat, 0.5, voicing, 0.58)
        elif figure is Figure.STRUM:
            for beat, accent in ((0.0, 0.66), (1.5, 0.55), (2.0, 0.6), (3.5, 0.52)):
                if beat < span.beats:
                    notes += _block(span.start + beat, 1.0, voicing, accent)
        else:
            for eighth in range(int(span.beats * 2)):
                accent = 0.66 if eighth % 4 == 0 else 0.5
                notes += _block(span.start + 0.5 * eighth, 0.5, voicing, accent)
    return notes


def _block(onset: float, beats: float, voicing: tuple[int, ...], velocity: float) -> list[Note]:
    return [Note(Part.CHORDS, onset, beats, pitch, velocity) for pitch in voicing]


def pad_notes(spans: tuple[ChordSpan, ...], voicings: Sequence[tuple[int, ...]]) -> list[Note]:
    """Hold each chord, with its lowest note an octave down for an open sound."""
    notes: list[Note] = []
    for span, voicing in zip(spans, voicings, strict=True):
        pitches = (voicing[0] - 12, *voicing[1:])
        notes += [Note(Part.PAD, span.start, span.beats, pitch, 0.5) for pitch in pitches]
    return notes


def voice(
    spans: tuple[ChordSpan, ...], tonic: int, centre: float, previous: tuple[int, ...] | None
) -> list[tuple[int, ...]]:
    """Voice all chords of a phrase, each from the one before."""
    voicings: list[tuple[int, ...]] = []
    for span in spans:
        previous = lead_voices(span.chord.pitches, tonic, centre, previous)
        voicings.append(previous)
    return voicings


def bass_notes(
    spans: tuple[ChordSpan, ...], tonic: int, cues: Cues, *, depth: int, rng: np.random.Generator
) -> list[Note]:
    """Write a bass line: held roots, root and fifth, walking quarters or driving eighths.

    `tonic` is the key's pitch class, `depth` the semitones to lower the line by.
    """
    notes: list[Note] = []

    def play(onset: float, beats: float, pitch: int, velocity: float = 0.75) -> None:
        notes.append(Note(Part.BASS, onset, beats, pitch, velocity))

    low = BASS_CENTRE - 6 - depth
    roots = [low + (tonic + span.chord.pitches[0] - low) % 12 for span in spans]
    for index, (span, root) in enumerate(zip(spans, roots, strict=True)):
        beats = int(span.beats)
        third, fifth = (root + (p - span.chord.pitches[0]) % 12 for p in span.chord.pitches[1:3])
        following = roots[(index + 1) % len(roots)]
        if cues.density < 0.28 or beats < 2:
            play(span.start, span.beats, root)
        elif cues.percussion > 0.75:
            for eighth in range(beats * 2):
                octave = 12 if eighth % 4 == 3 and rng.random() < 0.5 else 0
                play(
                    span.start + 0.5 * eighth, 0.5, root + octave, 0.8 if eighth % 2 == 0 else 0.62
                )
        elif cues.density > 0.55 and cues.staccato < 0.75:
            line = [root, third, fifth]
            for beat in range(beats - 1):
                play(span.start + beat, 1.0, line[beat % 3], 0.78 if beat == 0 else 0.66)
            step = 1 if following < root else -1
            last = following + 2 * step if following != root else fifth
            play(span.start + beats - 1, 1.0, last, 0.66)
        else:
            half = beats / 2 if beats % 2 == 0 else float(beats - 1)
            play(span.start, half, root)
            under = fifth - 12 if fifth - 12 >= low - 3 else fifth
            play(span.start + half, span.beats - half, under, 0.64)
    return notes


# Patterns of one bar of 4/4 in sixteenths: accents from 1 to 9, a dot rests.
_PATTERNS: dict[Groove, dict[Drum, str]] = {
    Groove.BRUSHES: {
        Drum.SHAKER: "5.3.6.3.5.3.6.34",
        Drum.KICK: "5.......4.......",
        Drum.RIM: "....4.......4...",
    },
    Groove.BACKBEAT: {
        Drum.KICK: "9.....6.8.......",
        Drum.SNARE: "....8.......8..2",
        Drum.HAT: "7.536.537.536.53",
    },
    Groove.FOUR_ON_THE_FLOOR: {
        Drum.KICK: "9...9...9...9...",
        Drum.CLAP: "....8.......8...",
        Drum.SNARE: "....7.......7...",
        Drum.HAT: "6464646464646464",
        Drum.OPEN_HAT: "..7...7...7...7.",
    },
    Groove.DRUMS_OF_WAR: {
        Drum.TAIKO: "9.....7.8..6..7.",
        Drum.TOM: "......4.....5.56",
        Drum.SNARE: "....3.......4.45",
    },
}
_FILLS: dict[Groove, dict[Drum, str]] = {
    Groove.BRUSHES: {Drum.RIM: "............4.45"},
    Groove.BACKBEAT: {Drum.SNARE: "........5.567789", Drum.TOM: "............5.67"},
    Groove.FOUR_ON_THE_FLOOR: {Drum.SNARE: "........4.5.6789"},
    Groove.DRUMS_OF_WAR: {Drum.TAIKO: "9.....7.8.8.8.9.", Drum.SNARE: "....3.3.45567789"},
}


def drum_strokes(groove: Groove, *, bars: int, beats_per_bar: int, fill: bool) -> list[Stroke]:
    """Play a groove for some bars, the last with a fill where one is wanted.

    In three-four time a groove's first three beats are played, and a fill's last three.
    """
    strokes = []
    for bar in range(bars):
        pattern, played = _PATTERNS.get(groove, {}), slice(4 * beats_per_bar)
        if fill and bar == bars - 1:
            pattern, played = pattern | _FILLS.get(groove, {}), slice(-4 * beats_per_bar, None)
        for drum, hits in pattern.items():
            for place, hit in enumerate(hits[played]):
                if hit != ".":
                    onset = bar * beats_per_bar + place / 4
                    strokes.append(Stroke(drum, onset, int(hit) / 9))
    return strokes
