"""How often a standing is right: the official truth beside the baseline's published scores.

The test set's audio is not needed, and not had: what is measured is how the baseline, the first of
the teachers, ranks music like MTG-Jamendo's. Tracks of one artist resemble each other, so artists
are what is resampled, and what is kept apart where something is fitted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array
from moodtheme.errors import DatasetError
from moodtheme.evaluation.calibration import fit_calibration
from moodtheme.scores.decisions import logit, sigmoid
from moodtheme.tagging.bundle import Evidence

BoolArray = npt.NDArray[np.bool_]

STANDINGS = (0.93, 0.95, 0.97, 0.98, 0.99)  # from which a tag may stand out
LEAST_LIFT = 1.5  # times more often than in any track; the interval must lie above 1
_FOLDS = 5
_BINS = 15
_RESAMPLES = 1000


@dataclass(frozen=True)
class Official:
    """The official test set.

    Attributes
    ----------
    truth
        ``(tracks, tags)``.
    scores
        The baseline's published scores, of the same shape.
    artists
        One a track.
    """

    truth: BoolArray
    scores: Float64Array
    artists: Sequence[str]


def read_official(truth: Path, scores: Path, table: Path) -> Official:
    """The official test set: truth and scores as matrices, artists from its table of tracks.

    Raises
    ------
    DatasetError
        If they are not of the same tracks.
    """
    lines = table.read_text(encoding="utf-8").splitlines()[1:]
    official = Official(
        np.load(truth).astype(bool),
        np.load(scores).astype(np.float64),
        [line.split("\t")[1] for line in lines],
    )
    if not len(official.truth) == len(official.scores) == len(lines):
        raise DatasetError(
            f"{truth}, {scores} and {table} have {len(official.truth)}, {len(official.scores)} and "
            f"{len(lines)} tracks; give those of one test set"
        )
    return official


def evidence_at(official: Official, standing: float) -> tuple[Evidence, ...]:
    """By tag, how often a track that stands at least so high carries it."""
    return tuple(
        _evidence(official.truth[:, tag], official.scores[:, tag], standing, weights)
        for weights in [_resampled(official)]
        for tag in range(official.truth.shape[1])
    )


def standings_that_tell(official: Official) -> Float64Array:
    """By tag, the lowest of `STANDINGS` from which the truth supports it; 1 where none does.

    It does where the lift reaches `LEAST_LIFT` and its interval lies above 1.
    """
    found = np.ones(official.truth.shape[1])
    for standing in reversed(STANDINGS):
        for tag, evidence in enumerate(evidence_at(official, standing)):
            if evidence.lift >= LEAST_LIFT and evidence.interval[0] > 1:
                found[tag] = standing
    return found


def _resampled(official: Official) -> Float64Array:
    """How often each track counts, ``(1 + resamples, tracks)``: once, then as artists are drawn."""
    names, artist = np.unique(np.asarray(official.artists), return_inverse=True)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), _RESAMPLES)
    return np.concatenate([np.ones((1, len(names))), draws])[:, artist]


def _evidence(
    truth: BoolArray, scores: Float64Array, standing: float, weights: Float64Array
) -> Evidence:
    above = scores > np.quantile(scores, standing)
    share = weights @ (truth & above) / np.maximum(weights @ above, 1)
    everywhere = weights @ truth / weights.sum(axis=1)  # 0 where nobody that was drawn carries it
    lift = np.divide(share, everywhere, out=np.zeros(len(weights)), where=everywhere > 0)
    low, high = np.percentile(lift[1:][everywhere[1:] > 0] if truth.any() else [0.0], [2.5, 97.5])
    return Evidence(
        standing=standing,
        tracks=int(above.sum()),
        carry=int((truth & above).sum()),
        lift=round(float(lift[0]), 3),
        interval=(round(float(low), 3), round(float(high), 3)),
    )


def cross_validated(official: Official) -> Float64Array:
    """Calibrated scores of each track, fitted on other artists."""
    names, artist = np.unique(np.asarray(official.artists), return_inverse=True)
    fold = np.random.default_rng(0).integers(_FOLDS, size=len(names))[artist]
    said = np.zeros(official.scores.shape)
    for number in range(_FOLDS):
        held = fold == number
        fitted = fit_calibration(official.truth[~held], official.scores[~held])
        said[held] = sigmoid(fitted.slopes * logit(official.scores[held]) + fitted.intercepts)
    return said


@dataclass(frozen=True)
class Reliability:
    """Said and true, in bins of what is said with equally many pairs of track and tag.

    Attributes
    ----------
    said, true
        Mean of what is said, and share that is true, by bin.
    low, high
        95 % interval of that share over artists.
    error
        Expected calibration error: mean over pairs of the bins' |true − said|, and its interval.
    """

    said: Float64Array
    true: Float64Array
    low: Float64Array
    high: Float64Array
    error: tuple[float, float, float]


def reliability(official: Official, said: Float64Array) -> Reliability:
    """How far what is said, ``(tracks, tags)`` in [0, 1], holds."""
    weights = _resampled(official)
    parts = np.array_split(np.argsort(said, axis=None, kind="stable"), _BINS)
    tracks, tags = said.shape
    share, mean, size = (np.zeros((_BINS, len(weights))) for _ in range(3))
    for place, part in enumerate(parts):
        inside = np.zeros(said.size, bool)
        inside[part] = True
        here = inside.reshape(tracks, tags)
        counted = weights @ here.sum(axis=1)
        share[place] = weights @ (here & official.truth).sum(axis=1) / counted
        mean[place] = weights @ np.where(here, said, 0.0).sum(axis=1) / counted
        size[place] = counted
    errors = (np.abs(share - mean) * size).sum(axis=0) / size.sum(axis=0)
    low, high = np.percentile(share[:, 1:], [2.5, 97.5], axis=1)
    least, most = np.percentile(errors[1:], [2.5, 97.5])
    return Reliability(
        mean[:, 0], share[:, 0], low, high, (float(errors[0]), float(least), float(most))
    )
