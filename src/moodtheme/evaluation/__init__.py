"""Evaluation of scores against truth: metrics, thresholds, bootstrap intervals.

`evaluate` answers for one system in one call, `evaluate_systems` for several, `Evaluation` step by
step; the modules hold the parts: `metrics` (conventions and definitions), `thresholds`,
`bootstrap`, `intervals`, `spread`, `calibration` and `fusion_weights`. Only NumPy is needed, but
for calibrating and for pictures.
"""

from moodtheme.evaluation.evaluator import evaluate, evaluate_systems
from moodtheme.evaluation.ratings import RatingFigures, compare_ratings, evaluate_ratings
from moodtheme.evaluation.results import Figure, PairedFigure, SystemFigures, TagFigures
from moodtheme.evaluation.scored import Evaluation, ScoredSet

__all__ = [
    "Evaluation",
    "Figure",
    "PairedFigure",
    "RatingFigures",
    "ScoredSet",
    "SystemFigures",
    "TagFigures",
    "compare_ratings",
    "evaluate",
    "evaluate_ratings",
    "evaluate_systems",
]
