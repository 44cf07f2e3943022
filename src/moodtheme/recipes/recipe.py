"""Recipes: everything that defines a system, as data, each number with its source.

A recipe says what the system sees of the audio (`views`), what its recurrent part looks like
(`Head`) and how it is trained (`Schedule`). Any value can be set by its name; `describe` lists
names, values and sources.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec

from moodtheme.errors import UsageError
from moodtheme.recipes.values import Count, Positive, PositiveReal, Precision, Share
from moodtheme.recipes.views import View


class Cell(StrEnum):
    """Kind of recurrent layer."""

    LSTM = "lstm"
    GRU = "gru"
    BLSTM = "blstm"


class Optimiser(StrEnum):
    """Rule that changes weights: Keras' RMSprop, Adam, or SGD with Nesterov's momentum."""

    RMSPROP = "rmsprop"
    ADAM = "adam"
    SGD = "sgd"


@dataclass(frozen=True, kw_only=True)
class Head:
    """The recurrent part; see `moodtheme.models.recurrent.RecurrentHead`."""

    cell: Cell
    units: Positive = 256
    layers: Positive = 2
    dense: Positive = 1024
    dropout: Share = 0.3


_TAG = "type"  # msgspec's field for the kind of view
_SGD_RATES = (1e-3, 1e-4)  # the MediaEval baseline's code


@dataclass(frozen=True)
class Stage:
    """A stretch of training with one learning rate.

    Attributes
    ----------
    epochs
        At most.
    learning_rate
        Of the optimiser.
    frozen
        Whether the pretrained convolutions keep their weights.
    optimiser
        Which rule changes the weights.
    """

    epochs: int
    learning_rate: float
    frozen: bool
    optimiser: Optimiser = Optimiser.RMSPROP


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How a system is trained: up to four stages, each from the best epoch before it.

    First the recurrent part alone, then everything, then SGD in two steps of falling rate (only
    the MediaEval baseline has these).
    """

    frozen_epochs: Count = 20
    frozen_learning_rate: PositiveReal = 1e-3
    epochs: Count = 80
    learning_rate: PositiveReal = 1e-4
    sgd_epochs: Count = 0
    optimiser: Optimiser = Optimiser.RMSPROP
    patience: Positive | None = None
    batch_size: Positive = 32
    rho: Share = 0.9
    epsilon: PositiveReal = 1e-7
    clip_norm: PositiveReal | None = None
    precision: Precision = Precision.FLOAT32
    positive_weights: bool = False
    focal_gamma: PositiveReal | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A system's whole definition; `sources` says where its values come from, by name."""

    system: str
    view: View
    head: Head | None
    schedule: Schedule = Schedule()
    sources: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of training that have epochs, in order.

        Without pretrained weights there is nothing to keep: all layers learn in every stage.
        """
        plan, keeps = self.schedule, self.view.keeps_layers
        stages = (
            Stage(plan.frozen_epochs, plan.frozen_learning_rate, keeps, plan.optimiser),
            Stage(plan.epochs, plan.learning_rate, False, plan.optimiser),
            *(Stage(plan.sgd_epochs, rate, False, Optimiser.SGD) for rate in _SGD_RATES),
        )
        return tuple(stage for stage in stages if stage.epochs)


@dataclass(frozen=True)
class Setting:
    """One value of a recipe, with its name and source."""

    name: str
    value: str
    source: str


def value_names(recipe: Recipe) -> list[str]:
    """Full names of the values that can be set."""
    return [name for name, _ in described_values(recipe)]


def describe(recipe: Recipe) -> Iterator[Setting]:
    """Every value of a recipe that can be set."""
    for name, value in described_values(recipe):
        yield Setting(name, _text(value), recipe.sources[name])


def with_values(
    recipe: Recipe, values: Mapping[str, str], *, source: str = "set for this run"
) -> Recipe:
    """Return the recipe with some values set from text.

    Parameters
    ----------
    recipe
        Where everything else comes from.
    values
        By full name (``head.units``), or by its last part where that is unique (``units``).
        ``none`` unsets a value that may be absent.
    source
        Where they come from, in words.

    Raises
    ------
    UsageError
        If a name is unknown or a value does not fit.
    """
    content: dict[str, Any] = msgspec.to_builtins(recipe)
    changed, sources = recipe, dict(recipe.sources)
    for given, text in values.items():
        fitting = values_called(recipe, given)
        if len(fitting) != 1:
            raise UsageError(
                f"a recipe has no value {given!r}; {recipe.system} has "
                f"{', '.join(value_names(recipe))}"
            )
        part, leaf = fitting[0].split(".")
        content[part][leaf] = _parsed(text)
        sources[fitting[0]] = source
        try:
            changed = msgspec.convert(content, Recipe)
        except msgspec.ValidationError as error:
            raise UsageError(f"{given} cannot be {text!r}: {error}; give another value") from error
    return replace(changed, sources=sources)


def values_called(recipe: Recipe, given: str) -> list[str]:
    """Full names of the values that a name, full or its last part, may mean."""
    return [name for name in value_names(recipe) if f".{name}".endswith(f".{given}")]


def described_values(recipe: Recipe) -> Iterator[tuple[str, Any]]:
    """Full names of the values that can be set, each with its value as JSON has it."""
    for part in ("view", "head", "schedule"):
        for name, value in msgspec.to_builtins(getattr(recipe, part) or {}).items():
            if name != _TAG:
                yield f"{part}.{name}", value


def _parsed(text: str) -> Any:
    if text.lower() == "none":
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _text(value: Any) -> str:
    return "none" if value is None else str(value).lower() if value in (True, False) else str(value)
