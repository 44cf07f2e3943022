"""From a piece and a budget to the regions that raise or lower a tag."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.errors import UsageError
from moodtheme.explaining.explanation import Explanation, PieceExplanation, Reason, is_real
from moodtheme.explaining.hearing import HeardPiece, readings
from moodtheme.explaining.regions import Cells, Region, best_regions, elsewhere
from moodtheme.tagging.answers import (
    DimensionScore,
    TagScore,
    identify,
    place,
    rank,
    track_dimensions,
    track_scores,
)
from moodtheme.tagging.in_words import findings
from moodtheme.tagging.listening import Listening
from moodtheme.tagging.notes import doubtful
from moodtheme.tagging.tagger import Tagger
from moodtheme.work import Progress, no_progress

DEFAULT_BUDGET = 800
"""Windows that a model may hear for a piece, if nobody says otherwise."""
MOST_EXPLAINED = 3
"""Things that stand out which are explained where none is named."""
SHARE = 1 / 24
"""Share of time × mel in a region. Of 1/24, 1/16 and 1/8, tried on 13 tags of pieces that no
reported figure is of: a larger region changes a tag hardly more, and one elsewhere much more."""
CANDIDATES = 8
"""Regions that are hidden whole, of which the one is kept that does most: cells hidden one by one
do not tell what they do together."""
PLACES_ELSEWHERE = 4
"""Random regions that a reason is compared with."""
_FEWEST_COLUMNS = 4
_SHORTEST_COLUMN_S = 2.0
"""The model's frames over time, after its convolutions, are about a second apart."""


def explain(
    tagger: Tagger,
    path: str | os.PathLike[str],
    *,
    tags: Sequence[str] = (),
    dimensions: Sequence[str] = (),
    budget: int = DEFAULT_BUDGET,
    seed: int = 0,
    progress: Progress = no_progress,
) -> PieceExplanation:
    """Find which parts of a piece make a model say what it says of it.

    Parts of the audio are hidden and the piece is heard again: first cells of some seconds and an
    octave, one by one, then the regions these point to, then regions of the same size elsewhere.

    Parameters
    ----------
    tagger
        The model.
    path
        The file.
    tags, dimensions
        What to explain; where both are empty what stands out, at most `MOST_EXPLAINED` things.
    budget
        How many windows the model may hear. More make the cells finer.
    seed
        Of the random places.
    progress
        Called with windows heard and about how many there will be.

    Returns
    -------
    PieceExplanation
        Without its descriptors; `moodtheme.explaining.describe` has those.

    Raises
    ------
    AudioError
        If the file cannot be used; see `moodtheme.errors`.
    UsageError
        If the model has no such tag or dimension, or the budget is too small for so long a piece.
    """
    bundle = tagger.bundle
    targets = [_place(bundle.tags, name, "tag") for name in dict.fromkeys(tags)]
    names = [dimension.name for dimension in bundle.dimensions]
    targets += [
        len(bundle.tags) + _place(names, name, "dimension") for name in dict.fromkeys(dimensions)
    ]
    piece = HeardPiece(tagger, path)
    targets = targets or outstanding(piece.listening)
    search = Search(piece, targets, budget=budget, seed=seed, progress=progress)
    return PieceExplanation(
        Path(path),
        piece.duration_s,
        search.explanations(),
        notes=doubtful(piece.listening),
        warnings=piece.listening.warnings,
        audio=piece.listening.audio,
        model=identify(bundle),
        windows_heard=piece.windows_heard,
        seed=seed,
    )


