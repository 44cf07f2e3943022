"""Fusion of arrays, and weights learned on validation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from evaluation_cases import case
from moodtheme.errors import EvaluationError, UsageError
from moodtheme.evaluation.fusion_weights import learn_weights
from moodtheme.scores.fusion import FusionMethod, fuse, tied_ranks
from moodtheme.scores.matrices import ScoreMatrix


def systems(n: int, seed: int) -> list[ScoreMatrix]:
    return [case(20, 3, seed=seed + index, levels=10)[1] for index in range(n)]


@given(st.sampled_from(["mean", "rank", "logit"]), st.integers(1, 4), st.integers(0, 1000))
def test_fusion_ignores_order_and_stays_in_the_unit_interval(
    method: str, n: int, seed: int
) -> None:
    scores = systems(n, seed)
    fused = fuse(scores, method=FusionMethod(method))
    assert fused.dtype == np.float32
    assert fused.min() >= 0
    assert fused.max() <= 1
    np.testing.assert_allclose(
        fused, fuse(scores[::-1], method=FusionMethod(method)), rtol=1e-6, atol=1e-7
    )


def test_each_method_is_what_its_name_says() -> None:
    scores = systems(3, 7)
    wide = np.stack(scores).astype(np.float64)
    np.testing.assert_allclose(fuse(scores), wide.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(
        fuse(scores, method=FusionMethod.WEIGHTED, weights=[2, 0, 6]),
        0.25 * wide[0] + 0.75 * wide[2],
        rtol=1e-6,
    )
    np.testing.assert_allclose(
        fuse(scores, method=FusionMethod.RANK),
        ((rankdata(wide, axis=1) - 1) / 19).mean(axis=0),
        rtol=1e-6,
    )
    np.testing.assert_allclose(
        fuse(scores, method=FusionMethod.LOGIT),
        expit(logit(wide.clip(1e-6, 1 - 1e-6)).mean(axis=0)),
        rtol=1e-6,
        atol=1e-9,
    )


def test_one_system_comes_back_as_it_was_except_for_ranks() -> None:
    scores = systems(1, 0)
    np.testing.assert_array_equal(fuse(scores), scores[0])
    ranks = tied_ranks(np.array([[0.2], [0.9], [0.2], [0.5]]))
    np.testing.assert_allclose(ranks[:, 0], [0.5 / 3, 1, 0.5 / 3, 2 / 3])
    assert tied_ranks(np.array([[0.3]])) == 0.5


def test_exact_zeros_and_ones_do_not_outvote_everything_in_logits() -> None:
    sure = np.array([[0.0, 1.0]], np.float32)
    fused = fuse([sure, 1 - sure], method=FusionMethod.LOGIT)
    np.testing.assert_allclose(fused, 0.5)


@pytest.mark.parametrize("weights", [[1], [1, -1], [0, 0], [1, np.nan]])
def test_weights_that_do_not_fit_are_refused(weights: list[float]) -> None:
    with pytest.raises(UsageError, match="weights"):
        fuse(systems(2, 0), method=FusionMethod.WEIGHTED, weights=weights)


def test_weights_and_method_go_together() -> None:
    with pytest.raises(UsageError, match="weights go with"):
        fuse(systems(2, 0), weights=[1, 1])
    with pytest.raises(UsageError, match="weights go with"):
        fuse(systems(2, 0), method=FusionMethod.WEIGHTED)
    with pytest.raises(UsageError, match="nothing to fuse"):
        fuse([])


def test_matrices_that_cannot_be_fused_are_refused() -> None:
    a, b = systems(2, 0)
    with pytest.raises(EvaluationError, match=r"scores 2 of 2 have shape \(19, 3\)"):
        fuse([a, b[1:]])
    b[3, 1] = np.inf
    with pytest.raises(EvaluationError, match="scores 2 of 2 are not all finite"):
        fuse([a, b])
    with pytest.raises(EvaluationError, match=r"\[0, 1\]"):
        fuse([a + 1], method=FusionMethod.LOGIT)


def test_learned_weights_prefer_the_system_that_knows() -> None:
    truth, knows = case(200, 3, seed=1)
    noise = [case(200, 3, seed=seed)[1] for seed in (50, 51)]
    learned = learn_weights(truth, [noise[0], knows, noise[1]])
    assert learned.weights.sum() == pytest.approx(1)
    assert (learned.weights >= 0).all()
    assert learned.weights[1] > 0.6
    assert learned.cross_validated > learned.plain_mean
    assert learned.cross_validated <= learned.fitted
    fused = fuse(
        [noise[0], knows, noise[1]], method=FusionMethod.WEIGHTED, weights=learned.weights.tolist()
    )
    assert learned.fitted == pytest.approx(roc_auc_score(truth, fused), abs=1e-4)


def test_cross_validation_sees_through_weights_fitted_to_noise() -> None:
    truth = case(60, 2, seed=3)[0]
    noise = [np.random.default_rng(seed).random((60, 2)) for seed in range(100, 108)]
    learned = learn_weights(truth, noise)
    assert learned.fitted > 0.6  # where they were fitted they look as if they knew something
    assert learned.cross_validated < learned.fitted - 0.05


def test_learning_is_repeatable_and_checks_its_folds() -> None:
    truth, scores = case(40, 2)
    both = [scores, case(40, 2, seed=5)[1]]
    first, second = learn_weights(truth, both), learn_weights(truth, both)
    assert first.cross_validated == second.cross_validated
    np.testing.assert_array_equal(first.weights, second.weights)
    for folds in (1, 41):
        with pytest.raises(UsageError, match="choose from 2 to 40"):
            learn_weights(truth, both, folds=folds)
