"""Metrics against scikit-learn, on random and tied scores, and what happens where none exist."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from evaluation_cases import case, columns
from moodtheme.errors import EvaluationError, EvaluationWarning
from moodtheme.evaluation import evaluate
from moodtheme.evaluation.metrics import average_precision, macro, roc_auc
from moodtheme.evaluation.ranking import areas, rank

TOLERANCE = 1e-12
Column = tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]


@given(columns())
def test_areas_of_a_tag_agree_with_scikit_learn(column: Column) -> None:
    truth, scores = column
    assert roc_auc(truth[:, None], scores[:, None])[0] == pytest.approx(
        roc_auc_score(truth, scores), abs=TOLERANCE
    )
    assert average_precision(truth[:, None], scores[:, None])[0] == pytest.approx(
        average_precision_score(truth, scores), abs=TOLERANCE
    )


@given(columns(), st.integers(0, 2**32 - 1))
def test_a_weight_of_k_counts_like_k_copies_of_the_track(column: Column, seed: int) -> None:
    truth, scores = column
    weights = np.random.default_rng(seed).integers(0, 4, size=(len(truth), 1)).astype(np.int32)
    weights[0] = weights[-1] = 1  # one positive and one negative stay
    roc, precision = areas(rank(truth, scores), weights)
    copies = np.repeat(np.arange(len(truth)), weights[:, 0])
    assert roc[0] == pytest.approx(roc_auc_score(truth[copies], scores[copies]), abs=TOLERANCE)
    assert precision[0] == pytest.approx(
        average_precision_score(truth[copies], scores[copies]), abs=TOLERANCE
    )


@pytest.mark.parametrize("levels", [None, 1, 5])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_macro_and_micro_agree_with_scikit_learn(levels: int | None, dtype: type) -> None:
    truth, scores = case(300, 7, levels=levels)
    scores = scores.astype(dtype)
    wide = scores.astype(np.float64)  # exact, so both sides see the same ties
    ours = evaluate(truth, scores)
    for average in ("macro", "micro"):
        areas_there = (
            roc_auc_score(truth, wide, average=average),
            average_precision_score(truth, wide, average=average),
        )
        for name, theirs in zip(("roc_auc", "pr_auc"), areas_there, strict=True):
            assert ours[f"{name}_{average}"] == pytest.approx(theirs, abs=TOLERANCE)


@given(st.integers(0, 2**32 - 1))
def test_precision_recall_and_f1_agree_with_scikit_learn(seed: int) -> None:
    truth, scores = case(30, 3, seed=seed)
    low = scores * 0.6  # so that now and then nothing is decided for a tag
    ours = evaluate(truth, low)
    for average in ("macro", "micro"):
        *theirs, _ = precision_recall_fscore_support(
            truth, low > 0.5, average=average, zero_division=0
        )
        for name, value in zip(("precision", "recall", "f1"), theirs, strict=True):
            assert ours[f"{name}_{average}_fixed"] == pytest.approx(value, abs=TOLERANCE)
    theirs = precision_recall_fscore_support(truth, low > 0.5, zero_division=0)[2]
    assert [tag["f1_fixed"] for tag in ours["tags"]] == pytest.approx(theirs, abs=TOLERANCE)


def test_a_perfect_a_reversed_and_a_constant_system() -> None:
    truth = np.array([[True], [True], [False], [False]])
    scores = truth.astype(np.float32)
    assert roc_auc(truth, scores) == [1.0]
    assert roc_auc(truth, 1 - scores) == [0.0]
    assert roc_auc(truth, np.full_like(scores, 0.3)) == [0.5]
    assert average_precision(truth, np.full_like(scores, 0.3)) == [0.5]  # share of positives


def test_a_tag_without_positives_is_named_and_left_out() -> None:
    truth, scores = case(tags=3)
    truth[:, 1] = False
    with pytest.warns(EvaluationWarning, match="no positives for tag calm"):
        per_tag = roc_auc(truth, scores, tags=["sad", "calm", "epic"])
    assert np.isnan(per_tag[1])
    kept = [0, 2]
    assert macro(per_tag) == pytest.approx(
        roc_auc_score(truth[:, kept], scores[:, kept]), abs=TOLERANCE
    )
    with pytest.warns(EvaluationWarning):
        lost = evaluate(truth, scores)["tags"][1]
    assert {lost[f"{name}_fixed"] for name in ("f1", "precision", "recall")} == {None}


def test_a_tag_without_negatives_has_a_precision_but_no_roc_auc() -> None:
    truth, scores = case(tags=2)
    truth[:, 0] = True
    with pytest.warns(EvaluationWarning, match="no negatives for tag column 0"):
        assert np.isnan(roc_auc(truth, scores)[0])
    with pytest.warns(EvaluationWarning):
        assert average_precision(truth, scores)[0] == 1.0


def test_nothing_defined_is_null_and_not_a_half() -> None:
    truth = np.zeros((5, 2), np.bool_)
    with pytest.warns(EvaluationWarning, match="tags column 0, column 1"):
        row = evaluate(truth, np.full((5, 2), 0.3, np.float32))
    for key in ("roc_auc_macro", "pr_auc_macro", "roc_auc_micro", "f1_macro_oracle"):
        assert row[key] is None
    assert row["tags"][0]["threshold_oracle"] is None


def test_scores_that_are_not_numbers_name_tag_and_track() -> None:
    truth, scores = case(tags=2)
    scores[7, 1] = np.nan
    with pytest.raises(EvaluationError, match="tag epic, first in row 7"):
        roc_auc(truth, scores, tags=["sad", "epic"])


def test_scores_outside_the_unit_interval_warn_and_are_ranked() -> None:
    truth, scores = case(tags=2)
    logits = scores.copy()
    logits[:, 1] = 8 * scores[:, 1] - 4  # exact in float32: no new ties
    with pytest.warns(EvaluationWarning, match="outside .* for tag epic"):
        shifted = roc_auc(truth, logits, tags=["sad", "epic"])
    np.testing.assert_allclose(shifted, roc_auc(truth, scores), atol=TOLERANCE)


@pytest.mark.parametrize(
    ("truth", "scores", "message"),
    [
        (np.zeros((3, 2), bool), np.zeros((2, 2), np.float32), "shape"),
        (np.zeros((3, 2), int), np.zeros((3, 2), np.float32), "astype"),
        (np.zeros((3, 2), bool), np.zeros((3, 2), int), "floating-point"),
        (np.zeros(3, bool), np.zeros(3, np.float32), "matrix"),
        (np.zeros((0, 2), bool), np.zeros((0, 2), np.float32), "at least one"),
    ],
)
def test_matrices_that_cannot_be_compared_are_refused(
    truth: npt.NDArray[np.bool_], scores: npt.NDArray[np.float32], message: str
) -> None:
    with pytest.raises(EvaluationError, match=message):
        roc_auc(truth, scores)
