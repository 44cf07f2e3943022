"""Recipes: everything that defines a system, as data, each number with its source."""

from moodtheme.recipes.base_views import SoundView, WindowedView
from moodtheme.recipes.paper import CRNN, DS_1S, DS_5S, PAPER_BASELINE, TABLE_1, PaperRow
from moodtheme.recipes.recipe import (
    Cell,
    Head,
    Optimiser,
    Recipe,
    Schedule,
    Setting,
    Stage,
    describe,
    value_names,
    with_values,
)
from moodtheme.recipes.systems import BASELINE, NINE_SYSTEMS, RECIPES, departures, find_recipe
from moodtheme.recipes.toml_form import from_toml, to_toml
from moodtheme.recipes.values import (
    Convolutions,
    EvaluationExcerpt,
    FeatureSet,
    Precision,
    Preprocessing,
)
from moodtheme.recipes.views import (
    BaselineView,
    CrnnView,
    DeepSpectrumView,
    ExtractedView,
    OpenSmileView,
    OwnFeaturesView,
    View,
)

__all__ = [
    "BASELINE",
    "CRNN",
    "DS_1S",
    "DS_5S",
    "NINE_SYSTEMS",
    "PAPER_BASELINE",
    "RECIPES",
    "TABLE_1",
    "BaselineView",
    "Cell",
    "Convolutions",
    "CrnnView",
    "DeepSpectrumView",
    "EvaluationExcerpt",
    "ExtractedView",
    "FeatureSet",
    "Head",
    "OpenSmileView",
    "Optimiser",
    "OwnFeaturesView",
    "PaperRow",
    "Precision",
    "Preprocessing",
    "Recipe",
    "Schedule",
    "Setting",
    "SoundView",
    "Stage",
    "View",
    "WindowedView",
    "departures",
    "describe",
    "find_recipe",
    "from_toml",
    "to_toml",
    "value_names",
    "with_values",
]
