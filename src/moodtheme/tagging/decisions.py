"""From scores to probabilities and decisions, as a bundle's calibration and thresholds say."""

import numpy as np
import numpy.typing as npt

from moodtheme.evaluation.thresholds import apply_thresholds
from moodtheme.scores.odds import logit, sigmoid
from moodtheme.tagging.bundle import Calibration, Thresholds

FloatArray = npt.NDArray[np.float32]


def calibrate(scores: FloatArray, calibration: Calibration) -> FloatArray:
    """Probabilities from scores, shape (tracks, tags), by per-tag logistic calibration."""
    slopes, intercepts = np.array(calibration.slopes), np.array(calibration.intercepts)
    return np.asarray(sigmoid(slopes * logit(scores) + intercepts), dtype=np.float32)


def decide(scores: FloatArray, thresholds: Thresholds) -> npt.NDArray[np.bool_]:
    """Decisions from scores, shape (tracks, tags): present where the score is strictly greater."""
    return apply_thresholds(scores, np.array(thresholds.values))
