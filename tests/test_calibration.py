"""Calibration against an independent minimiser, and what must hold whatever the scores are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from moodtheme.errors import EvaluationError
from moodtheme.evaluation.calibration import PlattScaling, fit_calibration
from moodtheme.scores.decisions import calibrate, logit, sigmoid


def probabilities(fitted: PlattScaling, scores: np.ndarray) -> np.ndarray:
    return calibrate(scores.astype(np.float32), fitted.slopes, fitted.intercepts)


def overconfident(tracks: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth of two tags, and scores that are too sure of the first, too high for the second."""
    rng = np.random.default_rng(seed)
    logits = rng.normal([0.0, 2.0], 2.0, (tracks, 2))
    truth = rng.random((tracks, 2)) < sigmoid(logits * [0.4, 1.0] - [0.0, 3.0])
    return truth, sigmoid(logits)


def test_the_same_as_minimising_platts_loss() -> None:
    truth, scores = overconfident(300)
    fitted = fit_calibration(truth, scores)
    for tag in range(2):
        positives = truth[:, tag].sum()
        high, low = (positives + 1) / (positives + 2), 1 / (len(truth) - positives + 2)
        targets = np.where(truth[:, tag], high, low)
        x = logit(scores[:, tag])

        def loss(at: np.ndarray, x: np.ndarray = x, targets: np.ndarray = targets) -> float:
            z = at[0] * x + at[1]
            return float((np.logaddexp(0, z) - targets * z).sum())

        best = minimize(loss, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-8})
        found = [fitted.slopes[tag], fitted.intercepts[tag]]
        np.testing.assert_allclose(found, best.x, atol=1e-4)


def test_probabilities_are_what_happens() -> None:
    """Fitted on some tracks, right for others, where the scores themselves are not."""
    truth, scores = overconfident(20_000)
    fitted = fit_calibration(truth[:10_000], scores[:10_000])
    np.testing.assert_allclose(fitted.slopes, [0.4, 1.0], atol=0.05)
    np.testing.assert_allclose(fitted.intercepts, [0.0, -3.0], atol=0.1)
    later, said = truth[10_000:], probabilities(fitted, scores[10_000:])
    for tag in range(2):
        tenths = np.array_split(np.argsort(said[:, tag]), 10)
        for rows in tenths:
            assert abs(later[rows, tag].mean() - said[rows, tag].mean()) < 0.07
    assert ((later - said) ** 2).mean() < ((later - scores[10_000:]) ** 2).mean() - 0.05


@given(
    truth=arrays(np.bool_, (12, 3)),
    scores=arrays(np.float64, (12, 3), elements=st.floats(0, 1, width=32)),
)
@settings(deadline=None, max_examples=60)
def test_whatever_comes_rankings_stay_and_sums_agree(truth: np.ndarray, scores: np.ndarray) -> None:
    fitted = fit_calibration(truth, scores)
    assert np.isfinite(fitted.slopes).all() and np.isfinite(fitted.intercepts).all()
    assert (fitted.slopes >= 0).all()
    said = probabilities(fitted, scores)
    for tag in range(3):
        in_order = said[np.argsort(scores[:, tag], kind="stable"), tag]
        assert (np.diff(in_order) >= -1e-6).all()
        positives = truth[:, tag].sum()
        expected = positives * (positives + 1) / (positives + 2)
        expected += (12 - positives) / (12 - positives + 2)
        assert said[:, tag].sum() == pytest.approx(expected, abs=1e-3)


def test_tags_that_validation_says_little_of_are_given_their_share() -> None:
    truth = np.zeros((8, 3), bool)
    truth[:4, 1] = True
    scores = np.linspace(0.1, 0.9, 8)[:, None].repeat(3, axis=1)  # ranks the second backwards
    scores[:, 2] = 0.3
    fitted = fit_calibration(truth, scores)
    np.testing.assert_allclose(fitted.slopes, [0, 0, 0], atol=1e-6)
    # Laplace's rule for none of eight; half of eight.
    np.testing.assert_allclose(sigmoid(fitted.intercepts), [0.1, 0.5, 0.1], atol=1e-6)


def test_scores_that_are_no_scores_are_refused() -> None:
    truth, scores = overconfident(10)
    with pytest.raises(EvaluationError, match="apply the sigmoid first"):
        fit_calibration(truth, logit(scores))
    with pytest.raises(EvaluationError):
        fit_calibration(truth[:5], scores)
