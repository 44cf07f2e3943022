"""Four-quadrant, arousal and valence accuracy and macro ROC-AUC, with intervals over songs.

A clip's quadrant is the one with the highest score. Arousal and valence are read off that quadrant
(Q1 and Q2 are aroused, Q1 and Q4 pleasant), as in the published baselines. Everything is measured
twice: on the scores as they are, and on the probabilities that a calibration on validation makes of
them, as the exported models do. A calibration keeps each quadrant's ranking, so ROC-AUC stays.

Intervals are 95 % percentile intervals over resamples of songs, not of clips: clips of a song
resemble each other. Several folds are resampled each by itself. Accuracy is that of all clips;
macro ROC-AUC is the mean over folds, since scores of differently trained networks do not rank
together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moodtheme.evaluation.bootstrap import draw_weights
from moodtheme.evaluation.calibration import fit_calibration
from moodtheme.evaluation.metrics import macro, weigh_rankings
from moodtheme.evaluation.ranking import rank_tags, unit_weights
from moodtheme.scores.decisions import calibrate

QUADRANTS = ("Q1", "Q2", "Q3", "Q4")
AROUSED = np.array([True, True, False, False])
PLEASANT = np.array([True, False, False, True])
RESAMPLES = 2000

Scores = npt.NDArray[np.float32]
Labels = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Figure:
    """A figure and its interval, in fractions."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As in a table, in percent."""
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


@dataclass(frozen=True)
class Accuracy:
    """How often the quadrant, its arousal and its valence are right."""

    quadrant: Figure
    arousal: Figure
    valence: Figure


@dataclass(frozen=True)
class Row:
    """All figures of a system or a fusion; Brier scores are sums over quadrants, 0 is best."""

    name: str
    scores: Accuracy
    probabilities: Accuracy
    roc_auc_macro: Figure
    brier_scores: Figure
    brier_probabilities: Figure


@dataclass(frozen=True)
class Fold:
    """Truth of a division into parts; the official split is a single fold.

    Attributes
    ----------
    validation_truth, truth
        bool (clips, 4), of validation and test.
    weights
        How often each test clip counts: once, then in each resample; int32 (clips, 1 + resamples).
    """

    validation_truth: Labels
    truth: Labels
    weights: npt.NDArray[np.int32]


def make_fold(validation_truth: Labels, truth: Labels, songs: Sequence[str], *, seed: int) -> Fold:
    """A fold with resamples of the test part's songs."""
    names, song_of_clip = np.unique(songs, return_inverse=True)
    drawn = draw_weights(len(names), RESAMPLES, np.random.default_rng(seed))
    weights = np.concatenate([unit_weights(len(truth)), drawn[song_of_clip]], axis=1)
    return Fold(validation_truth, truth, weights)


def measure(
    name: str, folds: Sequence[Fold], validation: Sequence[Scores], test: Sequence[Scores]
) -> Row:
    """Measure one system, of which each fold has scores of validation and test, (clips, 4)."""
    probabilities = [
        _calibrated(fold.validation_truth, on_validation, on_test)
        for fold, on_validation, on_test in zip(folds, validation, test, strict=True)
    ]
    return Row(
        name=name,
        scores=_accuracy(folds, test),
        probabilities=_accuracy(folds, probabilities),
        roc_auc_macro=_figure(_areas(folds, test)),
        brier_scores=_brier(folds, test),
        brier_probabilities=_brier(folds, probabilities),
    )


def roc_auc_difference(
    folds: Sequence[Fold], one: Sequence[Scores], other: Sequence[Scores]
) -> Figure:
    """Macro ROC-AUC of one system minus another's, on the same resamples (paired)."""
    return _figure(_areas(folds, one) - _areas(folds, other))


def _areas(folds: Sequence[Fold], test: Sequence[Scores]) -> npt.NDArray[np.float64]:
    """Macro ROC-AUC in each resample, the mean over folds."""
    areas = []
    for fold, scores in zip(folds, test, strict=True):
        roc_auc, _ = weigh_rankings(rank_tags(fold.truth, scores), fold.weights)
        areas.append(macro(roc_auc))
    return np.asarray(np.mean(areas, axis=0))


def _calibrated(truth: Labels, validation: Scores, test: Scores) -> Scores:
    """Probabilities of the test clips by a calibration on validation."""
    fitted = fit_calibration(truth, validation, tags=QUADRANTS)
    return calibrate(test, fitted.slopes, fitted.intercepts)


def _accuracy(folds: Sequence[Fold], scores: Sequence[Scores]) -> Accuracy:
    true = [fold.truth.argmax(axis=1) for fold in folds]
    said = [matrix.argmax(axis=1) for matrix in scores]
    pairs = list(zip(true, said, strict=True))
    return Accuracy(
        quadrant=_mean(folds, [a == b for a, b in pairs]),
        arousal=_mean(folds, [AROUSED[a] == AROUSED[b] for a, b in pairs]),
        valence=_mean(folds, [PLEASANT[a] == PLEASANT[b] for a, b in pairs]),
    )


def _brier(folds: Sequence[Fold], scores: Sequence[Scores]) -> Figure:
    errors = [
        ((matrix - fold.truth) ** 2).sum(axis=1) for fold, matrix in zip(folds, scores, strict=True)
    ]
    return _mean(folds, errors)


def _mean(folds: Sequence[Fold], of_clips: Sequence[npt.NDArray[np.generic]]) -> Figure:
    """Mean over the clips of all folds, in each resample."""
    sums = [clips @ fold.weights for fold, clips in zip(folds, of_clips, strict=True)]
    counts = [fold.weights.sum(axis=0) for fold in folds]
    return _figure(np.sum(sums, axis=0) / np.sum(counts, axis=0))


def _figure(values: npt.NDArray[np.float64]) -> Figure:
    """The first value, with the interval of the others."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return Figure(float(values[0]), float(low), float(high))
