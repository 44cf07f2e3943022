"""What is drawn: a random stream for each purpose, and artists.

An artist is the timbres, grooves and rooms a body of work has in common, whatever its mood. No
choice shifts any other, since each purpose has a stream of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from zlib import crc32

import numpy as np

from moodtheme.demo.arrangement import Figure, Groove
from moodtheme.demo.instruments import VOICES, Instrument
from moodtheme.demo.moods import Cues
from moodtheme.demo.score import Part
from moodtheme.errors import UsageError

T = TypeVar("T")

# How many instruments an artist has of each kind. Every artist has something to bow or blow,
# something to strike and something loud, so that every mood finds a fitting sound.
_POOLS: dict[Part, tuple[tuple[int, tuple[Instrument, ...]], ...]] = {
    Part.LEAD: (
        (2, (Instrument.FLUTE, Instrument.CLARINET, Instrument.VIOLIN, Instrument.CELLO,
             Instrument.CHOIR)),
        (1, (Instrument.PIANO, Instrument.GUITAR)),
        (1, (Instrument.ELECTRIC_PIANO, Instrument.BELLS, Instrument.MARIMBA)),
        (1, (Instrument.BRASS, Instrument.SYNTH_LEAD)),
    ),
    Part.CHORDS: (
        (1, (Instrument.ORGAN, Instrument.STRINGS)),
        (1, (Instrument.PIANO, Instrument.GUITAR)),
        (1, (Instrument.ELECTRIC_PIANO, Instrument.HARP, Instrument.MARIMBA)),
    ),
    Part.PAD: ((2, (Instrument.STRINGS, Instrument.WARM_PAD, Instrument.CHOIR)),),
    Part.BASS: (
        (1, (Instrument.DOUBLE_BASS, Instrument.BASS_GUITAR)),
        (1, (Instrument.SYNTH_BASS,)),
    ),
}  # fmt: skip


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Make the random stream of one purpose, any text; another text is an independent stream.

    Raises
    ------
    UsageError
        If the seed is negative.
    """
    if seed < 0:
        raise UsageError(f"seed {seed} is negative; give 0 or more")
    return np.random.default_rng([seed, crc32(purpose.encode())])


def derived_seed(seed: int, purpose: str) -> int:
    """Make a seed of its own for one purpose, below 2⁶³."""
    return int(stream(seed, purpose).integers(2**63))


@dataclass(frozen=True)
class Style:
    """An artist's habits.

    Parameters
    ----------
    palette
        Instruments for each part, of which a mood takes the fittest.
    figures
        Chord figures, the favourite first.
    groove
        Favourite full drum kit.
    swing
        How late the second eighth of a beat comes, as a share of a beat.
    tempo_factor
        How much faster than most the artist plays.
    waltz
        Probability of three-four time where the mood allows it.
    drum_pitch
        Tuning of the drums, a factor.
    reverb_s
        Reverberation time of the artist's room.
    width
        Spread of the stereo image, 0 to 1.
    tone
        Brightness added to every instrument.
    """

    palette: Mapping[Part, tuple[Instrument, ...]]
    figures: tuple[Figure, ...]
    groove: Groove
    swing: float
    tempo_factor: float
    waltz: float
    drum_pitch: float
    reverb_s: float
    width: float
    tone: float

    def instrument(self, part: Part, cues: Cues) -> Instrument:
        """Choose the palette's instrument nearest the attack, brightness and level of a mood."""
        part = Part.LEAD if part is Part.DOUBLING else part
        power = np.interp(cues.level, (-28.0, -11.0), (0.0, 1.0))

        def misfit(instrument: Instrument) -> float:
            voice = VOICES[instrument]
            aside = abs(voice.onset - cues.attack) + 0.8 * abs(voice.brightness - cues.brightness)
            return float(aside + 0.8 * abs(voice.power - power))

        return min(self.palette[part], key=misfit)


def draw_style(rng: np.random.Generator) -> Style:
    """Invent an artist."""

    def sample(items: Sequence[T], count: int) -> tuple[T, ...]:
        return tuple(items[int(i)] for i in rng.permutation(len(items))[:count])

    return Style(
        palette={
            part: tuple(i for count, pool in kinds for i in sample(pool, count))
            for part, kinds in _POOLS.items()
        },
        figures=sample(tuple(Figure), len(Figure)),
        groove=sample((Groove.BACKBEAT, Groove.FOUR_ON_THE_FLOOR), 1)[0],
        swing=float(rng.choice([0.0, 0.0, 0.04, 0.12])),
        tempo_factor=float(2 ** rng.uniform(-0.1, 0.1)),
        waltz=float(rng.choice([0.0, 0.2, 0.5])),
        drum_pitch=float(2 ** rng.uniform(-0.25, 0.25)),
        reverb_s=float(rng.uniform(0.7, 2.2)),
        width=float(rng.uniform(0.4, 0.9)),
        tone=float(rng.uniform(-0.12, 0.12)),
    )
