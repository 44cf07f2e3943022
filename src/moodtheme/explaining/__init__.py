"""Why a model says what it says of a piece, by hiding parts of it; and what the piece is like.

`explain` finds the seconds and frequencies that raise or lower a tag or dimension, `describe`
measures a few musical descriptors beside it.
"""

from moodtheme.explaining.descriptors import Described, Descriptor, can_describe, describe
from moodtheme.explaining.explanation import (
    Explanation,
    PieceExplanation,
    Reason,
    description,
    sentence,
)
from moodtheme.explaining.regions import Cells, Region
from moodtheme.explaining.search import DEFAULT_BUDGET, explain

__all__ = [
    "DEFAULT_BUDGET",
    "Cells",
    "Described",
    "Descriptor",
    "Explanation",
    "PieceExplanation",
    "Reason",
    "Region",
    "can_describe",
    "describe",
    "description",
    "explain",
    "sentence",
]
