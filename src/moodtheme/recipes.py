"""Recipes: everything that defines a system, as data, each number with its source.

A recipe says what the system sees of the audio (`CrnnView`), what its recurrent part looks like
(`Head`) and how it is trained (`Schedule`). Any value can be set by its name; `describe` lists
names, values and sources. Where the paper and the authors' code differ the recipe follows the
paper, and the source names the difference.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

import msgspec

from moodtheme.errors import UsageError

Positive = Annotated[int, msgspec.Meta(ge=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Amount = Annotated[float, msgspec.Meta(ge=0)]
PositiveReal = Annotated[float, msgspec.Meta(gt=0)]


class Cell(StrEnum):
    """Kind of recurrent layer."""

    LSTM = "lstm"
    GRU = "gru"
    BLSTM = "blstm"


class Convolutions(StrEnum):
    """What turns a CRNN's audio into a sequence."""

    VGGISH = "vggish"
    SOUNDNET = "soundnet"


class Precision(StrEnum):
    """Number format of training: float32, or mixed with a half precision."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class EvaluationExcerpt(StrEnum):
    """What of a track is scored outside training.

    ``CENTRE`` is the excerpt in the middle, ``SECOND_HALF`` the one that begins at half the
    track's length (a track of up to two excerpts: at its start), ``COVER`` the mean over the whole
    track, an excerpt at a time.
    """

    CENTRE = "centre"
    SECOND_HALF = "second-half"
    COVER = "cover"


@dataclass(frozen=True, kw_only=True)
class CrnnView:
    """What a CRNN sees of a track."""

    convolutions: Convolutions = Convolutions.VGGISH
    pretrained: bool = True
    excerpt_s: PositiveReal = 20.0
    evaluation: EvaluationExcerpt = EvaluationExcerpt.CENTRE
    noise_power: Amount = 0.2

    @property
    def sample_rate(self) -> int:
        """Rate the convolutions were trained at, in Hz."""
        return {Convolutions.VGGISH: 16_000, Convolutions.SOUNDNET: 22_050}[self.convolutions]

    @property
    def samples(self) -> int:
        """Length of the excerpt in samples."""
        return round(self.excerpt_s * self.sample_rate)


@dataclass(frozen=True, kw_only=True)
class Head:
    """The recurrent part; see `moodtheme.models.recurrent.RecurrentHead`."""

    cell: Cell
    units: Positive = 256
    layers: Positive = 2
    dense: Positive = 1024
    dropout: Share = 0.3


@dataclass(frozen=True)
class Stage:
    """A stretch of training with one learning rate.

    Attributes
    ----------
    epochs
        At most.
    learning_rate
        Of RMSprop.
    frozen
        Whether the pretrained convolutions keep their weights.
    """

    epochs: int
    learning_rate: float
    frozen: bool


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How a system is trained."""

    frozen_epochs: Count = 20
    frozen_learning_rate: PositiveReal = 1e-3
    epochs: Count = 80
    learning_rate: PositiveReal = 1e-4
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
    view: CrnnView
    head: Head
    schedule: Schedule = Schedule()
    sources: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of training that have epochs, in order.

        Without pretrained weights there is nothing to keep: all layers learn in every stage.
        """
        plan = self.schedule
        frozen = self.view.pretrained
        stages = (
            Stage(plan.frozen_epochs, plan.frozen_learning_rate, frozen),
            Stage(plan.epochs, plan.learning_rate, False),
        )
        return tuple(stage for stage in stages if stage.epochs)


_PAPER = "paper, section 2.1"
_KERAS = "Keras 2.2's default, which the authors' code uses"
_OURS = "ours"
_CRNN_SOURCES = {
    "view.convolutions": "authors' code; the paper says SoundNet, whose flag loads VGGish",
    "view.pretrained": _PAPER,
    "view.excerpt_s": f"{_PAPER}: a random 20 s in training",
    "view.evaluation": f"{_PAPER}; the authors' code takes second-half",
    "view.noise_power": f"{_PAPER}; the authors' code has 0.1 by default",
    "head.cell": "paper, table 1",
    "head.units": f"{_PAPER}: 128, 256 and 512 tried",
    "head.layers": _PAPER,
    "head.dense": _PAPER,
    "head.dropout": f"{_PAPER}: 0.2, 0.3 and 0.4 tried",
    "schedule.frozen_epochs": f"{_PAPER}: the recurrent part alone",
    "schedule.frozen_learning_rate": _PAPER,
    "schedule.epochs": f"{_PAPER}: all layers, from the best epoch before",
    "schedule.learning_rate": _PAPER,
    "schedule.patience": f"{_PAPER} has no early stopping",
    "schedule.batch_size": _PAPER,
    "schedule.rho": _KERAS,
    "schedule.epsilon": _KERAS,
    "schedule.clip_norm": f"{_KERAS}: none",
    "schedule.precision": _KERAS,
    "schedule.positive_weights": f"{_PAPER} has none",
    "schedule.focal_gamma": f"{_PAPER} has none",
}

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        f"crnn-{cell}": Recipe(
            system=f"crnn-{cell}", view=CrnnView(), head=Head(cell=cell), sources=_CRNN_SOURCES
        )
        for cell in Cell
    }
)


@dataclass(frozen=True)
class Setting:
    """One value of a recipe, with its name and source."""

    name: str
    value: str
    source: str


def find_recipe(system: str) -> Recipe:
    """Recipe of a system.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if system not in RECIPES:
        raise UsageError(f"no system is called {system!r}; choose from {', '.join(RECIPES)}")
    return RECIPES[system]


def describe(recipe: Recipe) -> Iterator[Setting]:
    """Every value of a recipe that can be set."""
    for name, value in _leaves(recipe):
        yield Setting(name, _text(value), recipe.sources[name])


def with_values(recipe: Recipe, values: Mapping[str, str]) -> Recipe:
    """Return the recipe with some values set from text.

    Parameters
    ----------
    recipe
        Where everything else comes from.
    values
        By full name (``head.units``), or by its last part where that is unique (``units``).
        ``none`` unsets a value that may be absent.

    Raises
    ------
    UsageError
        If a name is unknown or a value does not fit.
    """
    content: dict[str, Any] = msgspec.to_builtins(recipe)
    names = [name for name, _ in _leaves(recipe)]
    sources = dict(recipe.sources)
    for given, text in values.items():
        fitting = [name for name in names if name == given or name.endswith(f".{given}")]
        if len(fitting) != 1:
            raise UsageError(
                f"a recipe has no value {given!r}; {recipe.system} has {', '.join(names)}"
            )
        part, leaf = fitting[0].split(".")
        content[part][leaf] = _parsed(text)
        sources[fitting[0]] = "set for this run"
        try:
            msgspec.convert(content, Recipe)
        except msgspec.ValidationError as error:
            raise UsageError(f"{given} cannot be {text!r}: {error}; give another value") from error
    return replace(msgspec.convert(content, Recipe), sources=sources)


def _leaves(recipe: Recipe) -> Iterator[tuple[str, Any]]:
    for part in ("view", "head", "schedule"):
        values = getattr(recipe, part)
        for field in dataclasses.fields(values):
            yield f"{part}.{field.name}", getattr(values, field.name)


def _parsed(text: str) -> Any:
    if text.lower() == "none":
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _text(value: Any) -> str:
    return "none" if value is None else str(value).lower() if value in (True, False) else str(value)
