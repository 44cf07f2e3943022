"""From scores to probabilities and decisions, as a bundle's calibration and thresholds say."""

import numpy as np
import numpy.typing as npt

from moodtheme.bundle import Calibration, Thresholds

FloatArray = npt.NDArray[np.float32]
_EDGE = 1e-7  # scores are kept this far from 0 and 1 before their logit is taken


def calibrate(scores: FloatArray, calibration: Calibration) -> FloatArray:
    """Probabilities from scores, shape (..., tags), by per-tag logistic calibration."""
    clipped = np.clip(scores.astype(np.float64), _EDGE, 1 - _EDGE)
    logits = np.log(clipped / (1 - clipped))
    slopes, intercepts = np.array(calibration.slopes), np.array(calibration.intercepts)
    return np.asarray(1 / (1 + np.exp(-(slopes * logits + intercepts))), dtype=np.float32)


def decide(scores: FloatArray, thresholds: Thresholds) -> npt.NDArray[np.bool_]:
    """Decisions from scores, shape (..., tags): present where the score is strictly greater."""
    return np.asarray(scores > np.array(thresholds.values, dtype=np.float32))
