"""Recipes: everything that defines a system, as data, each number with its source."""

from moodtheme.recipes.recipe import (
    Cell,
    Head,
    Optimiser,
    Recipe,
    Schedule,
    Setting,
    Stage,
    describe,
    with_values,
)
from moodtheme.recipes.systems import BASELINE, NINE_SYSTEMS, RECIPES, find_recipe
from moodtheme.recipes.views import (
    BaselineView,
    Convolutions,
    CrnnView,
    DeepSpectrumView,
    EvaluationExcerpt,
    FeatureSet,
    OpenSmileView,
    Precision,
    Preprocessing,
    View,
)

__all__ = [
    "BASELINE",
    "NINE_SYSTEMS",
    "RECIPES",
    "BaselineView",
    "Cell",
    "Convolutions",
    "CrnnView",
    "DeepSpectrumView",
    "EvaluationExcerpt",
    "FeatureSet",
    "Head",
    "OpenSmileView",
    "Optimiser",
    "Precision",
    "Preprocessing",
    "Recipe",
    "Schedule",
    "Setting",
    "Stage",
    "View",
    "describe",
    "find_recipe",
    "with_values",
]
