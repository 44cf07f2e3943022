"""What a bundle says beside its scores: standings, how often they are right, when to doubt them.

**Standing** comes from music that was heard by the model itself. How often a tag is right comes
from the official truth and the baseline's published scores, whose audio is not needed: a piece is
taken to carry a tag as often as a track of the test set that stands as far from the middle of its
set. So the probability says what it would be if the baseline judged music like MTG-Jamendo's.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array
from moodtheme.distillation.official import (
    LEAST_LIFT,
    STANDINGS,
    Official,
    evidence_at,
    standings_that_tell,
)
from moodtheme.evaluation.calibration import fit_calibration
from moodtheme.scores.decisions import logit
from moodtheme.tagging.bundle import Calibration, Doubts, Evidence, Reference, Thresholds

BoolArray = npt.NDArray[np.bool_]

LEVELS = (
    0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, *(round(0.1 + 0.05 * i, 2) for i in range(17)),
    0.925, 0.95, 0.97, 0.98, 0.99, 0.995, 1.0,
)  # fmt: skip
LISTENED = 0.95  # from which standing a tag stands out that listeners' answers shaped
ALIKE = 0.95  # correlation from which two tags mean the same to the model
_NEVER_AT = 0.95  # where it is said how often a tag is right that never stands out
_PENALTY = 1e-3  # inverse strength of the logistic regression that knows what is no music
_LEAST_SPREAD = 0.05
_MOST_MUSIC, _FEW_SOUNDS = 0.99, 0.01  # between what so many say lies the limit of what is music
_FARTHEST = 0.997  # of the reference's tracks lie nearer


def weighted_quantiles(
    values: Float64Array, shares: Float64Array, levels: Sequence[float] = LEVELS
) -> Float64Array:
    """Quantiles ``(columns, levels)`` of ``(tracks, columns)`` in which each track has a share."""
    shares = shares / shares.sum()
    rows = []
    for column in values.T:
        order = np.argsort(column, kind="stable")
        reached = np.cumsum(shares[order]) - shares[order] / 2
        rows.append(np.interp(levels, reached, column[order]))
    return np.maximum.accumulate(np.array(rows), axis=1)


def make_reference(
    scores: Float64Array, dimensions: Float64Array, shares: Float64Array, *, music: str
) -> Reference:
    """Quantiles of the scores ``(tracks, tags)`` and dimensions of a reference."""

    def rows(values: Float64Array) -> tuple[tuple[float, ...], ...]:
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
    scores: Float64Array,
    shares: Float64Array,
    *,
    listened: BoolArray | None = None,
) -> tuple[Calibration, Thresholds]:
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
    standing = standings_that_tell(official)
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
        evidence=_evidence(official, standing),
        evidence_from=(
            f"{len(official.truth)} tracks of MTG-Jamendo's mood/theme test split, as the baseline "
            "ranks them; intervals over artists"
        ),
    )
    return calibration, thresholds


def _evidence(official: Official, standing: Float64Array) -> tuple[Evidence, ...]:
    """What the test set says of each tag from where it stands out, or else from `_NEVER_AT`."""
    levels = np.where(standing < 1, standing, _NEVER_AT)
    at = {float(level): evidence_at(official, float(level)) for level in np.unique(levels)}
    return tuple(at[float(level)][tag] for tag, level in enumerate(levels))


def synonym_groups(tags: Sequence[str], scores: Float64Array) -> tuple[tuple[str, ...], ...]:
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


def learn_doubts(
    heard: Mapping[Path, Float64Array],
    reference: Sequence[Path],
    shares: Float64Array,
    no_music: Sequence[Path],
) -> Doubts:
    """Limits from the reference's tracks and sounds that are no music.

    A linear reading, fitted to windows by logistic regression, says what is no music. Its limit
    lies halfway between what all but a hundredth of the tracks keep below and all but a hundredth
    of the sounds keep above, each as a whole.

    Parameters
    ----------
    heard
        Embeddings ``(windows, 512)`` by track.
    reference, shares
        Tracks of music, and how much each counts for the distance.
    no_music
        Noise, tones, clicks, applause, speech.
    """
    from sklearn.linear_model import LogisticRegression

    music = np.stack([heard[path].mean(axis=0) for path in reference])
    other = np.concatenate([heard[path] for path in no_music])
    share = shares / shares.sum()
    centre = share @ music
    spread = np.sqrt(share @ (music - centre) ** 2) + _LEAST_SPREAD
    rows = (np.concatenate([*(heard[path] for path in reference), other]) - centre) / spread
    is_other = np.arange(len(rows)) >= len(rows) - len(other)
    model = LogisticRegression(C=_PENALTY, class_weight="balanced", max_iter=500)
    model.fit(rows, is_other)
    weights = model.coef_[0] / spread
    sounds = np.stack([heard[path].mean(axis=0) for path in no_music])
    bias = -0.5 * float(
        np.quantile(music @ weights, _MOST_MUSIC) + np.quantile(sounds @ weights, _FEW_SOUNDS)
    )
    away = np.sqrt(np.mean(((music - centre) / spread) ** 2, axis=1))

    def rounded(values: Float64Array) -> tuple[float, ...]:
        return tuple(float(v) for v in np.round(values, 5))

    return Doubts(
        no_music=rounded(weights),
        no_music_bias=round(bias, 5),
        centre=rounded(centre),
        spread=rounded(spread),
        farthest=round(float(np.quantile(away, _FARTHEST)), 4),
        measured_on=f"{len(music)} tracks of music and {len(no_music)} sounds that are none",
    )
