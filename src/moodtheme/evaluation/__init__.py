"""Evaluation of scores against truth: metrics, thresholds, bootstrap intervals.

`evaluate` answers for one system in one call; the modules hold the parts: `metrics` (conventions
and definitions), `thresholds`, `bootstrap`, `curves`, `popularity` and `fusion_weights`. Only
NumPy is needed.
"""

from moodtheme.evaluation.rows import Validation, evaluate, evaluate_systems

__all__ = ["Validation", "evaluate", "evaluate_systems"]
