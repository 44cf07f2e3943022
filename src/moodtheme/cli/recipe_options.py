"""From a system's name, ``--set`` and ``--weights`` to a recipe."""

import json
from collections.abc import Sequence
from pathlib import Path

from moodtheme.errors import UsageError
from moodtheme.recipes import Recipe, find_recipe, from_toml, value_names, with_values

PUBLISHED, RANDOM = "published", "random"
"""Words of ``--weights`` that are no file."""


def chosen_recipe(system: str, settings: Sequence[str], weights: str) -> Recipe:
    """Recipe of a system with values set on the command line.

    Parameters
    ----------
    system
        Its name, or a recipe's file, whose name ends in ``.toml``.
    settings
        As ``--set`` takes them, ``NAME=VALUE``.
    weights
        As ``--weights`` takes it.

    Raises
    ------
    UsageError
        If there is no such system or value.
    """
    values = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--set {text}: is not NAME=VALUE; write for example units=128")
        values[name] = value
    base = from_toml(Path(system)) if system.endswith(".toml") else find_recipe(system)
    recipe = with_values(base, values)
    if weights == RANDOM and recipe.view.pretrained:
        return with_values(recipe, {"pretrained": "false"})
    return recipe


def with_own_features(recipe: Recipe, features: Path | None) -> Recipe:
    """The recipe with the folder of ``--features``, where it hears features of your own."""
    if features is None or "view.folder" not in value_names(recipe):
        return recipe
    return with_values(recipe, {"view.folder": json.dumps(str(features.absolute()))})


def weights_file(weights: str) -> Path | None:
    """The file that ``--weights`` names, or None."""
    return None if weights in {PUBLISHED, RANDOM} else Path(weights)
