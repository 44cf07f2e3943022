"""What is said of why a piece has a tag: typed results, and sentences that say them.

A sentence says what was measured and nothing else.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from moodtheme import __version__
from moodtheme.arrays import Float64Array
from moodtheme.explaining.descriptors import Described
from moodtheme.explaining.regions import Cells, Region
from moodtheme.scores.decisions import logit, sigmoid
from moodtheme.tagging.answers import DimensionScore, ModelIdentity, TagScore
from moodtheme.work import clock

TIMES_ELSEWHERE = 3.0
"""A region is named as a reason if hiding it changes the tag at least so many times as much as
hiding regions of the same size elsewhere does on average."""
LEAST_ON_TAG = 0.1
"""Of a tag's logit, about a tenth of its score: smaller changes are not spoken of."""
LEAST_ON_DIMENSION = 0.02
"""The same of a dimension's value, whose range is 2 long for valence and arousal."""

_LESS_AND_MORE = {
    "tempo": ("slower", "faster"),
    "register": ("lower", "higher"),
    "brightness": ("darker in timbre", "brighter in timbre"),
    "attack": ("softer in its attacks", "harder in its attacks"),
    "percussion": ("less percussive", "more percussive"),
    "mode": ("more minor", "more major"),
}
_TENTHS_BELOW_S = 2.0
SET_APART = 0.8
"""A descriptor is spoken of where at least so many pieces have less of it, or more."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A region, and what hiding it did.

    Attributes
    ----------
    region
        Where.
    without
        The tag or dimension with the region hidden.
    effect
        By how much less that is than of the whole piece: of a tag's logit, or a dimension's value.
        Below 0 for regions that lower it.
    elsewhere
        The same for regions of the same size at random places.
    noise
        What noise in place of the region does, as loud as what was there: about as much where the
        answer hangs on what happens there, little where it hangs on there being sound.
    is_real
        Whether the effect is large enough, and at least `TIMES_ELSEWHERE` times the mean of those
        elsewhere.
    """

    region: Region
    without: TagScore | DimensionScore
    effect: float
    elsewhere: tuple[float, ...]
    noise: float
    is_real: bool


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why a piece has a tag, or a place on a dimension.

    Attributes
    ----------
    of
        The tag or dimension, of the whole piece.
    raises, lowers
        The region that raises it most, and the one that lowers it most; None where no cell does.
    cells
        How the piece was divided.
    effects
        What hiding each cell by itself did, shape (stretches, bands): by how much the tag's logit,
        or the dimension, was less.
    """

    of: TagScore | DimensionScore
    raises: Reason | None
    lowers: Reason | None
    cells: Cells
    effects: Float64Array


@dataclass(frozen=True, slots=True, eq=False)
class PieceExplanation:
    """All that is explained of a piece.

    Attributes
    ----------
    path
        As it was given.
    duration_s
        Its length.
    explanations
        In the order asked for, or strongest first.
    notes, warnings, audio, model, version
        As of `moodtheme.TrackTags`.
    windows_heard
        How many windows the model heard for it.
    seed
        Of the places elsewhere.
    """

    path: Path
    duration_s: float
    explanations: tuple[Explanation, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    audio: str | None
    model: ModelIdentity
    windows_heard: int
    seed: int
    version: str = __version__


def is_real(effect: float, elsewhere: Sequence[float], of: TagScore | DimensionScore) -> bool:
    """Whether a change is large enough to speak of, and larger than elsewhere.

    Changes are by how much hiding a region, and regions like it, lowered a tag or dimension; with
    the signs changed for a region that lowers it.
    """
    least = LEAST_ON_TAG if isinstance(of, TagScore) else LEAST_ON_DIMENSION
    mean = sum(elsewhere) / len(elsewhere)
    return effect >= least and effect >= TIMES_ELSEWHERE * mean


# --- in words ------------------------------------------------------------------------------------


def sentence(explanation: Explanation) -> str:
    """What raises and what lowers a tag or dimension, and by how much."""
    of, cells = explanation.of, explanation.cells
    said = [
        f"{part} {where(reason.region, cells)}; with that hidden {_change(of, reason)}"
        for part, reason in (
            ("mostly", explanation.raises),
            ("held down mostly by", explanation.lowers),
        )
        if reason is not None and reason.is_real
    ]
    if not said:
        said = [
            "no part of the piece was found that changes it three times as much as parts of that "
            "size elsewhere do"
        ]
    return f"{of.name} ({_level(of)}): {'. It is '.join(said)}."


def description(described: Described) -> str:
    """What sets a piece apart, said beside an explanation and not as its cause."""
    said = []
    for descriptor in described.descriptors:
        less, more = _LESS_AND_MORE[descriptor.name]
        share = max(descriptor.standing, 1 - descriptor.standing)
        if share >= SET_APART:
            word = more if descriptor.standing > 0.5 else less
            said.append(f"{word} than {_of_hundred(share)}")
    beside = f"of {described.music}; this describes the piece and is not why the model says so"
    if not said:
        return f"In tempo, register and the like it is ordinary among 100 pieces {beside}."
    return f"Beside that, the piece is {', '.join(said)} of 100 pieces {beside}."


def where(region: Region, cells: Cells) -> str:
    """A region, such as ``0:40–1:10, below 300 Hz``."""
    whole = region.length_s >= cells.edges_s[-1] - 1e-6
    times = " and ".join(spans(region).rsplit(", ", 1))
    frequencies = frequency_range(region)
    if whole:
        return f"{frequencies or 'everything'}, throughout"
    return f"{times}, {frequencies or 'at all frequencies'}"


def frequency_range(region: Region) -> str:
    """A range of frequencies, such as ``below 300 Hz``; nothing for all of them."""
    low, high = region.low_hz, region.high_hz
    if math.isinf(high):
        return f"above {hertz(low)}" if low > 0 else ""
    return f"{hertz(low)} to {hertz(high)}" if low > 0 else f"below {hertz(high)}"


def hertz(value: float) -> str:
    """A frequency, such as ``300 Hz`` or ``1.2 kHz``."""
    return f"{value:.0f} Hz" if value < 1000 else f"{value / 1000:.1f} kHz".replace(".0 ", " ")


def _change(of: TagScore | DimensionScore, reason: Reason) -> str:
    without, verb = reason.without, "falls" if reason.effect > 0 else "rises"
    if isinstance(of, TagScore) and isinstance(without, TagScore):
        change = abs(without.score / of.score - 1)
        said = f"its score {verb} by {100 * change:.0f} %"
        if without.standing is not None:
            said += f" ({_level(without)})"
    else:
        said = f"it {verb} to {_level(without)}"
    mean = sum(reason.elsewhere) / len(reason.elsewhere)
    if mean * reason.effect <= 0:
        said += ", and with parts of that size elsewhere it does not on average"
    else:
        times = abs(reason.effect / mean)
        much = f"{times:.0f}" if times < 100 else "more than 100"
        said += f", {much} times as much as with parts of that size elsewhere"
    return f"{said}. With noise as loud in its place {_with_noise(of, reason.noise)}"


def _with_noise(of: TagScore | DimensionScore, effect: float) -> str:
    verb = "falls" if effect > 0 else "rises"
    if isinstance(of, DimensionScore):
        return f"it {verb} to {of.value - effect + 0.0:+.2f}"
    score = float(sigmoid(logit(np.array(of.score)) - effect))
    return f"it {verb} by {100 * abs(score / of.score - 1):.0f} %"


def _level(of: TagScore | DimensionScore) -> str:
    if isinstance(of, DimensionScore):
        return f"{of.value + 0.0:+.2f}"
    if of.standing is None:
        return f"a score of {of.score:.3f}"
    return f"above {_of_hundred(of.standing)} of 100 pieces"


def _of_hundred(share: float) -> str:
    """A share as a number of hundred, which none but 1 rounds up to."""
    return f"{min(100 * share, 99.0):.0f}" if share < 1 else "all"


def spans(region: Region) -> str:
    """A region's stretches of time, such as ``0:40–1:10``; short ones with tenths of a second."""
    return ", ".join(
        f"{clock(start)}–{clock(end)}"
        if end - start >= _TENTHS_BELOW_S
        else f"{clock(start)}.{int(10 * start) % 10}–{clock(end)}.{int(10 * end) % 10}"
        for start, end in region.spans_s
    )
