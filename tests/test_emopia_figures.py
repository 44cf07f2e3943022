"""Figures of the EMOPIA example against counting by hand."""

from itertools import pairwise

import numpy as np
import pytest
from figures import Figure, Fold, Row, make_fold, measure, roc_auc_difference
from sklearn.metrics import roc_auc_score

CLIPS = 60


def truth_of(quadrants: list[int]) -> np.ndarray:
    return np.eye(4, dtype=bool)[quadrants]


def some_fold(seed: int) -> tuple[Fold, np.ndarray, np.ndarray, np.ndarray]:
    """A fold, the test clips' quadrants, and scores of validation and test that often hit."""
    rng = np.random.default_rng(seed)
    quadrants = rng.integers(4, size=(2, CLIPS))
    truth = [truth_of(part.tolist()) for part in quadrants]
    scores = [rng.random((CLIPS, 4)) * 0.6 + 0.4 * part for part in truth]
    songs = [f"song {clip // 3}" for clip in range(CLIPS)]
    fold = make_fold(truth[0], truth[1], songs, seed=seed)
    return fold, quadrants[1], scores[0].astype(np.float32), scores[1].astype(np.float32)


def measured(*seeds: int) -> Row:
    folds, _, validation, test = zip(*map(some_fold, seeds), strict=True)
    return measure("a system", folds, validation, test)


def test_arousal_and_valence_are_read_off_the_quadrant() -> None:
    # Q1 aroused and pleasant, Q2 aroused, Q3 neither, Q4 pleasant.
    truth = truth_of([0, 0, 0, 0, 2, 2])
    said = truth_of([0, 1, 2, 3, 2, 1]).astype(np.float32)
    fold = make_fold(truth, truth, list("abcdef"), seed=0)
    by = measure("a system", [fold], [said], [said]).scores
    assert by.quadrant.value == pytest.approx(2 / 6)
    assert by.arousal.value == pytest.approx(3 / 6)
    assert by.valence.value == pytest.approx(4 / 6)


def test_figures_of_several_folds_are_over_all_clips() -> None:
    hits, areas = [], []
    for seed in (1, 2):
        fold, quadrants, _, test = some_fold(seed)
        hits += (test.argmax(axis=1) == quadrants).tolist()
        areas.append(roc_auc_score(fold.truth, test))
    row = measured(1, 2)
    assert row.scores.quadrant.value == pytest.approx(np.mean(hits))
    assert row.roc_auc_macro.value == pytest.approx(np.mean(areas))
    for figure in (row.scores.quadrant, row.roc_auc_macro, row.probabilities.valence):
        assert 0 < figure.low < figure.value < figure.high < 1


def test_more_folds_are_more_certain() -> None:
    widths = [
        row.scores.quadrant.high - row.scores.quadrant.low
        for row in (measured(1), measured(1, 2), measured(1, 2, 3, 4))
    ]
    assert all(many < few for few, many in pairwise(widths))


def test_songs_are_resampled_whole() -> None:
    fold, *_ = some_fold(1)
    assert (fold.weights[:, 0] == 1).all()
    by_song = fold.weights.reshape(-1, 3, fold.weights.shape[1])
    assert (by_song == by_song[:, :1]).all()
    assert (fold.weights[:, 1:].sum(axis=0) == CLIPS).all()  # songs of one length


def test_a_calibration_on_validation_lowers_the_error_of_scores_that_are_off() -> None:
    fold, _, validation, test = some_fold(1)
    off = [np.square(validation), np.square(test)]
    row = measure("a system", [fold], [off[0]], [off[1]])
    assert row.brier_probabilities.value < row.brier_scores.value
    same = measure("a system", [fold], [validation], [test])
    assert row.roc_auc_macro == same.roc_auc_macro


def test_differences_are_paired() -> None:
    fold, _, _, test = some_fold(1)
    other = test.copy()
    other[:, 0] = np.random.default_rng(5).random(CLIPS)
    assert roc_auc_difference([fold], [test], [test]) == Figure(0.0, 0.0, 0.0)
    difference = roc_auc_difference([fold], [test], [other])
    areas = [roc_auc_score(fold.truth, scores) for scores in (test, other)]
    assert difference.value == pytest.approx(areas[0] - areas[1])
    alone = measure("a system", [fold], [test], [test]).roc_auc_macro
    assert difference.high - difference.low < 2 * (alone.high - alone.low)
