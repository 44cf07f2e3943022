"""Training systems from recipes: decoded audio, examples, Lightning, and what a run leaves.

What scripts may use is named here and imported when it is asked for, since PyTorch is heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moodtheme.training.prediction import Predicted, predict_table
    from moodtheme.training.seen import require_unseen
    from moodtheme.training.settings import Machine, Settings
    from moodtheme.training.system_run import train_system
    from moodtheme.training.trained import TrainedSystem, load_trained, load_validation

__all__ = [
    "Machine",
    "Predicted",
    "Settings",
    "TrainedSystem",
    "load_trained",
    "load_validation",
    "predict_table",
    "require_unseen",
    "train_system",
]

_HOMES = {
    "prediction": ("Predicted", "predict_table"),
    "seen": ("require_unseen",),
    "settings": ("Machine", "Settings"),
    "system_run": ("train_system",),
    "trained": ("TrainedSystem", "load_trained", "load_validation"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
