"""The recipes: the paper's nine systems, the MediaEval baseline, openSMILE's and your own features.

Where the paper and the authors' code differ the recipe follows the paper, and the source names the
difference. What the paper found with its systems is here too (`TABLE_1`). The paper is Amiriparian
et al., "Emotion and Themes Recognition in Music Utilising Convolutional and Recurrent Neural
Networks", MediaEval 2019.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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

BASELINE = "mediaeval-baseline"

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


def _recipe(
    system: str, view: View, head: Head | None, sources: Mapping[str, str], schedule: Schedule
) -> Recipe:
    recipe = Recipe(system=system, view=view, head=head, schedule=schedule)
    return replace(recipe, sources={name: sources[name] for name in value_names(recipe)})


def _on_features(family: str, view: View, sources: Mapping[str, str]) -> list[Recipe]:
    """A system a cell, with the recurrent part and the training of the Deep Spectrum systems."""
    schedule = Schedule(frozen_epochs=0, epochs=1000, learning_rate=1e-3, patience=50)
    heads = [Head(cell=cell, units=1024, layers=2, dense=1024, dropout=0.4) for cell in Cell]
    return [_recipe(f"{family}-{head.cell}", view, head, sources, schedule) for head in heads]


_NINE = [
    *(_recipe(f"crnn-{c}", CrnnView(), Head(cell=c), _CRNN_SOURCES, Schedule()) for c in Cell),
    *_on_features("ds-1s", DeepSpectrumView(window_s=1.0), _DEEP_SPECTRUM_SOURCES),
    *_on_features("ds-5s", DeepSpectrumView(window_s=5.0), _DEEP_SPECTRUM_SOURCES),
]
_OTHERS = [
    _recipe(
        BASELINE,
        BaselineView(),
        None,
        _BASELINE_SOURCES,
        Schedule(frozen_epochs=0, epochs=60, sgd_epochs=20, optimiser=Optimiser.ADAM),
    ),
    *_on_features("opensmile", OpenSmileView(), _OPENSMILE_SOURCES),
    *_on_features("own", OwnFeaturesView(), _OWN_SOURCES),
]

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {recipe.system: recipe for recipe in (*_NINE, *_OTHERS)}
)

NINE_SYSTEMS: tuple[str, ...] = tuple(recipe.system for recipe in _NINE)
"""The paper's systems, in the order of its table."""

CRNN, DS_1S, DS_5S = NINE_SYSTEMS[:3], NINE_SYSTEMS[3:6], NINE_SYSTEMS[6:]


@dataclass(frozen=True)
class PaperRow:
    """A line of Table 1.

    Attributes
    ----------
    name
        A system, or what is fused.
    members
        The systems behind it; one for a system itself.
    validation, test
        Macro ROC-AUC in percent as printed; None where the table has a dash.
    """

    name: str
    members: tuple[str, ...]
    validation: float | None
    test: float


TABLE_1: tuple[PaperRow, ...] = (
    PaperRow("crnn-lstm", ("crnn-lstm",), 71.4, 69.4),
    PaperRow("crnn-gru", ("crnn-gru",), 72.6, 69.5),
    PaperRow("crnn-blstm", ("crnn-blstm",), 71.9, 68.2),
    PaperRow("ds-1s-lstm", ("ds-1s-lstm",), 70.1, 70.0),
    PaperRow("ds-1s-gru", ("ds-1s-gru",), 68.4, 69.8),
    PaperRow("ds-1s-blstm", ("ds-1s-blstm",), 69.2, 71.0),
    PaperRow("ds-5s-lstm", ("ds-5s-lstm",), 69.0, 70.3),
    PaperRow("ds-5s-gru", ("ds-5s-gru",), 68.8, 69.9),
    PaperRow("ds-5s-blstm", ("ds-5s-blstm",), 68.4, 70.8),
    PaperRow("all CRNN", CRNN, None, 70.7),
    PaperRow("all 1 s Deep Spectrum", DS_1S, None, 71.5),
    PaperRow("all 5 s Deep Spectrum", DS_5S, None, 71.6),
    PaperRow("all Deep Spectrum", DS_1S + DS_5S, None, 72.6),
    PaperRow("all systems", NINE_SYSTEMS, None, 74.2),
)
"""The paper's Table 1, in its order: nine systems, and five fusions by plain mean."""

PAPER_BASELINE = PaperRow("MediaEval baseline", (BASELINE,), None, 72.5)
"""The table's caption: the baseline's macro ROC-AUC on test."""


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
