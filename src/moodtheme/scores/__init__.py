"""Arithmetic on scores: matrices on disk, fusion, odds, tag vocabularies. Only NumPy is needed."""

from moodtheme.scores.decisions import apply_thresholds, logit, sigmoid
from moodtheme.scores.fusion import FusionMethod, fuse
from moodtheme.scores.matrices import (
    SystemScores,
    load_systems,
    load_truth,
    match_systems,
    save_matrix,
)
from moodtheme.scores.vocabulary import bare_name, load_tags, tags_for

__all__ = [
    "FusionMethod",
    "SystemScores",
    "apply_thresholds",
    "bare_name",
    "fuse",
    "load_systems",
    "load_tags",
    "load_truth",
    "logit",
    "match_systems",
    "save_matrix",
    "sigmoid",
    "tags_for",
]
