"""Scores and logits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.scores.decisions import MARGIN, logit, sigmoid


@given(score=st.floats(0, 1, width=32))
def test_logits_are_finite_and_turn_back_into_their_scores(score: float) -> None:
    logits = logit(np.array([score], np.float32))
    assert np.isfinite(logits).all()
    assert abs(sigmoid(logits)[0] - score) <= 1.01 * MARGIN


def test_even_odds_are_zero_and_order_is_kept() -> None:
    logits = logit(np.array([0.0, 0.2, 0.5, 0.8, 1.0]))
    assert logits[2] == 0
    assert (np.diff(logits) > 0).all()
    np.testing.assert_allclose(logits, -logits[::-1], atol=1e-9)
