"""The recipes: the paper's nine systems, the MediaEval baseline, openSMILE's and your own features.

Where the paper and the authors' code differ the recipe follows the paper, and the source names the
difference.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from moodtheme.errors import UsageError
from moodtheme.recipes.recipe import Cell, Head, Optimiser, Recipe, Schedule, value_names
from moodtheme.recipes.views import (
    BaselineView,
    CrnnView,
    DeepSpectrumView,
    OpenSmileView,
    OwnFeaturesView,
    View,
)

_PAPER = "paper, section 2.1"
_DS_PAPER = "paper, section 2.2"
_KERAS = "Keras 2.2's default, which the authors' code uses"
_TOOLKIT = "the Deep Spectrum toolkit"
_BASELINE = "MediaEval baseline's code"
_OURS = "ours"
_INPUTS = (
    "on a layer's inputs, one mask for all gates and both directions; Keras 2.2.4 draws one a gate"
)
_SAME = "as the Deep Spectrum systems, for comparison"

_CRNN_SOURCES: Mapping[str, str] = {
    "view.convolutions": "authors' code; the paper says SoundNet, whose flag loads VGGish",
    "view.pretrained": _PAPER,
    "view.excerpt_s": f"{_PAPER}: a random 20 s in training",
    "view.evaluation": f"{_PAPER}; the authors' code takes second-half",
    "view.noise_power": f"{_PAPER}; the authors' code has 0.1 by default",
    "head.cell": "paper, table 1",
    "head.units": f"{_PAPER}: 128, 256 and 512 tried",
    "head.layers": _PAPER,
    "head.dense": _PAPER,
    "head.dropout": f"{_PAPER}: 0.2, 0.3 and 0.4 tried; {_INPUTS}",
    "schedule.frozen_epochs": f"{_PAPER}: the recurrent part alone",
    "schedule.frozen_learning_rate": _PAPER,
    "schedule.epochs": f"{_PAPER}: all layers, from the best epoch before",
    "schedule.learning_rate": _PAPER,
    "schedule.sgd_epochs": f"{_PAPER} has none",
    "schedule.optimiser": _PAPER,
    "schedule.patience": f"{_PAPER} has no early stopping",
    "schedule.batch_size": _PAPER,
    "schedule.rho": _KERAS,
    "schedule.epsilon": _KERAS,
    "schedule.clip_norm": f"{_KERAS}: none",
    "schedule.precision": _KERAS,
    "schedule.positive_weights": f"{_PAPER} has none",
    "schedule.focal_gamma": f"{_PAPER} has none",
}

_DEEP_SPECTRUM_SOURCES: Mapping[str, str] = {
    **_CRNN_SOURCES,
    "view.window_s": f"{_DS_PAPER}: 1 s and 5 s",
    "view.duration_s": "authors' features: 29 and 5 windows; the paper says 30 s",
    "view.sample_rate": "MTG-Jamendo's rate",
    "view.n_mels": _TOOLKIT,
    "view.scale": _DS_PAPER,
    "view.colour_map": f"authors' commands; {_TOOLKIT} has viridis by default",
    "view.resize": "Pillow's default; before Pillow 7 it was nearest, very likely the authors'",
    "view.image_network": _DS_PAPER,
    "view.pretrained": _DS_PAPER,
    "view.layer": f"{_DS_PAPER}: the second fully connected layer",
    "view.preprocessing": _TOOLKIT,
    "view.feature_precision": _OURS,
    "head.units": _DS_PAPER,
    "head.layers": _DS_PAPER,
    "head.dense": _DS_PAPER,
    "head.dropout": f"{_DS_PAPER}, of hidden activations; here {_INPUTS}: so "
    "features are dropped too, and nothing behind the last recurrent layer",
    "schedule.frozen_epochs": f"{_DS_PAPER}: the image network is never trained",
    "schedule.epochs": _DS_PAPER,
    "schedule.learning_rate": _DS_PAPER,
    "schedule.optimiser": _DS_PAPER,
    "schedule.patience": f"{_DS_PAPER}; the authors' code has 100",
    "schedule.batch_size": _DS_PAPER,
}

_OPENSMILE_SOURCES: Mapping[str, str] = {
    **dict.fromkeys(_DEEP_SPECTRUM_SOURCES, _SAME),
    "view.feature_set": "paper, section 4: the authors' announced next step",
}

_OWN_SOURCES: Mapping[str, str] = {
    **dict.fromkeys(_DEEP_SPECTRUM_SOURCES, _SAME),
    "view.folder": "yours",
    "view.frames": "yours; none shows whole tracks",
    "view.array": "yours",
    "view.scaled": "ours: features of any kind come to one scale",
}

_BASELINE_SOURCES: Mapping[str, str] = {
    **dict.fromkeys(_CRNN_SOURCES, _BASELINE),
    "schedule.rho": "RMSprop's, not used",
    "schedule.epsilon": "RMSprop's, not used",
    "schedule.frozen_learning_rate": "not used: nothing is frozen",
    "schedule.precision": _OURS,
}

_FEATURE_SCHEDULE = Schedule(frozen_epochs=0, epochs=1000, learning_rate=1e-3, patience=50)


def _recipe(
    system: str,
    view: View,
    head: Head | None,
    sources: Mapping[str, str],
    schedule: Schedule | None = None,
) -> Recipe:
    recipe = Recipe(system=system, view=view, head=head, schedule=schedule or Schedule())
    return replace(recipe, sources={name: sources[name] for name in value_names(recipe)})


def _feature_head(cell: Cell) -> Head:
    return Head(cell=cell, units=1024, layers=2, dense=1024, dropout=0.4)


_CRNNS = [_recipe(f"crnn-{cell}", CrnnView(), Head(cell=cell), _CRNN_SOURCES) for cell in Cell]
_DEEP_SPECTRUM = [
    _recipe(
        f"ds-{window_s}s-{cell}",
        DeepSpectrumView(window_s=float(window_s)),
        _feature_head(cell),
        _DEEP_SPECTRUM_SOURCES,
        _FEATURE_SCHEDULE,
    )
    for window_s in (1, 5)
    for cell in Cell
]
_OPENSMILE = [
    _recipe(
        f"opensmile-{cell}",
        OpenSmileView(),
        _feature_head(cell),
        _OPENSMILE_SOURCES,
        _FEATURE_SCHEDULE,
    )
    for cell in Cell
]
_OWN = [
    _recipe(f"own-{cell}", OwnFeaturesView(), _feature_head(cell), _OWN_SOURCES, _FEATURE_SCHEDULE)
    for cell in Cell
]

NINE_SYSTEMS: tuple[str, ...] = tuple(recipe.system for recipe in (*_CRNNS, *_DEEP_SPECTRUM))
"""The paper's systems, in the order of its table."""

BASELINE = "mediaeval-baseline"

_BASELINES = [
    _recipe(
        BASELINE,
        BaselineView(),
        None,
        _BASELINE_SOURCES,
        Schedule(frozen_epochs=0, epochs=60, sgd_epochs=20, optimiser=Optimiser.ADAM),
    )
]

_ALL = (*_CRNNS, *_DEEP_SPECTRUM, *_BASELINES, *_OPENSMILE, *_OWN)

RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.system: recipe for recipe in _ALL})


def departures(recipe: Recipe) -> tuple[str, ...]:
    """What differs from the paper without being a value of the recipe, in sentences."""
    found = []
    if recipe.system in NINE_SYSTEMS:
        found.append(
            "The paper writes of 52 outputs, and of 18,486 tracks split 60, 20 and 20 %. Its "
            "scores are of MTG-Jamendo's split 0, which has 56 tags and 17,982 tracks: 55, 21 and "
            "24 %. So has this."
        )
    if recipe.view.sound:
        found.append(
            "Training and its validation hear tracks as int16 scaled to their peak, predict and "
            "graphs as float32; that changed no score of twelve recordings by more than 0.0001."
        )
    return tuple(found)


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
