"""Arithmetic on scores: matrices on disk, fusion, odds, tag vocabularies. Only NumPy is needed."""

from moodtheme.scores.decisions import apply_thresholds, logit, sigmoid
from moodtheme.scores.forms import Content, write_matrix
from moodtheme.scores.fusion import FusionMethod, fuse
from moodtheme.scores.matrices import (
    SystemScores,
    Truth,
    load_systems,
    load_truth,
    match_systems,
    read_truth,
)
from moodtheme.scores.names import Names
from moodtheme.scores.vocabulary import bare_name, load_tags, tags_for

__all__ = [
    "Content",
    "FusionMethod",
    "Names",
    "SystemScores",
    "Truth",
    "apply_thresholds",
    "bare_name",
    "fuse",
    "load_systems",
    "load_tags",
    "load_truth",
    "logit",
    "match_systems",
    "read_truth",
    "sigmoid",
    "tags_for",
    "write_matrix",
]
