"""Figures of the EMOPIA example against counting by hand."""

from itertools import pairwise

import numpy as np
import pytest
from figures import RESAMPLES, Fold, Folds, Row, measure
from sklearn.metrics import roc_auc_score

from moodtheme.evaluation import evaluate_systems

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
    fold = Fold(truth[0], truth[1], songs)
    return fold, quadrants[1], scores[0].astype(np.float32), scores[1].astype(np.float32)


def measured(*seeds: int) -> Row:
    folds, _, validation, test = zip(*map(some_fold, seeds), strict=True)
    return measure("a system", Folds(folds), validation, test)


def test_arousal_and_valence_are_read_off_the_quadrant() -> None:
    # Q1 aroused and pleasant, Q2 aroused, Q3 neither, Q4 pleasant.
    truth = truth_of([0, 0, 0, 0, 2, 2])
    said = truth_of([0, 1, 2, 3, 2, 1]).astype(np.float32)
    fold = Folds([Fold(truth, truth, list("abcdef"))])
    by = measure("a system", fold, [said], [said]).scores
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


def test_songs_are_drawn_and_left_out_whole() -> None:
    folds = Folds([some_fold(1)[0], some_fold(2)[0]])
    songs = CLIPS // 3
    for number, weights in enumerate(folds.weights):
        assert weights.shape == (CLIPS, 1 + RESAMPLES + 2 * songs)
        assert (weights[:, 0] == 1).all()
        by_song = weights.reshape(-1, 3, weights.shape[1])
        assert (by_song == by_song[:, :1]).all()
        assert (weights[:, 1 : 1 + RESAMPLES].sum(axis=0) == CLIPS).all()  # songs of one length
        kept = weights[:, 1 + RESAMPLES :].sum(axis=0)
        own = slice(number * songs, (number + 1) * songs)
        assert (kept[own] == CLIPS - 3).all() and kept.sum() == 2 * songs * CLIPS - CLIPS


def test_one_fold_has_the_intervals_of_the_command() -> None:
    fold, _, validation, test = some_fold(1)
    found = measure("a system", Folds([fold]), [validation], [test]).roc_auc_macro
    (own,) = evaluate_systems(fold.truth, {"": test}, artists=fold.songs, resamples=RESAMPLES)
    figure = own.figures["roc_auc_macro"]
    assert (found.value, found.low, found.high) == pytest.approx(
        (figure.value, figure.low, figure.high)
    )


def test_a_calibration_on_validation_lowers_the_error_of_scores_that_are_off() -> None:
    fold, _, validation, test = some_fold(1)
    folds = Folds([fold])
    off = [np.square(validation), np.square(test)]
    row = measure("a system", folds, [off[0]], [off[1]])
    assert row.brier_probabilities < row.brier_scores
    same = measure("a system", folds, [validation], [test])
    assert row.roc_auc_macro == same.roc_auc_macro