class Search:
    """What is heard for a piece's explanations, given and refused as by `explain`.

    Targets are places of tags and dimensions in `moodtheme.explaining.hearing.readings`; of the
    `signs`, 1 looks for what raises them, -1 for what lowers them.
    """

    def __init__(
        self,
        piece: HeardPiece,
        targets: Sequence[int],
        *,
        budget: int,
        seed: int,
        progress: Progress = no_progress,
    ) -> None:
        self._piece, self._targets = piece, targets
        self._rng = np.random.default_rng(seed)
        self.signs = (1, -1)
        self._whole = readings(piece.listening)
        checks = len(targets) * 2 * (CANDIDATES + PLACES_ELSEWHERE + 1) * piece.windows
        bands = Cells.of(piece.duration_s, piece.top_hz, columns=1).shape[1]
        # Where two windows meet a cell is heard in both; each begins amid a stretch at most.
        columns = (budget - checks) // bands - piece.windows
        if columns < _FEWEST_COLUMNS:
            least = checks + bands * (_FEWEST_COLUMNS + piece.windows)
            raise UsageError(
                f"a budget of {budget} windows is too small for {len(targets)} things in a piece "
                f"of {piece.duration_s:.0f} s; give at least {least}, or name fewer tags"
            )
        columns = min(columns, max(int(piece.duration_s / _SHORTEST_COLUMN_S), _FEWEST_COLUMNS))
        self.cells = Cells.of(piece.duration_s, piece.top_hz, columns=columns)
        most = checks + bands * (columns + piece.windows)
        self._show: Callable[[], None] = lambda: progress(min(piece.windows_heard, most), most)

    def explanations(self) -> tuple[Explanation, ...]:
        """One for each target."""
        if not self._targets:
            return ()
        effects = self.effects()
        return tuple(self._explanation(target, effects[..., target]) for target in self._targets)

    def effects(self) -> Float64Array:
        """What hiding each cell does to each reading, shape (stretches, bands, readings)."""
        found = np.zeros((*self.cells.shape, len(self._whole)))
        for column, band, cell in self.cells:
            found[column, band] = self._whole - readings(self._without(cell))
        return found

    def effect(self, region: Region, target: int) -> float:
        """What hiding a region does to a reading."""
        return self._fall(self._without(region), target)

    def noise_effect(self, region: Region, target: int) -> float:
        """What noise in place of a region does to a reading."""
        return self._fall(self._piece.drowned(region), target)

    def _without(self, region: Region) -> Listening:
        heard = self._piece.without(region)
        self._show()
        return heard

    def _fall(self, listening: Listening, target: int) -> float:
        return float(self._whole[target] - readings(listening)[target])

    def _explanation(self, target: int, effects: Float64Array) -> Explanation:
        raises, lowers = (self._reason(target, effects, sign=sign) for sign in (1, -1))
        said = _said(self._piece.listening, target)
        return Explanation(said, raises, lowers, self.cells, effects)

    def _reason(self, target: int, effects: Float64Array, *, sign: int) -> Reason | None:
        if sign not in self.signs or not (sign * effects > 0).any():
            return None
        candidates = best_regions(sign * effects, self.cells, share=SHARE)[:CANDIDATES]
        heard = [self._without(region) for region in candidates]
        changes = [self._fall(listening, target) for listening in heard]
        best = int(np.argmax(sign * np.array(changes)))
        region, without, change = candidates[best], _said(heard[best], target), changes[best]
        places = [elsewhere(region, self.cells, self._rng) for _ in range(PLACES_ELSEWHERE)]
        others = tuple(self.effect(other, target) for other in places)
        real = is_real(sign * change, [sign * other for other in others], without)
        noise = self.noise_effect(region, target)
        return Reason(region, without, change, others, noise, real)


def _place(names: Sequence[str], name: str, kind: str) -> int:
    if name not in names:
        known = ", ".join(names) if names else "none"
        raise UsageError(f"the model has no {kind} {name!r}; name one of: {known}")
    return names.index(name)


def outstanding(listening: Listening, *, most: int = MOST_EXPLAINED) -> list[int]:
    """Tags that stand out, strongest first; of those that mean the same, the first."""
    bundle = listening.bundle
    tags = rank(bundle, track_scores(listening), listening.reference)
    found = findings(tags, bundle.synonyms, by_standing=listening.relative_to is not None)
    return [bundle.tags.index(finding.names[0]) for finding in (found or ())[:most]]


def _said(listening: Listening, target: int) -> TagScore | DimensionScore:
    """A tag or dimension of a listening, by its place in the readings."""
    bundle = listening.bundle
    if target < len(bundle.tags):
        tags = rank(bundle, track_scores(listening), listening.reference)
        return next(tag for tag in tags if tag.name == bundle.tags[target])
    dimensions = place(bundle, track_dimensions(listening), listening.reference)
    return dimensions[target - len(bundle.tags)]
