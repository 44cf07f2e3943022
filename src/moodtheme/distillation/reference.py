"""What a bundle says beside its scores: where they stand, how often that is right, what stands out.

**Standing** comes from music that was heard by the model itself. How often a tag is right comes
from the official truth and the baseline's published scores, whose audio is not needed: a piece is
taken to carry a tag as often as a track of the test set that stands as far from the middle of its
set. So the probability says what it would be if the baseline judged music like MTG-Jamendo's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from moodtheme.errors import DatasetError
from moodtheme.evaluation.calibration import fit_calibration
from moodtheme.scores.decisions import logit, sigmoid
from moodtheme.tagging.bundle import Calibration, Reference, Thresholds

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LEVELS = (
    0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, *(round(0.1 + 0.05 * i, 2) for i in range(17)),
    0.925, 0.95, 0.97, 0.98, 0.99, 0.995, 1.0,
)  # fmt: skip
STANDINGS = (0.93, 0.95, 0.97, 0.98, 0.99)  # from which a tag may stand out
LISTENED = 0.95  # from which standing a tag stands out that listeners' answers shaped
LEAST_LIFT = 1.5  # times more often than in any track; the interval must lie above 1
ALIKE = 0.95  # correlation from which two tags mean the same to the model
_FOLDS = 5
_BINS = 15
_RESAMPLES = 200


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
    scores: FloatArray
    artists: Sequence[str]


@dataclass(frozen=True)
class OfficialFigures:
    """What was measured on the official test set.

    Attributes
    ----------
    error_before, error_after
        Expected calibration error of the published scores and of calibrated ones, fitted on other
        artists.
    lift
        By tag: how many times more often than any track one above its threshold carries the tag,
        and the 95 % interval over artists; NaN where none does.
    standing
        By tag: from which standing it stands out; 1 where it never does.
    """

    error_before: float
    error_after: float
    lift: FloatArray
    standing: FloatArray


def weighted_quantiles(
    values: FloatArray, shares: FloatArray, levels: Sequence[float] = LEVELS
) -> FloatArray:
    """Quantiles ``(columns, levels)`` of ``(tracks, columns)`` in which each track has a share."""
    shares = shares / shares.sum()
    rows = []
    for column in values.T:
        order = np.argsort(column, kind="stable")
        reached = np.cumsum(shares[order]) - shares[order] / 2
        rows.append(np.interp(levels, reached, column[order]))
    return np.maximum.accumulate(np.array(rows), axis=1)


def make_reference(
    scores: FloatArray, dimensions: FloatArray, shares: FloatArray, *, music: str
) -> Reference:
    """Quantiles of the scores ``(tracks, tags)`` and dimensions of a reference."""

    def rows(values: FloatArray) -> tuple[tuple[float, ...], ...]:
        rounded = np.round(weighted_quantiles(values, shares), 7)
        return tuple(tuple(float(v) for v in row) for row in rounded)

    return Reference(
        levels=LEVELS,
        tags=rows(scores),
        dimensions=rows(dimensions),
        music=music,
        tracks=len(scores),
    )


def calibrate_by_standing(
    official: Official,
    scores: FloatArray,
    shares: FloatArray,
    *,
    listened: BoolArray | None = None,
) -> tuple[Calibration, Thresholds, OfficialFigures]:
    """Calibration and thresholds for scores that are distributed as those of a reference.

    A tag stands out from the lowest of `STANDINGS` at which its lift reaches `LEAST_LIFT` and the
    lift's interval lies above 1; where none does, from none: its threshold is 1. The test set has
    no say where its truth is that of the baseline, which the model improves on: a tag that
    listeners' answers shaped stands out from `LISTENED` at least.

    Parameters
    ----------
    official
        The official test set.
    scores, shares
        ``(tracks, tags)`` of the reference, and each track's share.
    listened
        Tags that listeners' answers shaped.
    """
    shares = shares / shares.sum()
    fitted = fit_calibration(official.truth, official.scores)
    published, ours = logit(official.scores), logit(scores)
    middle = shares @ ours
    spread = np.sqrt(shares @ (ours - middle) ** 2)
    stretch = published.std(axis=0) / spread
    slopes = fitted.slopes * stretch
    intercepts = fitted.intercepts + fitted.slopes * (published.mean(axis=0) - middle * stretch)
    calibration = Calibration(
        slopes=tuple(float(v) for v in slopes),
        intercepts=tuple(float(v) for v in intercepts),
        fitted_on=(
            "official truth of MTG-Jamendo's mood/theme test split and the baseline's published "
            f"scores ({len(official.truth)} tracks), carried over by standing: true for music like "
            "that collection's as far as this model ranks as the baseline does"
        ),
    )
    standing, lift = _standing_out(official)
    if listened is not None:
        standing = np.where(listened, np.minimum(standing, LISTENED), standing)
    values = [
        float(weighted_quantiles(scores[:, [tag]], shares, [level])[0, 0]) if level < 1 else 1.0
        for tag, level in enumerate(standing)
    ]
    thresholds = Thresholds(
        values=tuple(values),
        method=(
            f"stands out: above the lowest standing of {', '.join(map(str, STANDINGS))} at which "
            f"the lift is {LEAST_LIFT:g} or more and its interval lies above 1; "
            f"from {LISTENED} where listeners' answers shaped the tag"
        ),
        chosen_on="the reference's standings and the official test split's truth, by artist",
    )
    before, after = _calibration_errors(official)
    return calibration, thresholds, OfficialFigures(before, after, lift, standing)


def synonym_groups(tags: Sequence[str], scores: FloatArray) -> tuple[tuple[str, ...], ...]:
    """Groups of tags all of whose logits correlate at `ALIKE` or more, the most alike first."""
    with np.errstate(invalid="ignore"):  # a tag that never varies is like no other
        alike = np.nan_to_num(np.asarray(np.corrcoef(logit(scores).T)), nan=-1.0)
    groups = [[index] for index in range(len(tags))]
    while len(groups) > 1:
        pairs = [
            (float(alike[np.ix_(a, b)].min()), i, j)
            for i, a in enumerate(groups)
            for j, b in enumerate(groups[:i])
        ]
        closest, i, j = max(pairs)
        if closest < ALIKE:
            break
        groups[j] += groups.pop(i)
    return tuple(tuple(tags[k] for k in sorted(group)) for group in groups if len(group) > 1)


def _standing_out(official: Official) -> tuple[FloatArray, FloatArray]:
    """From where each tag stands out, and its lift there with its interval."""
    names, artist = np.unique(np.asarray(official.artists), return_inverse=True)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), _RESAMPLES)
    weights = np.concatenate([np.ones((1, len(names))), draws])[:, artist]
    standings = np.ones(official.truth.shape[1])
    lifts = np.full((len(standings), 3), np.nan)
    for tag in range(len(standings)):
        truth, scores = official.truth[:, tag], official.scores[:, tag]
        for level in STANDINGS:
            above = scores > np.quantile(scores, level)
            with np.errstate(invalid="ignore", divide="ignore"):
                share = weights @ (truth & above) / (weights @ above)
                lift = share / (weights @ truth / weights.sum(axis=1))
            low, high = np.nanpercentile(lift[1:], [2.5, 97.5])
            if lift[0] >= LEAST_LIFT and low > 1:
                standings[tag], lifts[tag] = level, (lift[0], low, high)
                break
    return standings, lifts


def _calibration_errors(official: Official) -> tuple[float, float]:
    """Expected calibration error over all tags, before and after, folds by artist."""
    names, artist = np.unique(np.asarray(official.artists), return_inverse=True)
    fold = np.random.default_rng(0).integers(_FOLDS, size=len(names))[artist]
    after = np.zeros(official.scores.shape)
    for number in range(_FOLDS):
        held = fold == number
        fitted = fit_calibration(official.truth[~held], official.scores[~held])
        after[held] = sigmoid(fitted.slopes * logit(official.scores[held]) + fitted.intercepts)
    return tuple(
        expected_calibration_error(official.truth, said) for said in (official.scores, after)
    )  # type: ignore[return-value]


def expected_calibration_error(truth: BoolArray, said: FloatArray) -> float:
    """Mean over pairs of track and tag of |share that is true − mean said| in bins of what is said.

    There are 15 bins with equally many pairs.
    """
    order = np.argsort(said, axis=None, kind="stable")
    gaps = [
        abs(truth.ravel()[part].mean() - said.ravel()[part].mean()) * len(part)
        for part in np.array_split(order, _BINS)
    ]
    return float(sum(gaps) / truth.size)


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
