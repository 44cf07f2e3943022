"""Solo piano by rule, as MIDI: harmony, texture, tempo, register and loudness are drawn.

What makes piano music calm or lively is mostly how many notes there are a second, how loud, how
short and how high. These are drawn from wide ranges and apart from each other, which music that
people wrote would not do; mode, chords and texture vary besides.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

TICKS = 480  # a quarter
SCALES = (
    (0, 2, 4, 5, 7, 9, 11),  # major
    (0, 2, 3, 5, 7, 8, 10),  # minor
    (0, 2, 3, 5, 7, 8, 11),  # harmonic minor
    (0, 2, 3, 5, 7, 9, 10),  # dorian
    (0, 2, 4, 5, 7, 9, 10),  # mixolydian
    (0, 1, 3, 5, 7, 8, 10),  # phrygian
    (0, 2, 4, 7, 9),
    (0, 2, 4, 6, 8, 10),
)
PROGRESSIONS = (
    (0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 4, 0), (0, 2, 5, 3), (1, 4, 0, 5),
    (0, 6, 5, 4), (0, 0, 3, 4), (0, 3, 0, 4), (5, 4, 3, 2), (0, 1, 0, 1),
)  # fmt: skip
TEXTURES = (
    "block", "broken", "alberti", "waltz", "stride", "tremolo", "ostinato", "sparse",
)  # fmt: skip
FIGURES = {  # length of a note in quarters, and which of the chord
    "broken": (0.5, (0, 1, 2, 1)),
    "alberti": (0.25, (0, 2, 1, 2)),
    "ostinato": (0.5, (0, 0, 2, 0)),
}
LOWEST, HIGHEST = 24, 103


class Note(NamedTuple):
    """Start and length in quarters, key and velocity as in MIDI."""

    start: float
    length: float
    key: int
    velocity: int


def compose(rng: np.random.Generator, seconds: float) -> bytes:
    """A MIDI file of about so many seconds."""
    tempo = float(np.exp(rng.uniform(np.log(44), np.log(184))))
    beats = int(rng.choice([3, 4, 4]))
    bars = max(8, round(seconds * tempo / 60 / beats))
    notes = list(_played(rng, tempo, beats, bars))
    return midi_file(notes, tempo, pedal_beats=beats if rng.random() < 0.5 else 0)


def _played(rng: np.random.Generator, tempo: float, beats: int, bars: int) -> Iterator[Note]:
    scale, tonic = SCALES[rng.integers(len(SCALES))], int(rng.integers(12))
    progression = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    loudness, spread, swell = rng.uniform(28, 112), rng.uniform(2, 14), rng.uniform(0, 18)
    legato = rng.choice([0.3, 0.55, 0.9, 1.05])
    rough = rng.choice([0.0, 0.008, 0.025])  # quarters off the beat
    low, high = int(rng.integers(33, 55)), int(rng.integers(60, 86))
    texture, other = (str(name) for name in rng.choice(TEXTURES, 2, replace=False))
    motif = rng.choice([-2, -1, -1, 0, 1, 1, 2, 4, -4], 16)
    rhythm = rng.choice([0.5, 1, 1, 1, 1.5, 2], 16) / rng.choice([0.5, 1, 1, 2, 2, 4])
    sings = rng.random() < 0.85

    def key(degree: int, around: int) -> int:
        octave, step = divmod(degree, len(scale))
        found = tonic + scale[step] + 12 * octave
        return found + 12 * round((around - found) / 12)

    def note(start: float, length: float, pitch: int, force: float) -> Note:
        velocity = int(np.clip(rng.normal(force, spread), 8, 127))
        start = max(0.0, start + rng.normal(0, rough))
        return Note(start, length * legato, int(np.clip(pitch, LOWEST, HIGHEST)), velocity)

    where = 0
    for bar in range(bars):
        place = bar // (1 if tempo < 90 else 2) % len(progression)
        root = progression[place] if bar < bars - 1 else 0
        chord = [key(root + 2 * third, low + 7) for third in range(3)]
        force = loudness + swell * np.sin(2 * np.pi * bar / 16)
        now = texture if bar // 8 % 3 < 2 else other
        for start, length, pitch in _accompaniment(now, chord, key(root, low), beats, rng):
            yield note(bar * beats + start, length, pitch, force - 8)
        at, number = 0.0, bar % 2 * 8
        while sings and at < beats:
            length = min(rhythm[number % 16], beats - at)
            where = int(np.clip(where + motif[number % 16], -5, 8))
            pitch = key(root + where if at == 0 else where, high)
            if rng.random() < 0.9:
                yield note(bar * beats + at, length, pitch, force + 6)
            if rng.random() < 0.12:
                yield note(bar * beats + at, length, pitch - 12, force)
            at, number = at + length, number + 1


def _accompaniment(
    texture: str, chord: list[int], bass: int, beats: int, rng: np.random.Generator
) -> Iterator[tuple[float, float, int]]:
    """Start, length and key of a bar's notes."""
    if texture in FIGURES:
        each, order = FIGURES[texture]
        notes = [chord[order[n % 4]] if n else bass for n in range(round(beats / each))]
        yield from ((n * each, each, key) for n, key in enumerate(notes))
    elif texture == "block":
        for beat in range(0, beats, int(rng.choice([1, 2, beats]))):
            yield from ((beat, 1.0, key) for key in (bass, *chord))
    elif texture in ("waltz", "stride"):
        for beat in range(beats):
            falls = beat % (beats if texture == "waltz" else 2) == 0
            yield from ((beat, 0.5, key) for key in ([bass] if falls else chord))
    elif texture == "tremolo":
        for n in range(beats * 4):
            yield n * 0.25, 0.25, bass if n % 2 else chord[n // 2 % 3]
    else:
        yield 0.0, beats, bass
        if rng.random() < 0.5:
            yield beats / 2, beats / 2, chord[int(rng.integers(3))]


def midi_file(notes: list[Note], tempo: float, *, pedal_beats: int) -> bytes:
    """One track of a grand piano; the pedal is pressed anew after so many quarters, 0 never."""
    events = []  # ticks, order among those at once, bytes
    for note in notes:
        on = round(note.start * TICKS)
        off = on + max(20, round(note.length * TICKS))
        events.append((on, 2, bytes([0x90, note.key, note.velocity])))
        events.append((off, 1, bytes([0x80, note.key, 0])))
    if pedal_beats:
        for at in range(0, max(event[0] for event in events), pedal_beats * TICKS):
            events.append((at, 0, bytes([0xB0, 64, 0])))
            events.append((at + 10, 3, bytes([0xB0, 64, 127])))
    body = bytearray(b"\x00\xff\x51\x03" + round(60e6 / tempo).to_bytes(3, "big"))
    body += b"\x00\xc0\x00"
    last = 0
    for at, _, event in sorted(events):
        body += _number(at - last) + event
        last = at
    body += b"\x00\xff\x2f\x00"
    head = b"MThd" + (6).to_bytes(4, "big") + bytes(3) + b"\x01" + TICKS.to_bytes(2, "big")
    return head + b"MTrk" + len(body).to_bytes(4, "big") + bytes(body)


def _number(value: int) -> bytes:
    """Seven bits a byte, as MIDI writes times."""
    said = [value & 0x7F]
    while value := value >> 7:
        said.append(value & 0x7F | 0x80)
    return bytes(reversed(said))
