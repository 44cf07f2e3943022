"""Kinds of systems: what each view of a track means for training, scoring and graphs.

A new kind of view is a class in `moodtheme.recipes.views`, a module here, and a line in the table
below. Nobody else asks a view what it is.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from moodtheme.recipes import (
    BaselineView,
    CrnnView,
    DeepSpectrumView,
    OpenSmileView,
    OwnFeaturesView,
    Recipe,
    View,
)
from moodtheme.training.kinds.features import DeepSpectrumKind, OpenSmileKind
from moodtheme.training.kinds.kind import Kind, Source
from moodtheme.training.kinds.own import OwnFeaturesKind
from moodtheme.training.kinds.sound import BaselineKind, CrnnKind

__all__ = ["Kind", "Source", "kind_of"]

_KINDS: Mapping[type[View], Callable[[Recipe, Any], Kind[Any]]] = MappingProxyType(
    {
        CrnnView: CrnnKind,
        BaselineView: BaselineKind,
        DeepSpectrumView: DeepSpectrumKind,
        OpenSmileView: OpenSmileKind,
        OwnFeaturesView: OwnFeaturesKind,
    }
)


def kind_of(recipe: Recipe) -> Kind[Any]:
    """What can be done with a recipe's system."""
    return _KINDS[type(recipe.view)](recipe, recipe.view)
