"""Small generated truths and scores, and the place of the reference material."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import strategies as st

from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix

SHARED = Path(__file__).parents[2] / "shared"

needs_shared = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not (SHARED / "published").is_dir(),
        reason="../shared/published is absent: the published results are not checked",
    ),
]


def case(
    tracks: int = 60, tags: int = 4, *, seed: int = 0, levels: int | None = None
) -> tuple[BoolMatrix, ScoreMatrix]:
    """Truth in which every tag has positives and negatives, and scores that know a little.

    With `levels`, scores take only so many values, so there are ties.
    """
    rng = np.random.default_rng(seed)
    truth = rng.random((tracks, tags)) < 0.25
    truth[0], truth[1] = True, False
    scores = np.clip(rng.random((tracks, tags)) * 0.8 + 0.2 * truth, 0, 1)
    if levels is not None:
        scores = np.round(scores * levels) / levels
    return truth, scores.astype(np.float32)


@st.composite
def columns(draw: st.DrawFn) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """One tag's truth with both classes, and scores from continuous to heavily tied."""
    n = draw(st.integers(2, 40))
    truth = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    truth[0], truth[-1] = True, False
    values = st.floats(0, 1) if draw(st.booleans()) else st.sampled_from([0.0, 0.25, 0.5, 1.0])
    return truth, np.array(draw(st.lists(values, min_size=n, max_size=n)))
