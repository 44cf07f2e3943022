"""Playing a score: beats become seconds, with swing, rubato, articulation and human looseness."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from moodtheme.demo.instruments import VOICES, Instrument
from moodtheme.demo.moods import Cues
from moodtheme.demo.score import Drum, Note, Part, Score
from moodtheme.demo.styles import Style, stream

_GRID = 4  # points a beat on which the tempo curve is drawn
# Of each part: its level in dB, what weight adds to that (recorded bands carry their power below
# 120 Hz, and their melody hardly stands out of it), and its place from left to right.
_PARTS = {
    Part.LEAD: (-1.0, -5.0, 0.08),
    Part.DOUBLING: (-6.0, -2.0, -0.3),
    Part.CHORDS: (-7.0, 4.0, -0.2),
    Part.PAD: (-14.0, 4.0, 0.0),
    Part.BASS: (-4.0, 8.0, 0.0),
}
_CONCERT_A = 440.0


@dataclass(frozen=True, slots=True)
class Sounding:
    """A note as it will sound.

    Parameters
    ----------
    instrument, pitch
        Who plays which MIDI number.
    start, length
        Seconds; the release comes after the length.
    gain
        Linear.
    brightness
        0 to 1, in few steps so that equal tones can be shared.
    pan, part
        −1 (left) to 1 (right), and the part it belongs to.
    """

    instrument: Instrument
    pitch: int
    start: float
    length: float
    gain: float
    brightness: float
    pan: float
    part: Part

    @property
    def hertz(self) -> float:
        """Frequency of the fundamental in equal temperament."""
        return float(_CONCERT_A * 2.0 ** ((self.pitch - 69) / 12))


@dataclass(frozen=True, slots=True)
class Struck:
    """A drum stroke in seconds."""

    drum: Drum
    start: float
    gain: float


@dataclass(frozen=True)
class Performance:
    """Everything that sounds, in seconds."""

    notes: tuple[Sounding, ...]
    strokes: tuple[Struck, ...]


class _Clock:
    """Maps beats to seconds along a curve of tempo that keeps the total length.

    Phrases slow towards their ends, the last one most (Todd 1985, "A model of expressive timing
    in tonal music"), in proportion to the irregularity the mood asks for.
    """

    def __init__(self, score: Score, irregularity: float) -> None:
        grid = np.arange(round(score.beats) * _GRID + 1) / _GRID
        pace = np.ones(len(grid))
        for index, phrase in enumerate(score.phrases):
            end = (phrase.first_bar + phrase.bars) * score.beats_per_bar
            last = index == len(score.phrases) - 1
            depth = (0.25 if last else 0.12) * irregularity
            reach = float(score.beats_per_bar)
            pace -= depth * np.clip(1 - (end - grid) / reach, 0, 1) * (grid <= end)
        elapsed = np.concatenate([[0.0], np.cumsum(1 / pace[:-1])])
        self._grid = grid
        self._seconds = elapsed * (score.beats * 60 / score.tempo / elapsed[-1])
        self._beat = 60 / score.tempo

    def __call__(self, beat: float) -> float:
        past_end = max(0.0, beat - float(self._grid[-1]))
        return float(np.interp(beat, self._grid, self._seconds)) + past_end * self._beat


def perform(score: Score, cues: Cues, style: Style, *, seed: int) -> Performance:
    """Play a score in a mood, as an artist does; `seed` is that of the human looseness."""
    clock = _Clock(score, cues.irregularity)
    hands = stream(seed, "hands")
    notes = tuple(_play_notes(score, cues, style, clock=clock, rng=hands))
    rng = stream(seed, "sticks")
    drums_db = -2.0 + 6.0 * cues.percussion + 6.0 * cues.weight
    strokes = tuple(
        Struck(
            stroke.drum,
            max(0.0, clock(_swung(stroke.onset, style.swing)) + 0.002 * rng.standard_normal()),
            float(stroke.velocity**1.6 * 10 ** ((drums_db + 0.8 * rng.standard_normal()) / 20)),
        )
        for stroke in score.strokes
    )
    return Performance(notes, strokes)


def _play_notes(
    score: Score, cues: Cues, style: Style, *, clock: _Clock, rng: np.random.Generator
) -> Iterator[Sounding]:
    instruments = {part: style.instrument(part, cues) for part in Part}
    looseness = 0.003 + 0.012 * cues.irregularity
    ranks = _chord_ranks(score.notes)
    for note, rank in zip(score.notes, ranks, strict=True):
        instrument = instruments[note.part]
        start = clock(_swung(note.onset, style.swing))
        length = clock(note.onset + note.duration) - clock(note.onset)
        if note.part in (Part.LEAD, Part.DOUBLING, Part.CHORDS) and note.duration <= 2.0:
            length *= 1.04 - 0.68 * cues.staccato
        # Slow attacks are played ahead, so that they speak on the beat; chords are rolled a little.
        start -= 0.3 * VOICES[instrument].attack
        start += rank * 0.02 * cues.irregularity + looseness * rng.standard_normal()
        level_db, weight_db, pan = _PARTS[note.part]
        gain_db = level_db + cues.weight * weight_db
        gain_db += 40 * np.log10(note.velocity)
        if note.part is Part.PAD:
            gain_db += 6 * cues.contrast  # the orchestra behind a drama
        gain_db += 0.7 * rng.standard_normal()
        brightness = cues.brightness + style.tone + 0.35 * (note.velocity - 0.65)
        brightness = float(np.clip(round(brightness * 6) / 6, 0, 1))
        spread = (note.pitch - 60) / 28 if note.part in (Part.CHORDS, Part.PAD) else 0.0
        yield Sounding(
            instrument=instrument,
            pitch=note.pitch,
            start=max(0.0, start),
            length=max(0.05, length),
            gain=float(10 ** (gain_db / 20)),
            brightness=brightness,
            pan=float(np.clip(style.width * (pan + spread), -0.9, 0.9)),
            part=note.part,
        )


def _chord_ranks(notes: tuple[Note, ...]) -> list[int]:
    """How many notes of the same part and onset lie below each note."""
    together: dict[tuple[Part, float], list[int]] = {}
    for note in notes:
        together.setdefault((note.part, note.onset), []).append(note.pitch)
    return [sum(p < n.pitch for p in together[n.part, n.onset]) for n in notes]


def _swung(beat: float, swing: float) -> float:
    """Delay the second half of a beat."""
    within = beat % 1.0
    return beat + swing * float(np.interp(within, (0.0, 0.5, 1.0), (0.0, 1.0, 0.0)))
