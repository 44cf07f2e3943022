"""Thresholds: the official rule to the bit, Youden's J, fixed, top-k."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from sklearn.metrics import precision_recall_curve, roc_curve

from evaluation_cases import case, columns
from moodtheme.errors import EvaluationError, EvaluationWarning
from moodtheme.evaluation import evaluate
from moodtheme.evaluation.checks import checked
from moodtheme.evaluation.evaluator import popularity_scores
from moodtheme.evaluation.thresholds import best_f1, best_youden, choose, reachable_f1, top_k
from moodtheme.scores.decisions import apply_thresholds

Column = tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]


@given(columns())
def test_best_f1_is_the_first_maximum_on_scikit_learns_curve(column: Column) -> None:
    truth, scores = column
    precision, recall, thresholds = precision_recall_curve(truth, scores)
    with np.errstate(invalid="ignore"):
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    assert choose(truth[:, None], scores[:, None], best_f1)[0] == thresholds[np.argmax(f1)]


@given(columns())
def test_no_threshold_reaches_more_than_the_best(column: Column) -> None:
    truth, scores = column

    def f1(threshold: float) -> float:
        decided = apply_thresholds(scores[:, None], threshold)[:, 0]
        return 2 * (decided & truth).sum() / (decided.sum() + truth.sum())

    best = f1(choose(truth[:, None], scores[:, None], reachable_f1)[0])
    everywhere = np.unique(np.r_[scores, -1])  # deciding above each score, and everything
    assert best == pytest.approx(max(map(f1, everywhere)), abs=1e-12)
    assert best >= f1(choose(truth[:, None], scores[:, None], best_f1)[0])


def test_the_official_rule_can_fall_below_validation_and_the_best_never_does() -> None:
    # One positive, highest: the official threshold is its own score, above which there is nothing.
    truth = np.array([[True], [False], [False]])
    scores = np.array([[0.9], [0.5], [0.1]])
    row = evaluate(truth, scores, validation=(truth, scores - np.array([[0.2], [0], [0]])))
    assert row["f1_macro_oracle"] == 0
    assert row["f1_macro_validation"] == 1 == row["f1_macro_best"]


@given(columns())
def test_deciding_above_youdens_threshold_reaches_the_highest_j(column: Column) -> None:
    truth, scores = column
    false_positive_rate, recall, _ = roc_curve(truth, scores, drop_intermediate=False)
    threshold = choose(truth[:, None], scores[:, None], best_youden)
    decided = apply_thresholds(scores[:, None], threshold)[:, 0]
    reached = decided[truth].mean() - decided[~truth].mean()
    best = (recall - false_positive_rate)[1:].max()  # [1:]: at least one track is decided
    assert reached == pytest.approx(best, abs=1e-12)


def test_a_score_equal_to_the_threshold_is_not_a_decision() -> None:
    scores = np.array([[0.25], [0.5], [0.75]], np.float32)
    np.testing.assert_array_equal(apply_thresholds(scores, 0.5), [[False], [False], [True]])


def test_thresholds_are_compared_at_full_precision() -> None:
    # 0.1 as float32 is a little more than 0.1; compared in float32 the two would be equal.
    assert apply_thresholds(np.array([[0.1]], np.float32), 0.1)[0, 0]


def test_tags_without_positives_get_no_threshold_and_no_decisions() -> None:
    truth, scores = case(tags=2)
    truth[:, 0] = False
    with pytest.warns(EvaluationWarning, match="column 0"):
        scores = checked(truth, scores, None)
    for rule in (best_f1, reachable_f1, best_youden):
        thresholds = choose(truth, scores, rule)
        assert np.isnan(thresholds[0])
        assert not apply_thresholds(scores, thresholds)[:, 0].any()


def test_a_tag_that_validation_lacks_counts_as_never_decided_and_is_named() -> None:
    truth, scores = case(80, 3, seed=1)
    known, known_scores = case(50, 3, seed=2)
    known[:, 1] = False
    with pytest.warns(EvaluationWarning, match="no threshold from validation for tag column 1"):
        row = evaluate(truth, scores, validation=(known, known_scores))
    each = [tag["f1_validation"] for tag in row["tags"]]
    assert each[1] == 0
    assert row["tags"][1]["threshold_validation"] is None
    assert row["f1_macro_validation"] == pytest.approx(np.mean(each))


def test_top_k_gives_each_track_k_tags_first_columns_winning_ties() -> None:
    scores = np.array([[0.1, 0.9, 0.5], [0.5, 0.5, 0.5]], np.float32)
    np.testing.assert_array_equal(top_k(scores, 2), [[False, True, True], [True, True, False]])
    for k in (0, 4):
        with pytest.raises(EvaluationError, match="choose from 1 to 3"):
            top_k(scores, k)
    scores[0, 0] = np.nan
    with pytest.raises(EvaluationError, match="NaN"):
        top_k(scores, 1)


def test_validation_thresholds_are_chosen_on_validation_alone() -> None:
    truth, scores = case(80, 3, seed=1)
    other_truth, other_scores = case(50, 3, seed=2)
    row = evaluate(truth, scores, validation=(other_truth, other_scores))
    chosen = [tag["threshold_validation"] for tag in row["tags"]]
    np.testing.assert_array_equal(chosen, choose(other_truth, other_scores, best_f1))
    assert row["f1_macro_validation"] != row["f1_macro_oracle"]


def test_popularity_always_says_the_most_frequent_training_tag() -> None:
    training = np.array([[True, True, False], [False, True, True]])
    np.testing.assert_array_equal(
        popularity_scores(training, 2), np.array([[0, 1, 0], [0, 1, 0]], np.float32)
    )
