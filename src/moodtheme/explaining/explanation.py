"""What is said of why a piece has a tag: typed results."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from moodtheme import __version__
from moodtheme.arrays import Float64Array
from moodtheme.explaining.regions import Cells, Region
from moodtheme.tagging.answers import DimensionScore, ModelIdentity, TagScore

TIMES_ELSEWHERE = 3.0
"""A region is named as a reason if hiding it changes the tag at least so many times as much as
hiding regions of the same size elsewhere does on average."""
LEAST_ON_TAG = 0.1
"""Of a tag's logit, about a tenth of its score: smaller changes are not spoken of."""
LEAST_ON_DIMENSION = 0.02
"""The same of a dimension's value, whose range is 2 long for valence and arousal."""


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

    Parameters
    ----------
    effect, elsewhere
        By how much hiding a region, and regions like it, lowered a tag or dimension; with the signs
        changed for a region that lowers it.
    of
        Which tag or dimension.
    """
    least = LEAST_ON_TAG if isinstance(of, TagScore) else LEAST_ON_DIMENSION
    mean = sum(elsewhere) / len(elsewhere)
    return effect >= least and effect >= TIMES_ELSEWHERE * mean
