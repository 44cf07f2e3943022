"""What a composition is: notes and drum strokes in beats, before anyone plays them."""

from dataclasses import dataclass
from enum import StrEnum

from moodtheme.demo.harmony import Mode


class Part(StrEnum):
    """The pitched parts of the ensemble."""

    LEAD = "lead"
    DOUBLING = "doubling"
    CHORDS = "chords"
    PAD = "pad"
    BASS = "bass"


class Drum(StrEnum):
    """The percussion sounds."""

    KICK = "kick"
    SNARE = "snare"
    RIM = "rim"
    CLAP = "clap"
    HAT = "hat"
    OPEN_HAT = "open_hat"
    SHAKER = "shaker"
    TOM = "tom"
    TAIKO = "taiko"
    CRASH = "crash"


@dataclass(frozen=True, slots=True)
class Note:
    """A note: onset and duration in beats, MIDI pitch, velocity in (0, 1]."""

    part: Part
    onset: float
    duration: float
    pitch: int
    velocity: float


@dataclass(frozen=True, slots=True)
class Stroke:
    """A drum stroke: onset in beats, velocity in (0, 1]."""

    drum: Drum
    onset: float
    velocity: float


@dataclass(frozen=True)
class Phrase:
    """A phrase of the form: its letter, first bar, number of bars and dynamic level (0 to 1)."""

    letter: str
    first_bar: int
    bars: int
    dynamic: float


@dataclass(frozen=True)
class Score:
    """A composition.

    Parameters
    ----------
    tempo, beats_per_bar
        Beats a minute; 3 or 4.
    tonic, mode
        The key: a pitch class from 0 (C) to 11, and its mode.
    phrases, notes, strokes
        The form, and everything that is played.
    """

    tempo: float
    beats_per_bar: int
    tonic: int
    mode: Mode
    phrases: tuple[Phrase, ...]
    notes: tuple[Note, ...]
    strokes: tuple[Stroke, ...]

    @property
    def beats(self) -> float:
        """Length of the score in beats."""
        return float(self.beats_per_bar * sum(phrase.bars for phrase in self.phrases))
