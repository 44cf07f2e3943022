"""Four-quadrant, arousal and valence accuracy and macro ROC-AUC, with intervals over songs.

A clip's quadrant is the one with the highest score. Arousal and valence are read off that quadrant
(Q1 and Q2 are aroused, Q1 and Q4 pleasant), as in the published baselines. Everything is measured
twice: on the scores as they are, and on the probabilities that a calibration on validation makes of
them, as the exported models do. A calibration keeps each quadrant's ranking, so ROC-AUC stays.

Intervals are those of `moodtheme.evaluation`, over songs, not clips: clips of a song resemble each
other. Several folds are drawn each by itself. Accuracy is that of all clips; macro ROC-AUC is the
mean over folds, since scores of differently trained networks do not rank together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from moodtheme.evaluation.bootstrap import draw_weights, units_of
from moodtheme.evaluation.calibration import fit_calibration
from moodtheme.evaluation.intervals import share_interval
from moodtheme.evaluation.metrics import macro, weigh_rankings
from moodtheme.evaluation.ranking import rank_tags
from moodtheme.scores.decisions import calibrate

QUADRANTS = ("Q1", "Q2", "Q3", "Q4")
AROUSED = np.array([True, True, False, False])
PLEASANT = np.array([True, False, False, True])
RESAMPLES = 1000

Scores = npt.NDArray[np.float32]
Labels = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Figure:
    """A figure and its interval, in fractions; NaN where there is none."""

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
    brier_scores: float
    brier_probabilities: float


@dataclass(frozen=True)
class Fold:
    """Truth of a division into parts, (clips, 4); the official split is a single fold."""

    validation_truth: Labels
    truth: Labels
    songs: Sequence[str]


@dataclass(frozen=True)
class Folds:
    """Every clip's test, and how often it counts."""

    folds: Sequence[Fold]

    @cached_property
    def weights(self) -> list[npt.NDArray[np.int32]]:
        """Of each fold's clips: once, then in each resample, then with one song after another of
        all folds left out; int32 (clips, 1 + resamples + songs).
        """
        songs = [units_of(len(fold.truth), fold.songs) for fold in self.folds]
        ends = np.cumsum([0, *(units.count for units in songs)])
        found = []
        for seed, (units, first) in enumerate(zip(songs, ends, strict=False)):
            drawn = draw_weights(units.count, RESAMPLES, np.random.default_rng(seed))
            kept = np.ones((units.count, ends[-1]), np.int32)
            kept[np.arange(units.count), first + np.arange(units.count)] = 0
            once = np.ones((units.count, 1), np.int32)
            found.append(np.concatenate([once, drawn, kept], axis=1)[units.of_track])
        return found

    def mean(self, of_clips: Sequence[npt.NDArray[np.generic]]) -> npt.NDArray[np.float64]:
        """Mean over the clips of all folds, for each column of weights."""
        sums = [clips @ weights for clips, weights in zip(of_clips, self.weights, strict=True)]
        counts = [weights.sum(axis=0) for weights in self.weights]
        return np.asarray(np.sum(sums, axis=0) / np.sum(counts, axis=0))

    def roc_auc(self, test: Sequence[Scores]) -> npt.NDArray[np.float64]:
        """Macro ROC-AUC, the mean over folds, for each column of weights."""
        areas = [
            macro(weigh_rankings(rank_tags(fold.truth, scores), weights)[0])
            for fold, scores, weights in zip(self.folds, test, self.weights, strict=True)
        ]
        return np.asarray(np.mean(areas, axis=0))


def measure(name: str, folds: Folds, validation: Sequence[Scores], test: Sequence[Scores]) -> Row:
    """Measure one system, of which each fold has scores of validation and test, (clips, 4)."""
    probabilities = [
        _calibrated(fold.validation_truth, on_validation, on_test)
        for fold, on_validation, on_test in zip(folds.folds, validation, test, strict=True)
    ]
    return Row(
        name=name,
        scores=_accuracy(folds, test),
        probabilities=_accuracy(folds, probabilities),
        roc_auc_macro=_figure(folds.roc_auc(test)),
        brier_scores=_brier(folds, test),
        brier_probabilities=_brier(folds, probabilities),
    )


def _calibrated(truth: Labels, validation: Scores, test: Scores) -> Scores:
    """Probabilities of the test clips by a calibration on validation."""
    fitted = fit_calibration(truth, validation, tags=QUADRANTS)
    return calibrate(test, fitted.slopes, fitted.intercepts)


def _accuracy(folds: Folds, scores: Sequence[Scores]) -> Accuracy:
    true = [fold.truth.argmax(axis=1) for fold in folds.folds]
    said = [matrix.argmax(axis=1) for matrix in scores]
    pairs = list(zip(true, said, strict=True))
    return Accuracy(
        quadrant=_figure(folds.mean([a == b for a, b in pairs])),
        arousal=_figure(folds.mean([AROUSED[a] == AROUSED[b] for a, b in pairs])),
        valence=_figure(folds.mean([PLEASANT[a] == PLEASANT[b] for a, b in pairs])),
    )


def _brier(folds: Folds, scores: Sequence[Scores]) -> float:
    errors = [
        ((matrix - fold.truth) ** 2).sum(axis=1)
        for fold, matrix in zip(folds.folds, scores, strict=True)
    ]
    return float(np.concatenate(errors).mean())


def _figure(values: npt.NDArray[np.float64]) -> Figure:
    """The first value, with the interval that resamples and songs left out give it."""
    found = share_interval(float(values[0]), values[1 : 1 + RESAMPLES], values[1 + RESAMPLES :])
    return Figure(float(values[0]), found.low, found.high)
