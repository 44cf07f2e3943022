"""When the student should not be believed: learned from sounds that are no music."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.tagging.bundle import Doubts

_PENALTY = 1e-3  # inverse strength of the logistic regression's
_LEAST_SPREAD = 0.05
_FARTHEST = 0.997  # of the reference's tracks lie nearer


def learn_doubts(
    heard: Mapping[Path, Float64Array],
    reference: Sequence[Path],
    shares: Float64Array,
    no_music: Sequence[Path],
) -> Doubts:
    """Limits from the reference's tracks and sounds that are no music.

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
    bias = float(model.intercept_[0]) - float(weights @ centre)
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
